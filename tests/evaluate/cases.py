"""Cases whose truth is known, for tests of figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from patchclip.evaluate.bootstrap import PatientBootstrap
from patchclip.evaluate.case import Case, Prediction, Reaction
from patchclip.evaluate.dataset import NIH, EvaluationImage
from patchclip.types import FloatArray, PatchMap, RelativeBox

BOX = RelativeBox(0.25, 0.25, 0.25, 0.25)
EFFUSION = "Effusion"


def image(
    number: int,
    labels: frozenset[str] = frozenset(),
    *,
    boxed: Sequence[str] = (),
    source: str = NIH,
    rsna_class: str = "",
    read: bool = False,
    view: str = "PA",
    sex: str = "F",
) -> EvaluationImage:
    """An image of a patient of its own, 50 years of age, with `BOX` for every boxed finding."""
    return EvaluationImage(
        name=f"{number}.png",
        path=Path(f"{number}.png"),
        patient=str(number),
        labels=labels,
        rsna_class=rsna_class,
        chestx_det_read=read,
        view=view,
        sex=sex,
        age=50.0,
        boxes={(source, label): (BOX,) for label in boxed},
    )


def prediction(
    number: int,
    maps: dict[str, FloatArray],
    probability: float,
    off_topic: dict[str, Reaction] | None = None,
) -> Prediction:
    """On 64 x 64 pixels; every threshold is 0.5, half a patch is the smallest region."""
    halves = dict.fromkeys(maps, 0.5)
    return Prediction(
        size=(64, 64),
        radiograph_sha256=f"{number:064x}",
        probability=dict.fromkeys(maps, probability),
        maps={label: patch_map(values) for label, values in maps.items()},
        thresholds=halves,
        overlap_thresholds=halves,
        min_patches=0.5,
        cutoffs=halves,
        negated={},
        off_topic=off_topic or {},
        saliency={},
    )


def patch_map(values: FloatArray) -> PatchMap:
    """Over all of the 64 x 64 pixels."""
    return PatchMap(np.asarray(values, np.float32), (0.0, 0.0, 64.0, 64.0))


def bootstrap(cases: Sequence[Case]) -> PatientBootstrap:
    """Of 50 replicates."""
    return PatientBootstrap([case.image.patient for case in cases], 50, 0)
