"""Pictures (PNG, JPEG, TIFF, WebP, BMP) to a `Radiograph`: grey, RGB, RGBA or palette, 8 or 16 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from patchclip.image.deep import deep_colour
from patchclip.image.depth import grey_range
from patchclip.image.grey import GreyValues, picture_values
from patchclip.image.look import look_through
from patchclip.image.picture import open_picture
from patchclip.image.polarity import CLEAR, INVERTED, polarity_evidence
from patchclip.image.radiograph import HeaderFacts, Radiograph
from patchclip.types import FloatArray

COLOUR_TOLERANCE = 0.06  # JPEG noise in a grey picture saved as RGB stays well below this
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


def read_raster(content: bytes, page: int | None = None) -> Radiograph:
    """Bytes of a PNG, JPEG, TIFF, WebP or BMP file -> Radiograph.

    Transparency is laid over black; a colour picture becomes its luminance, with a warning; the orientation
    tag is obeyed.

    Args:
        content: the file.
        page: of a TIFF, from 0; the first, with a warning if there are others, if not given.

    Raises:
        RadiographError: of another kind, damaged, or far too large.
    """
    picture = open_picture(content, page)
    grey, values, said = _grey(picture.image, deep_colour(content, page))
    said += picture.warnings
    if polarity_evidence(grey) < -CLEAR:
        said.append(INVERTED)
    sides, seen = look_through(grey)
    return Radiograph.from_array(grey, HeaderFacts().with_sides(sides), [*said, *seen], grey=values)


def _grey(image: Image.Image, deep: NDArray[np.uint16] | None) -> tuple[FloatArray, GreyValues, list[str]]:
    """Grey in [0, 1]; the picture's own numbers, of a colour picture its brightness; sentences."""
    if deep is not None:
        return _deep_grey(deep)
    if image.mode in ("I;16", "I;16B", "I;16L", "I"):
        return _in_range(np.asarray(image))
    if image.mode in ("1", "L"):
        numbers = np.asarray(image.convert("L"))
        return (numbers.astype(np.float32) / 255).astype(np.float32), picture_values(numbers, 0, 255), []
    values = np.asarray(image.convert("RGBA"), np.float32) / 255
    colours = values[..., :3] * values[..., 3:]
    grey = np.clip(colours @ LUMA, 0, 1).astype(np.float32)
    numbers = np.round(grey * 255).astype(np.uint8)
    return grey, picture_values(numbers, 0, 255), _of_colour(colours, 1.0)


def _in_range(values: NDArray[np.integer[Any]]) -> tuple[FloatArray, GreyValues, list[str]]:
    """Whole numbers of more than 8 bits -> grey in [0, 1] over the range that they use."""
    limits = grey_range(values)
    spread = max(limits.high - limits.low, 1)
    grey = np.clip((values.astype(np.float64) - limits.low) / spread, 0, 1).astype(np.float32)
    shown = picture_values(values, limits.low, limits.low + spread)
    return grey, shown, [limits.sentence] if limits.sentence else []


def _deep_grey(channels: NDArray[np.uint16]) -> tuple[FloatArray, GreyValues, list[str]]:
    """Red, green, blue and opacity, uint16 [H, W, 4] -> grey in [0, 1] over the range that they use."""
    colours = channels[..., :3].astype(np.float32)
    if int(channels[..., 3].min()) < 65535:
        colours *= channels[..., 3:].astype(np.float32) / 65535
    grey, values, said = _in_range(np.round(colours @ LUMA).astype(np.int32))
    return grey, values, [*said, *_of_colour(colours, float(np.percentile(colours, 99)))]


def _of_colour(colours: NDArray[np.floating[Any]], white: float) -> list[str]:
    """A sentence where the channels of a picture, [H, W, 3] up to `white`, differ."""
    spread = colours.max(axis=2) - colours.min(axis=2)
    coloured = float(np.percentile(spread, 99)) > COLOUR_TOLERANCE * white
    return ["The image is in colour; its brightness was used."] if coloured else []
