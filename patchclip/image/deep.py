"""Colour pictures of 16 bits per channel, of which Pillow keeps eight."""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from patchclip.errors import RadiographError
from patchclip.image.picture import BITS_PER_SAMPLE, DAMAGE, DAMAGED

PNG = b"\x89PNG\r\n\x1a\n"
DEPTH, KIND = 24, 25  # places in a PNG file (its section 11.2.2)
COLOUR, GREY_ALPHA, COLOUR_ALPHA = 2, 4, 6
ORIENTATION = 274  # Exif 2.32, 4.6.4


def deep_colour(content: bytes, page: int | None) -> NDArray[np.uint16] | None:
    """The channels of a PNG or TIFF file of 16 bits per channel, turned as its orientation tag says.

    Args:
        content: a file that Pillow reads and whose size was checked.
        page: of a TIFF, from 0.

    Returns:
        uint16 [H, W, 4], red, green, blue and opacity; None of any other file.

    Raises:
        RadiographError: damaged.
    """
    if not _is_deep(content):
        return None
    try:
        pages = cv2.imdecodemulti(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)[1]
        values = pages[page or 0]
    except (cv2.error, LookupError) as error:
        raise RadiographError(DAMAGED) from error
    if values.dtype != np.uint16:
        raise RadiographError(DAMAGED)
    if values.ndim == 2:
        values = np.repeat(values[..., None], 3, axis=2)
    if values.shape[2] == 3:
        values = np.concatenate([values, np.full((*values.shape[:2], 1), 65535, np.uint16)], axis=2)
    return _turned(np.asarray(values[..., [2, 1, 0, 3]], np.uint16), content)


def _is_deep(content: bytes) -> bool:
    if content.startswith(PNG):
        kinds = (COLOUR, GREY_ALPHA, COLOUR_ALPHA)
        return len(content) > KIND and content[DEPTH] == 16 and content[KIND] in kinds
    if content[:4] not in (b"II*\0", b"MM\0*"):
        return False
    image = Image.open(io.BytesIO(content), formats=("TIFF",))
    assert isinstance(image, TiffImagePlugin.TiffImageFile)
    return len(image.tag_v2.get(BITS_PER_SAMPLE, ())) >= 3 and set(image.tag_v2[BITS_PER_SAMPLE]) == {16}


def _turned(values: NDArray[np.uint16], content: bytes) -> NDArray[np.uint16]:
    try:
        orientation = Image.open(io.BytesIO(content), formats=("PNG", "TIFF")).getexif().get(ORIENTATION, 1)
    except DAMAGE:
        return values  # whoever opened the file before has said so
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return np.ascontiguousarray(values)
