"""How much one image file may cost; each limit is checked before the work that it limits.

Some may be set in the environment, which worker processes inherit; see README.md.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from patchclip.errors import RadiographError


@dataclass(frozen=True, slots=True)
class Setting:
    """A limit that an environment variable sets.

    Attributes:
        variable: its name.
        default: where it is not set.
        least, greatest: what it may be set to.
    """

    variable: str
    default: int
    least: int
    greatest: int

    @property
    def value(self) -> int:
        """A whole number.

        Raises:
            RadiographError: the environment holds something else, or too little or much.
        """
        text = os.environ.get(self.variable, "").strip()
        if not text:
            return self.default
        if not text.isascii() or not text.isdigit() or not self.least <= int(text) <= self.greatest:
            raise RadiographError(
                f'{self.variable} is "{text[:20]}"; set it to a whole number from {self.least} to '
                f"{self.greatest}, or not at all."
            )
        return int(text)


MEGAPIXELS = Setting("PATCHCLIP_MAX_MEGAPIXELS", 64, 1, 170)
"""Millions of pixels of an image; 8000 x 8000 is four times a 43 cm detector at 0.1 mm, and enough for a
stitched spine. Pillow has a limit of its own above the greatest."""
MEMORY_MB = Setting("PATCHCLIP_DECODER_MEMORY_MB", 2048, 256, 1_000_000)
"""Of a worker process."""
CPU_S = Setting("PATCHCLIP_DECODER_CPU_S", 30, 1, 3600)
"""Processor time for one file."""
WALL_S = Setting("PATCHCLIP_DECODER_WALL_S", 60, 1, 7200)
"""Time by the clock for one file."""
WORKERS = Setting("PATCHCLIP_DECODERS", max(2, min(4, os.cpu_count() or 1)), 1, 64)
"""Worker processes at once."""

LARGEST_FILE = 2**30
"""Bytes: far above any radiograph, below what would fill the memory."""

MOST_SCANS = 100
"""Of a JPEG: encoders make about ten, and each costs a pass over the whole image, however few its bytes."""

MOST_INFLATED = 256 * 2**20
"""Bytes of a deflated DICOM file, which may grow a thousandfold: two of the largest images at 16 bits."""


def too_large() -> RadiographError:
    """Of an image with too many pixels."""
    return RadiographError(
        f"The image has too many pixels to be a radiograph (more than {MEGAPIXELS.value} million); "
        "export it at its original size."
    )


def check_pixels(rows: int, columns: int) -> None:
    """Refuses an image that is too large to be decoded.

    Raises:
        RadiographError: more than `MEGAPIXELS` allows, or none.
    """
    if rows < 1 or columns < 1:
        raise RadiographError(
            f"The image is {columns} x {rows} pixels by its header; export it again from its source."
        )
    if rows * columns > MEGAPIXELS.value * 1_000_000:
        raise too_large()
