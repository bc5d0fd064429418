"""Pictures (PNG, JPEG, TIFF, WebP, BMP) to a `Radiograph`: grey, RGB, RGBA or palette, 8 or 16 bits."""

from __future__ import annotations

import numpy as np
from PIL import Image

from patchclip.image.picture import open_picture
from patchclip.image.polarity import CLEAR, INVERTED, polarity_evidence
from patchclip.image.radiograph import Radiograph
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
    grey, said = _grey(picture.image)
    said += picture.warnings
    if polarity_evidence(grey) < -CLEAR:
        said.append(INVERTED)
    return Radiograph.from_array(grey, warnings=said)


def _grey(image: Image.Image) -> tuple[FloatArray, list[str]]:
    if image.mode in ("I;16", "I;16B", "I;16L", "I"):
        deep = np.asarray(image).astype(np.float64)
        bits = next(
            (bits for bits in (8, 10, 12, 14) if deep.max() < 2**bits), 16
        )  # the least depth that detectors and exports have
        said = (
            []
            if bits == 16
            else [f"The 16-bit picture uses {bits} bits only; it was brightened accordingly."]
        )
        return np.clip(deep / (2**bits - 1), 0, 1).astype(np.float32), said
    if image.mode == "1":
        return (np.asarray(image.convert("L"), np.float32) / 255).astype(np.float32), []
    if image.mode == "L":
        return (np.asarray(image, np.float32) / 255).astype(np.float32), []
    values = np.asarray(image.convert("RGBA"), np.float32) / 255
    colours = values[..., :3] * values[..., 3:]
    spread = colours.max(axis=2) - colours.min(axis=2)
    said = (
        ["The image is in colour; its brightness was used."]
        if float(np.percentile(spread, 99)) > COLOUR_TOLERANCE
        else []
    )
    return np.clip(colours @ LUMA, 0, 1).astype(np.float32), said
