"""Display shutters and collimators of a DICOM header: the part of a picture that they leave.

PS3.3 C.7.6.11 (display shutter), C.7.6.15 (bitmap display shutter), C.8.7.3 (X-ray collimator).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from patchclip.errors import RadiographError
from patchclip.image.elements import DAMAGE, element, integer, numbers

Mask = NDArray[np.bool_]

LEAST = 0.02  # share of the picture that a shutter must leave; one that leaves less is an error of the header


@dataclass(frozen=True, slots=True)
class _Keywords:
    """Names of the elements that describe one kind of edge."""

    shape: str
    left: str
    right: str
    upper: str
    lower: str
    center: str
    radius: str
    vertices: str


_SHUTTER = _Keywords(
    "ShutterShape",
    "ShutterLeftVerticalEdge",
    "ShutterRightVerticalEdge",
    "ShutterUpperHorizontalEdge",
    "ShutterLowerHorizontalEdge",
    "CenterOfCircularShutter",
    "RadiusOfCircularShutter",
    "VerticesOfThePolygonalShutter",
)
_COLLIMATOR = _Keywords(
    "CollimatorShape",
    "CollimatorLeftVerticalEdge",
    "CollimatorRightVerticalEdge",
    "CollimatorUpperHorizontalEdge",
    "CollimatorLowerHorizontalEdge",
    "CenterOfCircularCollimator",
    "RadiusOfCircularCollimator",
    "VerticesOfThePolygonalCollimator",
)


def shuttered(dataset: Dataset, size: tuple[int, int], ratio: float) -> tuple[Mask | None, list[str]]:
    """Pixels that a display shutter hides, bool [H, W], or None, and sentences for the reader.

    Args:
        dataset: the header.
        size: (H, W) of the stored picture.
        ratio: height of a stored pixel over its width, for circles.
    """
    return _outside(dataset, size, ratio, _SHUTTER, "shutter")


def collimated(dataset: Dataset, size: tuple[int, int], ratio: float) -> tuple[Mask | None, list[str]]:
    """Pixels that the header's collimator kept from being exposed; as `shuttered`."""
    return _outside(dataset, size, ratio, _COLLIMATOR, "collimator")


def _outside(
    dataset: Dataset, size: tuple[int, int], ratio: float, words: _Keywords, what: str
) -> tuple[Mask | None, list[str]]:
    shapes = element(dataset, words.shape)
    if shapes is None:
        return None, []
    shapes = [shapes] if isinstance(shapes, str) else list(shapes)
    inside = np.ones(size, bool)
    said: list[str] = []
    for shape in (str(shape).strip(" \0").upper() for shape in shapes):
        try:
            inside &= _inside(dataset, size, ratio, words, shape)  # of several shapes, what all of them leave
        except (RadiographError, *DAMAGE):
            said.append(f"A {what} in the DICOM header is incomplete or malformed; it was left out.")
    if inside.mean() < LEAST:
        return None, [*said, f"The {what} in the DICOM header hides the whole picture; it was left out."]
    return (None if inside.all() else ~inside), said


def _inside(dataset: Dataset, size: tuple[int, int], ratio: float, words: _Keywords, shape: str) -> Mask:
    """What one shape leaves. Rows and columns are numbered from 1 in a header.

    Raises:
        RadiographError, LookupError, ValueError: elements are missing or make no sense.
    """
    height, width = size
    rows, cols = np.ogrid[1 : height + 1, 1 : width + 1]
    if shape == "RECTANGULAR":
        left, right, upper, lower = (
            integer(dataset, name) for name in (words.left, words.right, words.upper, words.lower)
        )
        return np.asarray((cols >= left) & (cols <= right) & (rows >= upper) & (rows <= lower))
    if shape == "CIRCULAR":
        row, col = numbers(dataset, words.center)
        radius = numbers(dataset, words.radius)[0]  # in pixels along a row
        return np.asarray((cols - col) ** 2 + ((rows - row) * ratio) ** 2 <= radius**2)
    if shape == "POLYGONAL":
        values = np.array(numbers(dataset, words.vertices)).reshape(-1, 2)
        if len(values) < 3:
            raise ValueError("a polygon has three corners at least")
        canvas = np.zeros(size, np.uint8)
        corners = np.clip(values[:, ::-1], -30_000, 30_000) - 1  # x, y from 0; OpenCV holds 16 bits
        cv2.fillPoly(canvas, [np.rint(corners).astype(np.int32)], 1)
        return canvas.astype(bool)
    if shape == "BITMAP":
        return ~_overlay(dataset, integer(dataset, "ShutterOverlayGroup"), size)
    raise ValueError("no such shape")


def _overlay(dataset: Dataset, group: int, size: tuple[int, int]) -> Mask:
    """The bits of an overlay plane (PS3.3 C.9.2), laid on the picture at its origin, bool [H, W].

    Raises:
        KeyError, ValueError: no such overlay.
    """
    rows, cols = int(dataset[group, 0x0010].value), int(dataset[group, 0x0011].value)
    first_row, first_col = (int(value) - 1 for value in dataset[group, 0x0050].value)
    bits = np.unpackbits(np.frombuffer(dataset[group, 0x3000].value, np.uint8), bitorder="little")
    plane = bits[: rows * cols].reshape(rows, cols).astype(bool)
    whole = np.zeros(size, bool)
    top, left = max(first_row, 0), max(first_col, 0)
    part = plane[top - first_row :, left - first_col :][: size[0] - top, : size[1] - left]
    whole[top : top + part.shape[0], left : left + part.shape[1]] = part
    return whole
