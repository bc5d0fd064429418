"""How long a pixel is, and where: at the patient, at the detector, or on the film that was scanned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydicom.dataset import Dataset

from patchclip.errors import RadiographError
from patchclip.image.elements import code, numbers

Place = Literal["calibrated", "detector", "film", "unknown"]


@dataclass(frozen=True, slots=True)
class PixelSpacing:
    """The length of a square pixel.

    Attributes:
        mm: of a pixel as shown, after it was made square.
        place: "calibrated": corrected for magnification; "detector": as large as the shadow on it, by which
            organs are magnified; "film": on the film that was scanned; "unknown": the header does not say.
    """

    mm: float
    place: Place


def pixel_spacing(dataset: Dataset) -> PixelSpacing | None:
    """The header's pixel spacing (PS3.3 10.7.1.3), or None where it has none that can be.

    Pixel Spacing counts as calibrated where the header says how it was calibrated, or where it differs from
    the spacing at the detector.
    """
    spacing, detector = _length(dataset, "PixelSpacing"), _length(dataset, "ImagerPixelSpacing")
    if spacing is not None:
        if code(dataset, "PixelSpacingCalibrationType") in ("GEOMETRY", "FIDUCIAL"):
            return PixelSpacing(spacing, "calibrated")
        if detector is None:
            return PixelSpacing(spacing, "unknown")
        same = abs(spacing - detector) <= 1e-3 * detector
        return PixelSpacing(spacing, "detector" if same else "calibrated")
    if detector is not None:
        return PixelSpacing(detector, "detector")
    film = _length(dataset, "NominalScannedPixelSpacing")
    return PixelSpacing(film, "film") if film is not None else None


def _length(dataset: Dataset, keyword: str) -> float | None:
    """The shorter side of a pixel in mm: a pixel is made square by dividing the longer one."""
    try:
        values = numbers(dataset, keyword)
    except RadiographError:
        return None
    return min(values[:2]) if len(values) >= 2 and 0.01 <= min(values[:2]) <= max(values[:2]) <= 5 else None
