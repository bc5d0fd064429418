"""The regions of one finding's maps at all thresholds: boxes found, false positives and patches lit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from patchclip.evaluate.image_metrics import Floats
from patchclip.evaluate.peaks import find_peaks
from patchclip.types import Box, PatchMap

THRESHOLDS = 256
"""Thresholds at which false positives are counted, beside those at which sensitivity moves."""


@dataclass(frozen=True, slots=True)
class Swept:
    """One method on one finding at T thresholds, on N images.

    Attributes:
        thresholds: float [T], strictest first.
        hits: [T, N], boxes that hold the peak of a region.
        alarms: [T, N], regions whose peak lies in no box.
        patches: [T, N], patches at or above the threshold whose centre lies in no box.
        lit: [T, N], 1 where anything is at or above the threshold.
        boxes: [N], boxes on each image.
        normal: bool [N], images that are free of the finding.
    """

    thresholds: Floats
    hits: Floats
    alarms: Floats
    patches: Floats
    lit: Floats
    boxes: Floats
    normal: NDArray[np.bool_]


def sweep(maps: Sequence[PatchMap], boxes: Sequence[Sequence[Box]], normal: Sequence[bool]) -> Swept:
    """Regions of every map at thresholds that cover all of its peaks.

    A region is a connected part of {map >= t}; it hits a box if its peak lies inside. Both sides of a
    comparison get their regions from this one function, drawn anew at every threshold, so that a map that is
    bright everywhere is not held against a method as long as a stricter threshold separates its peaks.

    Args:
        maps: [N], of one finding.
        boxes: [N], the truth of each image, in the pixels of the maps' extents.
        normal: [N], images that are free of the finding.
    """
    peaks = [find_peaks(item) for item in maps]
    owner = np.repeat(np.arange(len(maps)), [len(item.birth) for item in peaks])
    x, y, birth, death = (
        np.concatenate([getattr(item, name) for item in peaks]) for name in ("x", "y", "birth", "death")
    )
    in_box = [
        (number, (owner == number) & box.contains(x, y))
        for number, truth in enumerate(boxes)
        for box in truth
    ]
    inside = np.logical_or.reduce([peak for _, peak in in_box], axis=0) if in_box else np.zeros(len(x), bool)
    thresholds = _thresholds(birth, death, inside)

    alive = (death < thresholds[:, None]) & (thresholds[:, None] <= birth)
    hits = np.zeros((len(thresholds), len(maps)))
    for number, peak in in_box:
        hits[:, number] += alive[:, peak].any(axis=1)
    alarms = np.zeros((len(thresholds), len(maps)))
    np.add.at(alarms.T, owner[~inside], alive[:, ~inside].T.astype(np.float64))

    outside = [_values_outside(item, truth) for item, truth in zip(maps, boxes, strict=True)]
    patches = [len(values) - np.searchsorted(values, thresholds, side="left") for values in outside]
    lit = [float(item.values.max()) >= thresholds for item in maps]
    return Swept(
        thresholds=thresholds,
        hits=hits,
        alarms=alarms,
        patches=np.stack(patches, axis=1).astype(np.float64),
        lit=np.stack(lit, axis=1).astype(np.float64),
        boxes=np.array([len(truth) for truth in boxes], np.float64),
        normal=np.asarray(normal, bool),
    )


def _thresholds(birth: Floats, death: Floats, inside: NDArray[np.bool_]) -> Floats:
    """[T], strictest first: all at which sensitivity moves, and quantiles of those of false positives."""
    # At a peak's own value its region appears; just above a death two regions part.
    parting = np.nextafter(death, np.inf)
    needed = np.concatenate([birth[inside], parting[inside & np.isfinite(death)]])
    others = np.unique(np.concatenate([birth[~inside], parting[~inside & np.isfinite(death)]]))
    if len(others) > THRESHOLDS:
        others = np.quantile(others, np.linspace(0, 1, THRESHOLDS), method="nearest")
    levels = np.unique(np.concatenate([needed, others]))
    # At infinity nothing is lit: where every method can stand.
    return np.append(np.inf, levels[levels > 0][::-1])


def _values_outside(item: PatchMap, boxes: Sequence[Box]) -> Floats:
    """Values of the patches whose centres lie in no box, lowest first."""
    rows, cols = item.values.shape
    x0, y0, x1, y1 = item.extent
    x = x0 + (np.arange(cols) + 0.5) / cols * (x1 - x0)
    y = (y0 + (np.arange(rows) + 0.5) / rows * (y1 - y0))[:, None]
    outside = np.ones((rows, cols), bool)
    for box in boxes:
        outside &= ~box.contains(x, y)
    return np.sort(item.values[outside].astype(np.float64))
