"""FROC of components (Chakraborty & Winter, Radiology 1990), in all replicates at once.

The candidates are a map's components above one fixed floor, each with its highest value as its score. The
curves of the report's comparison are another thing: `patchclip.evaluate.claim.operating_curve` draws the
regions anew at each threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from patchclip.evaluate.image_metrics import Floats
from patchclip.types import Box, Region

RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False positives per image at which sensitivity is reported."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """All candidates of one finding.

    Attributes:
        image: int [C], position of the image among those scored.
        score: float [C].
        hit: bool [C], the candidate that first (with the highest score) finds a box.
        alarm: bool [C], a false positive; a further hit of a box already found is neither.
        boxes: int [N], boxes on each scored image; 0 on a normal one.
    """

    image: NDArray[np.int64]
    score: Floats
    hit: NDArray[np.bool_]
    alarm: NDArray[np.bool_]
    boxes: NDArray[np.int64]


def match(
    regions: Sequence[Sequence[Region]], boxes: Sequence[Sequence[Box]], least_iou: float | None = None
) -> Candidates:
    """Matches regions to boxes, image by image.

    A region hits a box if its peak lies inside, or, with `least_iou`, if the boxes' IoU is at least that. A
    region inside two boxes finds both, and counts as one hit for each: it then stands among the candidates
    twice, with the same score.
    """
    image: list[int] = []
    score: list[float] = []
    hit: list[bool] = []
    alarm: list[bool] = []
    for number, (candidates, truth) in enumerate(zip(regions, boxes, strict=True)):
        taken: set[int] = set()
        for region in sorted(candidates, key=lambda item: -item.score):
            touched = [k for k, box in enumerate(truth) if _hits(region, box, least_iou)]
            new = [k for k in touched if k not in taken]
            taken.update(new)
            for _ in range(max(1, len(new))):
                image.append(number)
                score.append(region.score)
                hit.append(bool(new))
                alarm.append(not touched)
    return Candidates(
        np.array(image, np.int64),
        np.array(score, np.float64),
        np.array(hit, bool),
        np.array(alarm, bool),
        np.array([len(item) for item in boxes], np.int64),
    )


def curve(candidates: Candidates, weights: Floats) -> tuple[Floats, Floats]:
    """Points of the FROC curve from the strictest threshold on.

    weights [B, N] over images -> false positives per image and sensitivity per box, [B, T] each; T distinct
    scores.
    """
    order = np.argsort(-candidates.score, kind="stable")
    drawn = weights[:, candidates.image[order]]
    alarms = np.cumsum(drawn * candidates.alarm[order], axis=1)
    hits = np.cumsum(drawn * candidates.hit[order], axis=1)
    scores = candidates.score[order]
    last = len(scores) - 1
    ends = np.append(np.nonzero(np.diff(scores))[0], last) if len(scores) else np.array([], np.int64)
    images = np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
    total = (weights * candidates.boxes).sum(axis=1, keepdims=True)
    undefined = np.full((len(weights), len(ends)), np.nan)
    sensitivity = np.divide(hits[:, ends], total, out=undefined, where=total > 0)
    return alarms[:, ends] / images, sensitivity


def sensitivity_at(candidates: Candidates, weights: Floats, rates: Sequence[float] = RATES) -> Floats:
    """Highest sensitivity at no more than each rate of false positives per image, [B, len(rates)].

    0 where no threshold is so strict.
    """
    rate, sensitivity = curve(candidates, weights)
    if rate.shape[1] == 0:
        return np.zeros((len(weights), len(rates)))
    return np.stack([np.where(rate <= limit + 1e-9, sensitivity, 0.0).max(axis=1) for limit in rates], axis=1)


def _hits(region: Region, box: Box, least_iou: float | None) -> bool:
    return box.contains(*region.peak) if least_iou is None else region.iou(box) >= least_iou
