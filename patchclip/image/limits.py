"""How much one image file may cost; each limit is checked before the work that it limits."""

from __future__ import annotations

from patchclip.errors import RadiographError

MOST_PIXELS = 64_000_000
"""8000 x 8000: four times the pixels of a 43 cm detector at 0.1 mm, and enough for a stitched spine."""

TOO_LARGE = (
    f"The image has too many pixels to be a radiograph (more than {MOST_PIXELS // 10**6} million); "
    "export it at its original size."
)

LARGEST_FILE = 2**30
"""Bytes: far above any radiograph, below what would fill the memory."""

MOST_SCANS = 100
"""Of a JPEG: encoders make about ten, and each costs a pass over the whole image, however few its bytes."""

MOST_INFLATED = 256 * 2**20
"""Bytes of a deflated DICOM file, which may grow a thousandfold: two of the largest images at 16 bits."""


def check_pixels(rows: int, columns: int) -> None:
    """Refuses an image that is too large to be decoded.

    Raises:
        RadiographError: more than `MOST_PIXELS`, or none.
    """
    if rows < 1 or columns < 1:
        raise RadiographError(
            f"The image is {columns} x {rows} pixels by its header; export it again from its source."
        )
    if rows * columns > MOST_PIXELS:
        raise RadiographError(TOO_LARGE)
