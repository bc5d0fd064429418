"""Square pixels: a picture whose stored pixels are not square is enlarged along one axis until they are."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from patchclip.errors import RadiographError
from patchclip.image.elements import numbers
from patchclip.types import FloatArray

SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio")
"""Each holds height, then width, of a pixel; the first that is there counts."""
SQUARE = 0.005  # deviation that rounding in a header makes
LARGEST = 4.0  # height over width, or the reverse, beyond which a header is not believed


def pixel_ratio(dataset: Dataset) -> tuple[float, list[str]]:
    """Height over width of a stored pixel, 1.0 where that is square or unknown; sentences for the reader."""
    for keyword in SPACINGS:
        try:
            values = numbers(dataset, keyword)
        except RadiographError:
            return 1.0, [
                "The pixel spacing in the DICOM header is malformed; pixels were taken to be square."
            ]
        if len(values) < 2 or min(values[:2]) <= 0:
            continue
        ratio = values[0] / values[1]
        if abs(ratio - 1) <= SQUARE:
            return 1.0, []
        if not 1 / LARGEST <= ratio <= LARGEST:
            return 1.0, [
                "The pixel spacing in the DICOM header is impossible; pixels were taken to be square."
            ]
        return ratio, ["The stored pixels are not square; the picture was resampled to square ones."]
    return 1.0, []


def square_size(size: tuple[int, int], ratio: float) -> tuple[int, int]:
    """(H, W) in stored pixels -> in square ones: the axis along which a pixel is longer gets more of them."""
    height, width = size
    return max(1, round(height * max(ratio, 1))), max(1, round(width * max(1 / ratio, 1)))


def square_pixels(pixels: FloatArray, ratio: float) -> FloatArray:
    """float32 [H, W] -> the same picture in square pixels, bilinear along the axis that grows."""
    height, width = square_size((pixels.shape[0], pixels.shape[1]), ratio)
    if (height, width) == pixels.shape:
        return pixels
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def square_mask(mask: NDArray[np.bool_], ratio: float) -> NDArray[np.bool_]:
    """bool [H, W] -> the same in square pixels."""
    height, width = square_size((mask.shape[0], mask.shape[1]), ratio)
    grown = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(grown, bool)
