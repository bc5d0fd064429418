"""Localisation metrics of one map against the boxes of one finding on one image, in original pixels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from patchclip.types import Box, FloatArray, Region

Mask = NDArray[np.bool_]
"""bool [H, W], a pixel each."""
OVERLAP_THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5)


def box_mask(boxes: Sequence[Box], size: tuple[int, int]) -> Mask:
    """Union of boxes on an image of that size (H, W): a pixel belongs if its centre lies inside."""
    mask = np.zeros(size, bool)
    for box in boxes:
        mask[_pixels(box.y, box.h), _pixels(box.x, box.w)] = True
    return mask


def _pixels(start: float, length: float) -> slice:
    """Pixels whose centres lie in [start, start + length)."""
    return slice(max(0, math.ceil(start - 0.5)), max(0, math.ceil(start + length - 0.5)))


def pointing(upsampled: FloatArray, mask: Mask) -> float:
    """1 if the brightest pixel lies in the mask, else 0 (Zhang et al., IJCV 2018, without a tolerance).

    A map of one value points nowhere and misses.
    """
    if upsampled.max() <= upsampled.min():
        return 0.0
    return float(mask.ravel()[int(upsampled.argmax())])


def cnr(upsampled: FloatArray, mask: Mask) -> float:
    """Contrast-to-noise ratio (mean_in - mean_out) / sqrt(var_in + var_out) (Boecking et al., ECCV 2022).

    upsampled and mask [H, W] -> any number; 0 where the variance is 0, NaN if the boxes cover all or nothing.
    """
    inside = upsampled[mask].astype(np.float64)
    outside = upsampled[~mask].astype(np.float64)
    if not inside.size or not outside.size:
        return float("nan")
    spread = float(inside.var() + outside.var())
    return float((inside.mean() - outside.mean()) / np.sqrt(spread)) if spread > 0 else 0.0


def auroc_within(upsampled: FloatArray, mask: Mask) -> float:
    """P(a pixel inside is brighter than one outside), ties half: pixel AUROC (Hanley & McNeil 1982).

    upsampled and mask [H, W] -> [0, 1]; NaN if the boxes cover all or nothing.
    """
    inside = np.sort(upsampled[mask])
    outside = np.sort(upsampled[~mask])
    if not inside.size or not outside.size:
        return float("nan")
    below = np.searchsorted(outside, inside, side="left").sum(dtype=np.float64)
    up_to = np.searchsorted(outside, inside, side="right").sum(dtype=np.float64)
    return float((below + up_to) / 2 / inside.size / outside.size)


def iou(lit: Mask, mask: Mask) -> float:
    """Intersection over union of two masks [H, W] (Jaccard 1912), in [0, 1]; 0 if both are empty."""
    union = np.count_nonzero(lit | mask)
    return np.count_nonzero(lit & mask) / union if union else 0.0


def dice(lit: Mask, mask: Mask) -> float:
    """2 |A and B| / (|A| + |B|) of two masks [H, W] (Dice, Ecology 1945), in [0, 1]; 0 if both are empty."""
    total = np.count_nonzero(lit) + np.count_nonzero(mask)
    return 2 * np.count_nonzero(lit & mask) / total if total else 0.0


@dataclass(frozen=True, slots=True)
class ThresholdOverlap:
    """Means over `OVERLAP_THRESHOLDS`; where nothing is lit, 0 or skipped (NaN if all are)."""

    iou: float
    iou_skipping_empty: float
    dice: float
    dice_skipping_empty: float


def threshold_overlap(upsampled: FloatArray, mask: Mask) -> ThresholdOverlap:
    """Mean IoU and Dice over thresholds .1 to .5 on the map rescaled to [-1, 1] (Boecking et al. 2022).

    upsampled and mask [H, W]; a map of one value lights nothing.
    """
    low, high = float(upsampled.min()), float(upsampled.max())
    scaled = (upsampled - low) / (high - low) * 2 - 1 if high > low else np.full_like(upsampled, -1.0)
    lits = [scaled > threshold for threshold in OVERLAP_THRESHOLDS]
    not_empty = [lit for lit in lits if lit.any()]

    def mean(metric: Callable[[Mask, Mask], float], over: Sequence[Mask]) -> float:
        return float(np.mean([metric(lit, mask) for lit in over])) if over else float("nan")

    return ThresholdOverlap(mean(iou, lits), mean(iou, not_empty), mean(dice, lits), mean(dice, not_empty))


@dataclass(frozen=True, slots=True)
class OracleOverlap:
    """Overlap at the best threshold for each, chosen with the truth in hand: upper bounds, never a result."""

    iou: float
    dice: float


def oracle_overlap(upsampled: FloatArray, mask: Mask) -> OracleOverlap:
    """The best of 100 thresholds over the map's own range; a map of one value lights nothing: 0."""
    low, high = float(upsampled.min()), float(upsampled.max())
    if high <= low:
        return OracleOverlap(0.0, 0.0)
    lits = [upsampled >= threshold for threshold in np.linspace(low, high, 101)[1:]]
    return OracleOverlap(max(iou(lit, mask) for lit in lits), max(dice(lit, mask) for lit in lits))


@dataclass(frozen=True, slots=True)
class DetectionAtIobb:
    """Accuracy and false positives at one IoBB, intersection over detected box (Wang et al., CVPR 2017).

    Attributes:
        accuracy: share of the boxes that some region hits, NaN without any box.
        alarms: regions that hit no box.
    """

    accuracy: float
    alarms: float


def iobb(regions: Sequence[Region], boxes: Sequence[Box], least: float) -> DetectionAtIobb:
    """A region hits a box if more than `least` of its own bounding box lies inside."""
    hit = [[region.intersection(box) / region.area > least for box in boxes] for region in regions]
    boxes_hit = [any(row[k] for row in hit) for k in range(len(boxes))]
    accuracy = float(np.mean(boxes_hit)) if boxes_hit else float("nan")
    return DetectionAtIobb(accuracy, float(sum(not any(row) for row in hit)))


def chexlocalize_iou(upsampled: FloatArray, mask: Mask, *, called: bool) -> float:
    """IoU of the map cut at Otsu's threshold, zeroed where the image is not called positive.

    As in CheXlocalize (Saporta et al., Nature Machine Intelligence 2022).

    Args:
        upsampled: [H, W] in [0, 1].
        mask: [H, W], the truth; empty where there is none.
        called: whether the image's probability reaches the cut-off.

    Returns:
        in [0, 1]; NaN where neither the truth nor the prediction marks anything, which is then left out.
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
