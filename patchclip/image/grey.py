"""The grey values of a film in its file's own units, without loss, and every way in which it may be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchclip.image.aspect import square_pixels
from patchclip.image.pixelwise import Mask, Measured, counted
from patchclip.image.voi import Automatic, Transform, Window
from patchclip.types import FloatArray

Codes = NDArray[np.uint16]

MOST_CODES = 65535
"""Codes from 0 that values may have; the one above them all stands for pixels that show nothing."""
PRESETS = {
    "full range": (0.0, 100.0),
    "lungs": (0.5, 65.0),
    "mediastinum and bones": (35.0, 99.9),
}
"""Windows for the reader: percentages of the pixels, dark to bright, that lie below black and below white."""


@dataclass(frozen=True, slots=True)
class GreyValues:
    """What a film measures, as its file has it.

    Attributes:
        codes: uint16 [H, W], in the square pixels of the radiograph.
        slope, intercept: slope x code + intercept is the value after the modality transform (PS3.3 C.11.1),
            which windows are meant for.
        transforms: the header's VOI LUTs and windows, in the order of `HeaderFacts.windows`.
        model: the one that the radiograph was made with: what the model sees.
        automatic: fitted to the pixels.
        inverse: low values are bright (MONOCHROME1, or exchanged by the reader).
        rounded: the file has more than 16 bits, and codes are rounded values.
    """

    codes: Codes
    slope: float
    intercept: float
    transforms: tuple[Transform, ...]
    model: Transform
    automatic: Automatic
    inverse: bool = False
    rounded: bool = False

    def values(self) -> FloatArray:
        """float32 [H, W], values after the modality transform."""
        return np.asarray(self.codes * np.float32(self.slope) + np.float32(self.intercept), np.float32)

    def limits(self, outside: Mask | None = None) -> tuple[float, float]:
        """Least and greatest value of the pixels that show something.

        outside: bool [H, W], those that show nothing.
        """
        inside = self.codes if outside is None else self.codes[~outside]
        ends = (
            self.intercept + self.slope * int(inside.min()),
            self.intercept + self.slope * int(inside.max()),
        )
        return min(ends), max(ends)

    def presets(self, outside: Mask | None = None) -> dict[str, Window]:
        """Windows by name, as `PRESETS` says; without those that would be empty.

        outside: bool [H, W], pixels that show nothing and are not counted.
        """
        counts = counted(self.codes, None if outside is None else ~outside)
        dark_first = self.inverse == (self.slope < 0)
        shares = [
            share if dark_first else 100 - share
            for black, white in PRESETS.values()
            for share in (black, white)
        ]
        ends = [self.intercept + self.slope * place for place in _measured(counts).percentiles(shares)]
        pairs = zip(PRESETS, ends[::2], ends[1::2], strict=True)
        return {
            name: exact_window(min(one, other), max(one, other)) for name, one, other in pairs if one != other
        }

    def inverted(self) -> GreyValues:
        """The same with black and white exchanged."""
        return replace(self, inverse=not self.inverse)

    def squared(self, ratio: float) -> GreyValues:
        """The same in square pixels; `ratio` is height over width of one, see `patchclip.image.aspect`."""
        if ratio == 1:
            return self
        grown = square_pixels(self.codes.astype(np.float32), ratio)
        return replace(self, codes=np.round(grown).astype(np.uint16))


def exact_window(low: float, high: float) -> Window:
    """The window in which `low` is black and `high` white (LINEAR_EXACT, PS3.3 C.11.2.1.3.2)."""
    return Window((low + high) / 2, high - low, "LINEAR_EXACT")


def coded(values: NDArray[Any], slope: float, intercept: float) -> tuple[Codes, float, float, bool]:
    """Whole numbers [H, W] -> codes from 0, slope and intercept of the values, and whether any was rounded.

    slope, intercept: of the modality transform, applied to the numbers given.
    """
    low, high = int(values.min()), int(values.max())
    if high - low <= MOST_CODES:
        return (values - low).astype(np.uint16), slope, intercept + slope * low, False
    step = (high - low) / MOST_CODES
    codes = np.round((values.astype(np.float64) - low) / step).astype(np.uint16)
    return codes, slope * step, intercept + slope * low, True


def picture_values(numbers: NDArray[np.integer[Any]], low: float, high: float) -> GreyValues:
    """Of a picture without a header, whose numbers [H, W] are black at `low` and white at `high`."""
    codes, slope, intercept, rounded = coded(numbers, 1.0, 0.0)
    automatic = automatic_window(counted(codes), slope, intercept)
    return GreyValues(codes, slope, intercept, (), Automatic(low, high), automatic, rounded=rounded)


def automatic_window(counts: NDArray[np.int64], slope: float, intercept: float) -> Automatic:
    """From the smallest to the largest value but for half a percent at either end.

    counts: int64 [65536], how many pixels have each code.
    """
    codes = Automatic.of(_measured(counts))
    ends = (intercept + slope * codes.low, intercept + slope * codes.high)
    return Automatic(min(ends), max(ends))


def _measured(counts: NDArray[np.int64]) -> Measured:
    """Codes of which there are so many each, int64 [65536]."""
    return Measured.of_table(np.arange(len(counts), dtype=np.float64), counts)


def names_of(transforms: Sequence[Transform]) -> tuple[str, ...]:
    """What the reader chooses by."""
    return tuple(transform.name for transform in transforms)
