"""Letterbox geometry: original image <-> model input <-> patch grid, exact both ways."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from patchclip.image.pixelwise import averaged
from patchclip.types import FloatArray, PatchMap

Points = NDArray[np.float64]
Fit = Literal["pad", "squash"]
"""How an image fills the square: with its aspect, and padding; or stretched to it. Either way the model sees
all of it."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """An image of `height` x `width` pixels, scaled to fit a square of `size` pixels and centred in it.

    The aspect is kept, unless `fit` is "squash".

    Coordinates are continuous: the top-left corner of the top-left pixel is (0, 0), its centre (0.5, 0.5).
    """

    height: int
    width: int
    size: int
    fit: Fit = "pad"

    def __post_init__(self) -> None:
        if min(self.height, self.width, self.size) < 1:
            raise ValueError(
                f"height, width and size must be at least 1, not {self.height}, {self.width}, {self.size}."
            )

    @property
    def scale(self) -> float:
        """Model pixels an original pixel, along the longer side."""
        return self.size / max(self.height, self.width)

    @property
    def scale_x(self) -> float:
        """Model pixels an original pixel, from left to right."""
        return self.size / self.width if self.fit == "squash" else self.scale

    @property
    def scale_y(self) -> float:
        """Model pixels an original pixel, from top to bottom."""
        return self.size / self.height if self.fit == "squash" else self.scale

    @property
    def pad_x(self) -> float:
        """Padding at the left, and as much at the right, in model pixels."""
        return (self.size - self.width * self.scale_x) / 2

    @property
    def pad_y(self) -> float:
        """Padding at the top, and as much at the bottom, in model pixels."""
        return (self.size - self.height * self.scale_y) / 2

    def to_model(self, points: ArrayLike) -> Points:
        """Points [N, 2] (x, y) in original pixels -> model pixels."""
        return np.asarray(points, np.float64) * (self.scale_x, self.scale_y) + (self.pad_x, self.pad_y)

    def to_image(self, points: ArrayLike) -> Points:
        """Points [N, 2] (x, y) in model pixels -> original pixels; inverse of `to_model`."""
        return (np.asarray(points, np.float64) - (self.pad_x, self.pad_y)) / (self.scale_x, self.scale_y)

    def boxes_to_model(self, boxes: ArrayLike) -> Points:
        """Boxes [N, 4] (x0, y0, x1, y1) in original pixels -> model pixels."""
        return self.to_model(np.asarray(boxes, np.float64).reshape(-1, 2)).reshape(-1, 4)

    def boxes_to_image(self, boxes: ArrayLike) -> Points:
        """Boxes [N, 4] (x0, y0, x1, y1) in model pixels -> original pixels; inverse of `boxes_to_model`."""
        return self.to_image(np.asarray(boxes, np.float64).reshape(-1, 2)).reshape(-1, 4)

    def apply(self, pixels: FloatArray) -> FloatArray:
        """float32 [height, width] -> float32 [size, size]; padded with 0.

        Shrinking averages over the area that a model pixel covers, so that fine structure does not alias;
        enlarging is bilinear.
        """
        if max(self.scale_x, self.scale_y) < 1:
            inner_w = max(1, round(self.width * self.scale_x))
            inner_h = max(1, round(self.height * self.scale_y))
            pixels = averaged(pixels, inner_w, inner_h)
        rows, cols = pixels.shape
        step_x, step_y = self.width * self.scale_x / cols, self.height * self.scale_y / rows
        # OpenCV puts the centre of the first pixel at 0; the half pixels translate between the two
        # conventions.
        matrix = np.array(
            [[step_x, 0, self.pad_x + 0.5 * step_x - 0.5], [0, step_y, self.pad_y + 0.5 * step_y - 0.5]]
        )
        return np.asarray(
            cv2.warpAffine(pixels, matrix, (self.size, self.size), flags=cv2.INTER_LINEAR, borderValue=0),
            np.float32,
        )

    def valid_patches(self, rows: int, cols: int) -> NDArray[np.bool_]:
        """bool [rows, cols]: the patch's centre lies in the image, not in the padding."""
        x = (np.arange(cols) + 0.5) / cols * self.size - self.pad_x
        y = (np.arange(rows) + 0.5) / rows * self.size - self.pad_y
        inside_x = (x >= 0) & (x <= self.width * self.scale_x)
        inside_y = (y >= 0) & (y <= self.height * self.scale_y)
        return inside_y[:, None] & inside_x[None, :]

    def extend_edges(self, values: FloatArray) -> FloatArray:
        """A patch grid over the whole square, [R, C] -> the same, but for patches centred in the padding.

        They become like the nearest in the image. Half of such a patch may still show the image's border,
        of which its own value, or 0, would say
        less than its neighbour's.

        Raises:
            ValueError: no patch centre lies in the image (see `valid_patches`).
        """
        valid = self.valid_patches(*values.shape)
        if not valid.any():
            raise ValueError(
                f"No patch of a grid of {values.shape} has its centre in an image of "
                f"{self.height} x {self.width}."
            )
        rows, cols = (np.flatnonzero(valid.any(axis=axis)) for axis in (1, 0))
        nearest_row = np.clip(np.arange(values.shape[0]), rows[0], rows[-1])
        nearest_col = np.clip(np.arange(values.shape[1]), cols[0], cols[-1])
        return values[np.ix_(nearest_row, nearest_col)]

    def crop_grid(self, values: FloatArray) -> PatchMap:
        """A patch grid over the whole square, [R, C] -> the part that touches the image, and its extent."""
        rows, cols = values.shape
        first_col, last_col = _touching(self.pad_x, self.size, cols)
        first_row, last_row = _touching(self.pad_y, self.size, rows)
        corners = (
            np.array([[first_col / cols, first_row / rows], [last_col / cols, last_row / rows]]) * self.size
        )
        (x0, y0), (x1, y1) = self.to_image(corners)
        kept = np.ascontiguousarray(values[first_row:last_row, first_col:last_col], np.float32)
        return PatchMap(kept, (float(x0), float(y0), float(x1), float(y1)))

    def uncrop_grid(self, shown: PatchMap, rows: int, cols: int) -> FloatArray:
        """Inverse of `crop_grid`: [R, C] over the whole square, 0 where only padding is."""
        values = np.zeros((rows, cols), np.float32)
        first_row, first_col = (
            _touching(self.pad_y, self.size, rows)[0],
            _touching(self.pad_x, self.size, cols)[0],
        )
        values[
            first_row : first_row + shown.values.shape[0], first_col : first_col + shown.values.shape[1]
        ] = shown.values
        return values


def _touching(pad: float, size: int, count: int) -> tuple[int, int]:
    """First and one past the last patch of a row that is not wholly padding.

    A hair of rounding does not count as touching.
    """
    first = math.floor(pad / size * count + 1e-9)
    last = math.ceil((size - pad) / size * count - 1e-9)
    return first, last
