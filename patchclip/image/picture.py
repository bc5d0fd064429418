"""PNG and JPEG files to decoded pictures: what a damaged one makes of Pillow becomes one sentence here."""

from __future__ import annotations

import io
import struct
import warnings as python_warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from patchclip.errors import RadiographError

FORMATS = ("PNG", "JPEG")
DAMAGE = (EOFError, LookupError, OSError, OverflowError, SyntaxError, TypeError, ValueError, struct.error)
"""What a damaged file makes of Pillow."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture, turned as its orientation tag says, and sentences for the reader."""

    image: Image.Image
    warnings: tuple[str, ...] = ()


def open_picture(content: bytes) -> Picture:
    """Bytes of a PNG or JPEG file -> the picture in it.

    Raises:
        RadiographError: not a PNG or JPEG, damaged, or far too large.
    """
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            image.load()
    except UnidentifiedImageError as error:
        raise RadiographError(
            "This is not a DICOM, PNG or JPEG file; export the radiograph as one of these."
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise RadiographError(
            "The image has too many pixels to be a radiograph; export it at its original size."
        ) from error
    except DAMAGE as error:
        raise RadiographError(
            "The image file is damaged or cut short; export it again from its source."
        ) from error
    try:
        turned = ImageOps.exif_transpose(image)
    except DAMAGE:
        return Picture(
            image, ("The file's orientation tag is damaged; make sure that the picture is upright.",)
        )
    assert turned is not None  # as ever unless it is turned in place
    return Picture(turned)
