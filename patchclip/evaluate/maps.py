"""Localisation metrics of one map against the boxes of one finding on one image, in original pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from patchclip.types import FloatArray, Region

Box = tuple[float, float, float, float]
"""x, y, w, h in pixels."""

HABIT_THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5)


def box_mask(boxes: Sequence[Box], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Union of boxes as bool [H, W]: a pixel belongs if its centre lies inside."""
    mask = np.zeros(size, bool)
    for x, y, w, h in boxes:
        rows = slice(max(0, int(np.ceil(y - 0.5))), max(0, int(np.ceil(y + h - 0.5))))
        cols = slice(max(0, int(np.ceil(x - 0.5))), max(0, int(np.ceil(x + w - 0.5))))
        mask[rows, cols] = True
    return mask


def pointing(upsampled: FloatArray, mask: NDArray[np.bool_]) -> float:
    """1 if the brightest pixel lies in the mask, else 0; a map of one value points nowhere and misses (Zhang et al., IJCV 2018, no tolerance)."""
    if upsampled.max() <= upsampled.min():
        return 0.0
    return float(mask.ravel()[int(upsampled.argmax())])


def cnr(upsampled: FloatArray, mask: NDArray[np.bool_]) -> float:
    """Contrast-to-noise ratio (mean_in - mean_out) / sqrt(var_in + var_out), sign kept (Boecking et al., ECCV 2022).

    upsampled [H, W], mask bool [H, W] -> any real number; 0 where the variance is 0, NaN if the boxes cover all or nothing.
    """
    inside, outside = upsampled[mask].astype(np.float64), upsampled[~mask].astype(np.float64)
    if not inside.size or not outside.size:
        return float("nan")
    spread = float(inside.var() + outside.var())
    return float((inside.mean() - outside.mean()) / np.sqrt(spread)) if spread > 0 else 0.0


def auroc_within(upsampled: FloatArray, mask: NDArray[np.bool_]) -> float:
    """P(a pixel inside is brighter than one outside) on one image: the AUROC (Hanley & McNeil, Radiology 1982) of its pixels, ties half.

    upsampled [H, W], mask bool [H, W] -> [0, 1]; NaN if the boxes cover all or nothing.
    """
    inside, outside = np.sort(upsampled[mask]), np.sort(upsampled[~mask])
    if not inside.size or not outside.size:
        return float("nan")
    below = np.searchsorted(outside, inside, side="left").sum(dtype=np.float64)
    up_to = np.searchsorted(outside, inside, side="right").sum(dtype=np.float64)
    return float((below + up_to) / 2 / inside.size / outside.size)


def iou(lit: NDArray[np.bool_], mask: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks [H, W] (Jaccard 1912), in [0, 1]; 0 if both are empty."""
    union = np.count_nonzero(lit | mask)
    return np.count_nonzero(lit & mask) / union if union else 0.0


def dice(lit: NDArray[np.bool_], mask: NDArray[np.bool_]) -> float:
    """2 |A and B| / (|A| + |B|) of two masks [H, W] (Dice, Ecology 1945), in [0, 1]; 0 if both are empty."""
    total = np.count_nonzero(lit) + np.count_nonzero(mask)
    return 2 * np.count_nonzero(lit & mask) / total if total else 0.0


@dataclass(frozen=True, slots=True)
class HabitOverlap:
    """Means over `HABIT_THRESHOLDS`; a threshold that lights nothing counts as 0, or is skipped (NaN if all are)."""

    iou: float
    iou_skipping_empty: float
    dice: float
    dice_skipping_empty: float


def habit_overlap(upsampled: FloatArray, mask: NDArray[np.bool_]) -> HabitOverlap:
    """Mean IoU and Dice over thresholds .1 to .5 on the map rescaled to [-1, 1]: the habit on MS-CXR (Boecking et al., ECCV 2022).

    upsampled [H, W] and mask bool [H, W]; a map of one value lights nothing.
    """
    low, high = float(upsampled.min()), float(upsampled.max())
    scaled = (upsampled - low) / (high - low) * 2 - 1 if high > low else np.full_like(upsampled, -1.0)
    lits = [scaled > threshold for threshold in HABIT_THRESHOLDS]
    kept = [lit for lit in lits if lit.any()]

    def mean(
        metric: Callable[[NDArray[np.bool_], NDArray[np.bool_]], float], over: Sequence[NDArray[np.bool_]]
    ) -> float:
        return float(np.mean([metric(lit, mask) for lit in over])) if over else float("nan")

    return HabitOverlap(mean(iou, lits), mean(iou, kept), mean(dice, lits), mean(dice, kept))


def oracle_overlap(upsampled: FloatArray, mask: NDArray[np.bool_]) -> tuple[float, float]:
    """IoU and Dice at the best of 100 thresholds over the map's own range, chosen with the truth in hand: upper bounds, never a result.

    A map of one value lights nothing: 0.
    """
    low, high = float(upsampled.min()), float(upsampled.max())
    if high <= low:
        return 0.0, 0.0
    lits = [upsampled >= threshold for threshold in np.linspace(low, high, 101)[1:]]
    return max(iou(lit, mask) for lit in lits), max(dice(lit, mask) for lit in lits)


def iobb(regions: Sequence[Region], boxes: Sequence[Box], least: float) -> tuple[float, float]:
    """Accuracy and false positives at T(IoBB) (Wang et al., CVPR 2017): intersection over the detected box's area.

    Returns:
        share of the boxes that some region's bounding box hits with IoBB > `least`; number of regions that hit no box.
    """
    hit = [
        [_intersection(region, box) / (region.w * region.h) > least for box in boxes] for region in regions
    ]
    found = [any(row[k] for row in hit) for k in range(len(boxes))]
    return float(np.mean(found)) if found else float("nan"), float(sum(not any(row) for row in hit))


def _intersection(region: Region, box: Box) -> float:
    wide = min(region.x + region.w, box[0] + box[2]) - max(region.x, box[0])
    high = min(region.y + region.h, box[1] + box[3]) - max(region.y, box[1])
    return max(0.0, wide) * max(0.0, high)


def chexlocalize_iou(upsampled: FloatArray, mask: NDArray[np.bool_], *, called: bool) -> float:
    """IoU of the map cut at Otsu's threshold, zeroed where the image is not called positive (Saporta et al., Nature Machine Intelligence 2022).

    Args:
        upsampled: [H, W] in [0, 1].
        mask: bool [H, W], the truth; empty where there is none.
        called: whether the image's probability reaches the cut-off.

    Returns:
        in [0, 1]; NaN where neither the truth nor the prediction marks anything, which the habit leaves out.
    """
    if not called and not mask.any():
        return float("nan")
    if not called:
        return 0.0
    lit = upsampled > otsu(upsampled) if upsampled.max() > upsampled.min() else np.zeros_like(mask)
    return iou(lit, mask) if lit.any() or mask.any() else float("nan")


def otsu(upsampled: FloatArray) -> float:
    """Otsu's threshold (1979) of a map in [0, 1], from 256 levels."""
    levels = np.round(np.clip(upsampled, 0, 1) * 255).astype(np.uint8)
    threshold, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return (float(threshold) + 0.5) / 255
