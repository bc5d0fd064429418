"""What is done to each of millions of pixels: by tables, by counts, in blocks that stay in the cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from patchclip.types import FloatArray

Places = NDArray[np.uint16]
Mask = NDArray[np.bool_]
Grey = NDArray[np.float64]

TABLE = 65536
"""Entries of a table that 16 bits look up."""

_BLOCK = 2**17  # pixels: what a step makes of them is still in the cache when the next step reads it
_FEW_ROWS = 6  # of a picture to one of its average, from which it pays to add up rows first
_EXACT = 2**24  # whole numbers up to which float32, in which OpenCV counts, has every one


def looked_up(table: NDArray[Any], places: Places) -> NDArray[Any]:
    """`table[places]` of any shape, without the indices of 64 bits that NumPy makes first.

    table: [N], N at most `TABLE`; no place lies beyond it.
    """
    whole = np.zeros(TABLE, table.dtype)
    whole[: len(table)] = table
    return np.asarray(cv2.LUT(places, whole), table.dtype).reshape(places.shape)


def counted(places: Places, inside: Mask | None = None) -> NDArray[np.int64]:
    """int64 [65536], how many pixels, of any shape, have each value.

    inside: bool, of the same shape: those that count.
    """
    flat = places.reshape(-1, 1)
    mask = None if inside is None else inside.astype(np.uint8).reshape(-1, 1)
    counts = np.zeros(TABLE, np.int64)
    for start in range(0, len(flat), _EXACT):
        block = np.s_[start : start + _EXACT]
        part = np.ascontiguousarray(flat[block])
        chosen = None if mask is None else mask[block]
        counts += cv2.calcHist([part], [0], chosen, [TABLE], [0, TABLE]).ravel().astype(np.int64)
    return counts


def in_blocks(step: Callable[[FloatArray, FloatArray], object], pixels: FloatArray) -> FloatArray:
    """What a step makes of float32 [H, W], a few rows at a time: the step is given these, and where to put
    its result, float32 of the same shape."""
    out = np.empty(pixels.shape, np.float32)
    for rows in _rows(pixels):
        step(pixels[rows], out[rows])
    return out


def quantised(pixels: FloatArray, most: int, dtype: type[np.uint8 | np.uint16]) -> NDArray[Any]:
    """`np.round(pixels * most).astype(dtype)`, float32 [H, W] in [0, 1], without the pictures in between."""
    if dtype is np.uint8:
        return np.asarray(cv2.convertScaleAbs(pixels, alpha=most), np.uint8)
    out = np.empty(pixels.shape, dtype)
    for rows in _rows(pixels):
        out[rows] = np.rint(pixels[rows] * np.float32(most))
    return out


def averaged(pixels: FloatArray, width: int, height: int) -> FloatArray:
    """float32 [H, W] -> [height, width], no larger: `cv2.resize` with INTER_AREA, but for its rounding.

    OpenCV goes along the rows of a large picture pixel by pixel. Here rows are added up first, many pixels at
    once, so that few rows are left for it.
    """
    step = len(pixels) / height
    if step >= _FEW_ROWS:
        ends = np.arange(height + 1) * step
        whole = np.minimum(ends.astype(np.int64), len(pixels) - 1)
        cut = pixels[whole] * (ends - whole).astype(np.float32)[:, None]  # of the row at an end
        rows = cut[1:] - cut[:-1]
        for row, first, last in zip(rows, whole[:-1], whole[1:], strict=True):
            row += np.add.reduce(pixels[first:last], axis=0)
        pixels = np.asarray(rows / step, np.float32)
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def _rows(pixels: FloatArray) -> Iterator[slice]:
    """All rows of [H, W], by blocks."""
    rows = max(1, _BLOCK // pixels.shape[1])
    return (slice(start, start + rows) for start in range(0, len(pixels), rows))


def connected(mask: NDArray[np.uint8]) -> tuple[int, NDArray[np.int32], NDArray[np.int32], Grey]:
    """Parts of a mask [H, W] that touch, at corners too: as `cv2.connectedComponentsWithStats`.

    Of the algorithms that number parts alike, this is the fastest by far where few pixels are set.
    """
    count, labels, table, middles = cv2.connectedComponentsWithStatsWithAlgorithm(
        mask, 8, cv2.CV_32S, cv2.CCL_GRANA
    )
    return (
        count,
        np.asarray(labels, np.int32),
        np.asarray(table, np.int32),
        np.asarray(middles, np.float64),
    )


def quantiles(values: Grey, groups: NDArray[np.int64], count: int, share: float) -> Grey:
    """float64 [count], of each group's values as `numpy.quantile`, linear between two of them.

    values, groups: float64 and int64 [N]; no group from 0 to `count` - 1 is empty.
    """
    ordered = values[np.lexsort((values, groups))]
    sizes = np.bincount(groups, minlength=count)
    place = (sizes - 1) * share
    first = np.cumsum(sizes) - sizes
    below = np.floor(place).astype(np.int64)
    one, other = ordered[first + below], ordered[first + np.minimum(below + 1, sizes - 1)]
    return np.asarray(one + (other - one) * (place - below), np.float64)


@dataclass(frozen=True, slots=True)
class Measured:
    """The values that pixels have, in no order.

    Attributes:
        values: float64 [N], finite.
        counts: int64 [N], none of them 0, how many pixels have each; None for one each.
    """

    values: Grey
    counts: NDArray[np.int64] | None = None

    @classmethod
    def of_table(cls, table: Grey, counts: NDArray[np.int64]) -> Measured:
        """Those values of a table, float64 [N], that pixels have.

        counts: int64, [N] or longer, how many pixels have each.
        """
        present = np.flatnonzero(counts)
        return cls(table[present], counts[present])

    @property
    def limits(self) -> tuple[float, float]:
        """The least and the greatest."""
        return float(self.values.min()), float(self.values.max())

    def through(self, transform: Callable[[Grey], Grey]) -> Measured:
        """What a transform makes of them."""
        return Measured(transform(self.values), self.counts)

    def percentiles(self, shares: Sequence[float]) -> list[float]:
        """As `numpy.percentile` of all pixels, linear between two of them; shares in [0, 100]."""
        if self.counts is None:
            return [float(value) for value in np.percentile(self.values, shares)]
        order = np.argsort(self.values, kind="stable")
        values, below = self.values[order], np.cumsum(self.counts[order])
        last = int(below[-1]) - 1
        found = []
        for share in shares:
            place = last * (share / 100)
            first = math.floor(place)
            pair = np.searchsorted(below, [first, min(first + 1, last)], side="right")
            one, other = (float(value) for value in values[pair])
            part = place - first
            # From the nearer end, as NumPy does, so that rounding is the same.
            nearer = one + (other - one) * part if part < 0.5 else other - (other - one) * (1 - part)
            found.append(nearer)
        return found
