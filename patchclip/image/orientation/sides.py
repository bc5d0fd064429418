"""The witnesses of a picture's sides, asked and compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from patchclip.image.orientation.heart import heart_side
from patchclip.image.orientation.letters import SideLetter, side_letters
from patchclip.image.orientation.verdict import HeaderSides, LetterSides, Sides, compare_sides
from patchclip.types import FloatArray


def picture_sides(
    pixels: FloatArray, header: HeaderSides | None = None, outside: NDArray[np.bool_] | None = None
) -> Sides:
    """The verdict on a picture.

    Args:
        pixels: float32 [H, W] in [0, 1].
        header: what one says, None where there is none.
        outside: bool [H, W], pixels that show nothing, or None.
    """
    header = header or HeaderSides()
    if not header.comparable:
        return compare_sides(header, LetterSides(), None)
    return compare_sides(header, letter_sides(side_letters(pixels)), heart_side(pixels, outside))


def letter_sides(letters: Sequence[SideLetter]) -> LetterSides:
    """What several letters say together; nothing where they differ."""
    sides = {item.patient_left for item in letters}
    if len(sides) != 1:
        return LetterSides()
    return LetterSides(sides.pop(), any(item.mirrored for item in letters))
