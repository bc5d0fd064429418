"""The bootstrap of a full report on 100 images, 1,000 replicates: figures of two readers, and the claim."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patchclip.evaluate.bootstrap import PatientBootstrap
from patchclip.evaluate.case import Case, Prediction
from patchclip.evaluate.claim import claim
from patchclip.evaluate.dataset import (
    CHESTX_DET,
    LUNG_OPACITY,
    NIH,
    NIH8,
    RSNA,
    EvaluationData,
    EvaluationImage,
)
from patchclip.evaluate.run import score
from patchclip.types import PatchMap, RelativeBox

IMAGES = 100
REPLICATES = 1000
IMAGE_SIZE = 512
GRID = 24
METHODS = ("grad_cam", "grad_cam_plus_plus", "hires_cam", "eigen_cam", "layer_cam", "raw_cosine")
LABELS = (*NIH8, LUNG_OPACITY)


@dataclass
class InventedModel:
    """A model whose predictions were invented beforehand."""

    name: str = "invented"
    sha256: str = "0" * 64
    labels: tuple[str, ...] = LABELS
    uncalibrated: frozenset[str] = frozenset()
    backend: str | None = None


def run() -> str:
    """Seconds for the figures and for the claim."""
    cases = [_case(number) for number in range(IMAGES)]
    data = EvaluationData(Path("invented"), "val", tuple(case.image for case in cases), ())
    bootstrap = PatientBootstrap([case.image.patient for case in cases], REPLICATES, 0)
    started = time.perf_counter()
    score(InventedModel(), data, cases, [], seed=0, replicates=REPLICATES)
    scored = time.perf_counter()
    claim(LABELS, cases, cases, METHODS, bootstrap)
    claimed = time.perf_counter()
    return (
        f"{IMAGES} images, {len(LABELS)} findings, {REPLICATES} replicates: "
        f"figures {scored - started:.1f} s, "
        f"claim with {len(METHODS)} methods of model and twin, raw and gated, {claimed - scored:.1f} s, "
        f"together {claimed - started:.1f} s"
    )


def _case(number: int) -> Case:
    rng = np.random.default_rng(number)
    label = LABELS[number % len(LABELS)] if number % 3 else None
    boxes: dict[tuple[str, str], tuple[RelativeBox, ...]] = {}
    rsna_class = "Normal"
    if label is not None:
        x, y = rng.uniform(0.1, 0.6, 2)
        box = (RelativeBox(float(x), float(y), 0.25, 0.25),)
        opacity = label == LUNG_OPACITY
        rsna_class = LUNG_OPACITY if opacity else "No Lung Opacity / Not Normal"
        boxes = {(RSNA, label): box} if opacity else {(NIH, label): box, (CHESTX_DET, label): box}
    image = EvaluationImage(
        name=f"{number}.png",
        path=Path(f"{number}.png"),
        patient=str(number // 2),
        labels=frozenset({label} if label else {"No Finding"}),
        rsna_class=rsna_class,
        chestx_det_read=True,
        view="PA" if number % 2 else "AP",
        sex="F" if number % 4 < 2 else "M",
        age=float(20 + number % 60),
        boxes=boxes,
    )
    extent = (0.0, 0.0, float(IMAGE_SIZE), float(IMAGE_SIZE))

    def invented() -> PatchMap:
        return PatchMap(rng.random((GRID, GRID)).astype(np.float32), extent)

    halves = dict.fromkeys(LABELS, 0.5)
    prediction = Prediction(
        size=(IMAGE_SIZE, IMAGE_SIZE),
        radiograph_sha256=f"{number:064x}",
        probability={name: float(rng.random()) for name in LABELS},
        maps={name: invented() for name in LABELS},
        thresholds=halves,
        overlap_thresholds=halves,
        min_patches=0.0,
        cutoffs=halves,
        negated={name: float(rng.random()) for name in LABELS},
        off_topic={},
        saliency={(method, name): invented() for method in METHODS for name in LABELS},
    )
    return Case(image, prediction)
