"""PNG, JPEG, TIFF, WebP and BMP files to decoded pictures.

What a damaged one makes of Pillow becomes one sentence here; size and scans are checked before it is decoded.
"""

from __future__ import annotations

import io
import struct
import warnings as python_warnings
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from patchclip.errors import RadiographError
from patchclip.image.codestream import Codec, is_whole, read_header
from patchclip.image.entropy import DAMAGED_WITHIN, is_damaged
from patchclip.image.kinds import looks_like_picture, refusal
from patchclip.image.limits import MOST_SCANS, check_pixels, too_large

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What a damaged file makes of Pillow."""
DAMAGED = "The image file is damaged or cut short; export it again from its source."
PHOTOMETRIC, BITS_PER_SAMPLE, WHITE_IS_ZERO = 262, 258, 0  # TIFF 6.0, section 3


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture, turned as its orientation tag says, and sentences for the reader."""

    image: Image.Image
    warnings: tuple[str, ...] = ()


def open_picture(content: bytes, page: int | None = None) -> Picture:
    """Bytes of a file -> the picture in it.

    Args:
        content: the file.
        page: of a TIFF, from 0; the first, with a warning if there are others, if not given.

    Raises:
        RadiographError: of another kind, damaged, far too large, or of values without a known range.
    """
    warnings: list[str] = []
    with python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore")
        image = _opened(content)
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            warnings += _turn_to(image, page)
        check_pixels(image.height, image.width)
        if image.format in ("JPEG", "MPO") and (scans := content.count(b"\xff\xda")) > MOST_SCANS:
            raise RadiographError(
                f"The JPEG picture has {scans} scans; at most {MOST_SCANS} are read: export it as PNG."
            )
        try:
            image.load()
        except DAMAGE as error:
            raise RadiographError(DAMAGED) from error
        if image.format in ("JPEG", "MPO"):
            warnings += _jpeg_warnings(content)
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            image = _black_is_zero(image)
        try:
            turned = ImageOps.exif_transpose(image)
        except DAMAGE:
            warnings.append("The file's orientation tag is damaged; make sure that the picture is upright.")
            turned = image
    return Picture(turned or image, tuple(warnings))


def _jpeg_warnings(content: bytes) -> list[str]:
    """What speaks against a JPEG that Pillow decodes without a word."""
    if not is_whole(content, Codec.JPEG):
        return ["The JPEG file has no end; make sure that no part of the picture is missing."]
    header = read_header(content)
    return [DAMAGED_WITHIN] if header is not None and is_damaged(content, header) else []


def page_count(content: bytes) -> int:
    """Pages of a TIFF; 1 of any other picture.

    Raises:
        RadiographError: of another kind, or damaged.
    """
    image = _opened(content)
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return 1
    return _pages(image)


def _opened(content: bytes) -> Image.Image:
    """The file's header."""
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            return Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise RadiographError(DAMAGED if looks_like_picture(content) else refusal(content)) from error
    except Image.DecompressionBombError as error:  # Pillow's own limit lies far above ours
        raise too_large() from error
    except DAMAGE as error:
        raise RadiographError(DAMAGED) from error


def _pages(image: TiffImagePlugin.TiffImageFile) -> int:
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            return int(image.n_frames)
    except DAMAGE as error:
        raise RadiographError(DAMAGED) from error


def _turn_to(image: TiffImagePlugin.TiffImageFile, page: int | None) -> list[str]:
    pages = _pages(image)
    if page is not None and page >= pages:
        raise RadiographError(f"The file holds {pages} pages and no number {page + 1}; choose one of them.")
    try:
        image.seek(page or 0)
    except DAMAGE as error:
        raise RadiographError(DAMAGED) from error
    return [f"The file holds {pages} pages; the first is shown."] if page is None and pages > 1 else []


def _black_is_zero(image: TiffImagePlugin.TiffImageFile) -> Image.Image:
    """A TIFF of whole numbers, white where they are high.

    Pillow turns pictures whose white is 0 only where they have up to 8 bits.
    """
    if image.mode == "F":
        raise RadiographError(
            "The TIFF holds floating-point values, whose black and white nobody knows; "
            "export it with 8 or 16 bits."
        )
    if image.tag_v2.get(PHOTOMETRIC) == WHITE_IS_ZERO and image.mode.startswith("I;16"):
        top = 2 ** int(image.tag_v2.get(BITS_PER_SAMPLE, (16,))[0]) - 1
        return Image.fromarray((top - np.minimum(np.asarray(image), top)).astype(np.uint16))
    return image
