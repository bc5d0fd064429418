"""What is said of a decoded picture beyond its pixels: its sides, and text in it that may name somebody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from patchclip.image.burnt_in import text_warnings
from patchclip.image.orientation.sides import picture_sides
from patchclip.image.orientation.verdict import HeaderSides, Sides
from patchclip.types import FloatArray


def look_through(
    pixels: FloatArray, header: HeaderSides | None = None, outside: NDArray[np.bool_] | None = None
) -> tuple[Sides, list[str]]:
    """The verdict on a picture's sides, and sentences for the reader, those on its sides first.

    Text is looked for in a thread of its own: OpenCV lets go of Python's lock, and most of the time that a
    large picture takes goes into these two.

    Args:
        pixels: float32 [H, W] in [0, 1].
        header: what one says of the sides, None where there is none.
        outside: bool [H, W], pixels that show nothing, or None.
    """
    with ThreadPoolExecutor(1) as beside:
        text = beside.submit(text_warnings, pixels)
        sides = picture_sides(pixels, header, outside)
        return sides, [*sides.warnings, *text.result()]
