"""The bootstrap of a full report: all figures of two readers, and the claim against a model's and its twin's saliency, on 100 images, 1,000 replicates."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from patchclip.evaluate.bootstrap import PatientBootstrap
from patchclip.evaluate.dataset import (
    CHESTX_DET,
    LUNG_OPACITY,
    NIH,
    NIH8,
    RSNA,
    EvaluationData,
    EvaluationImage,
)
from patchclip.evaluate.predictions import Prediction, Source
from patchclip.evaluate.run import claim, score
from patchclip.types import PatchMap, RelativeBox

IMAGES, REPLICATES, SIDE, GRID = 100, 1000, 512, 24
METHODS = ("grad_cam", "grad_cam_plus_plus", "hires_cam", "eigen_cam", "layer_cam", "raw_cosine")
LABELS = (*NIH8, LUNG_OPACITY)


class _Invented:
    """A source whose predictions were invented beforehand."""

    name, sha256, labels, uncalibrated = "invented", "0" * 64, LABELS, frozenset[str]()


def run() -> str:
    """Seconds for the figures and for the claim."""
    pairs = [_pair(number) for number in range(IMAGES)]
    source: Source = _Invented()  # type: ignore[assignment]
    data = EvaluationData(Path("invented"), "val", tuple(image for image, _ in pairs), ())
    started = time.perf_counter()
    score(source, data, pairs, [], seed=0, replicates=REPLICATES)
    scored = time.perf_counter()
    claim(
        LABELS, pairs, pairs, METHODS, PatientBootstrap([image.patient for image, _ in pairs], REPLICATES, 0)
    )
    claimed = time.perf_counter()
    return (
        f"{IMAGES} images, {len(LABELS)} findings, {REPLICATES} replicates: figures {scored - started:.1f} s, "
        f"claim with {len(METHODS)} methods of model and twin, raw and gated, {claimed - scored:.1f} s, together {claimed - started:.1f} s"
    )


def _pair(number: int) -> tuple[EvaluationImage, Prediction]:
    rng = np.random.default_rng(number)
    label = LABELS[number % len(LABELS)] if number % 3 else None
    boxes = {}
    if label is not None:
        x, y = rng.uniform(0.1, 0.6, 2)
        box = (RelativeBox(float(x), float(y), 0.25, 0.25),)
        boxes = {(RSNA if label == LUNG_OPACITY else NIH, label): box} | (
            {} if label == LUNG_OPACITY else {(CHESTX_DET, label): box}
        )
    image = EvaluationImage(
        name=f"{number}.png",
        path=Path(f"{number}.png"),
        patient=str(number // 2),
        labels=frozenset({label} if label else {"No Finding"}),
        rsna_class="Normal"
        if label is None
        else LUNG_OPACITY
        if label == LUNG_OPACITY
        else "No Lung Opacity / Not Normal",
        chestx_det_read=True,
        view="PA" if number % 2 else "AP",
        sex="F" if number % 4 < 2 else "M",
        age=float(20 + number % 60),
        boxes=boxes,
    )
    extent = (0.0, 0.0, float(SIDE), float(SIDE))

    def invented() -> PatchMap:
        return PatchMap(rng.random((GRID, GRID)).astype(np.float32), extent)

    halves = dict.fromkeys(LABELS, 0.5)
    return image, Prediction(
        size=(SIDE, SIDE),
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
