"""The range of grey that a picture of 16 bits uses, often that of a detector's or a screen's depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DEPTHS = (8, 10, 12, 14, 16)  # bits that detectors and exports have
NARROW = 1 / 8  # share of its depth below which the values that a picture uses are stretched
ROBUST = (0.5, 99.5)  # percentiles that count: smooth edges of letters reach beyond

_BINS = 4096
_SPARSE = 2e-5  # share of the pixels below which a bin is empty: edges of letters run through all values
_GAPS = 8  # usual distances between values that make a gap


@dataclass(frozen=True, slots=True)
class GreyRange:
    """Values that are shown black and white; a sentence for the reader, "" where they are all of 16 bits."""

    low: float
    high: float
    sentence: str


def grey_range(values: NDArray[np.integer[Any]]) -> GreyRange:
    """The range of a picture's whole numbers [H, W], by what nearly all of its pixels use.

    The greatest value alone tells no depth: a marker burnt into a film of 12 bits is 65,535.
    """
    least, greatest = int(values.min()), int(values.max())
    if least < 0 or greatest > 65535:
        low, high = (float(value) for value in np.percentile(values, ROBUST))
        return GreyRange(
            low, high, f"The picture's values run from {least} to {greatest}; it was stretched to them."
        )
    first, last = _body(values, greatest)
    # A marker or an empty background is one value at an end, however many pixels have it.
    inside = values[(values >= first) & (values <= last) & (values > least) & (values < greatest)]
    if inside.size == 0:
        inside = values.ravel()
    low, high = (float(value) for value in np.percentile(inside, ROBUST))
    bits = _depth(high)
    apart = "but for a few pixels, such as a marker" if bits < _depth(greatest) else "only"
    if 0 < high - low < NARROW * 2**bits:
        words = (
            f"The 16-bit picture uses the values {low:.0f} to {high:.0f}, {apart}; it was stretched to them."
        )
        return GreyRange(low, high, words.replace(", only", " only"))
    if bits == 16:
        return GreyRange(0, 65535, "")
    words = f"The 16-bit picture uses {bits} bits, {apart}; it was brightened accordingly."
    return GreyRange(0, 2**bits - 1, words.replace(", only", " only"))


def _depth(value: float) -> int:
    return next(bits for bits in DEPTHS if value < 2**bits)


def _body(values: NDArray[np.integer[Any]], greatest: int) -> tuple[int, int]:
    """Least and greatest of the values that hang together and that most pixels have.

    Values are parted where a gap is wider than what lies on its lower side; lone values, such as an empty
    background's or a marker's, are no picture.
    """
    width = max(1, (greatest + 1) // _BINS)
    counts = np.bincount((values // width).ravel())
    bins = np.flatnonzero(counts >= max(1 if values.size < 1 / _SPARSE else 2, _SPARSE * values.size))
    if bins.size < 2:
        return int(values.min()), greatest
    steps = np.diff(bins)
    least_gap = _GAPS * float(np.median(steps))
    parts: list[tuple[int, int]] = []
    start = 0
    for place in np.flatnonzero(steps > least_gap):
        if steps[place] > bins[place] - bins[start]:
            parts.append((start, int(place)))
            start = int(place) + 1
    parts.append((start, len(bins) - 1))
    spread = [part for part in parts if part[1] > part[0]] or parts
    weights = [int(counts[bins[first] : bins[last] + 1].sum()) for first, last in spread]
    first, last = spread[int(np.argmax(weights))]
    inside = values[(values >= bins[first] * width) & (values < (bins[last] + 1) * width)]
    return int(inside.min()), int(inside.max())
