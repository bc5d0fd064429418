"""Where the pixels of a film lie in its file, and in the world of the file's header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchclip import PatchClipError
from patchclip.types import Box

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""NIfTI counts from the patient's left to the right, DICOM and NRRD the other way."""
LEFT, POSTERIOR, SUPERIOR = range(3)


class GeometryError(PatchClipError):
    """A file holds no single film."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a film lies in the array of its file, and that array in the patient's coordinates.

    Attributes:
        shape: (I, J, K) of the array; one of them is 1.
        affine: float64 [4, 4], from (i, j, k) to millimetres in LPS (left, posterior, superior); centres of
            pixels lie at whole indices.
        axes: which axis of the array holds the columns of the film, and which its rows.
        flips: whether columns, and whether rows, are counted from the other end.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    axes: tuple[int, int] = (0, 1)
    flips: tuple[bool, bool] = (False, False)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the film as the array holds it."""
        return self.shape[self.axes[1]], self.shape[self.axes[0]]

    def film_of(self, array: NDArray[Any]) -> NDArray[Any]:
        """The film [H, W], row 0 on top, of the file's array [I, J, K]."""
        columns, rows = self.axes
        film = np.moveaxis(array, (rows, columns), (0, 1))[:, :, 0]
        return film[:: -1 if self.flips[1] else 1, :: -1 if self.flips[0] else 1]

    def array_of(self, film: NDArray[Any]) -> NDArray[Any]:
        """The file's array [I, J, K] of a picture [H, W]: the inverse of `film_of`."""
        turned = film[:: -1 if self.flips[1] else 1, :: -1 if self.flips[0] else 1]
        columns, rows = self.axes
        return np.moveaxis(turned[:, :, None], (0, 1), (rows, columns))

    def in_array(self, box: Box, film: tuple[int, int]) -> Box:
        """A box of the film in the file's own pixels.

        x and y are then counted along the two long axes of the array, in their order; a pixel of the film
        that was made square is as long as it was. A box of no size is a point.

        Args:
            box: in pixels of the film.
            film: (H, W) of the film that it is a box of.
        """
        height, width = self.size
        across, down = width / film[1], height / film[0]
        x, y, w, h = box.x * across, box.y * down, box.w * across, box.h * down
        x = width - x - w if self.flips[0] else x
        y = height - y - h if self.flips[1] else y
        return Box(x, y, w, h) if self.axes[0] < self.axes[1] else Box(y, x, h, w)


def of_picture(size: tuple[int, int], spacing: tuple[float, float] = (1.0, 1.0)) -> Geometry:
    """Of a film that nothing is known of but its size (H, W), and the (height, width) of a pixel in mm."""
    height, width = size
    return Geometry((width, height, 1), np.diag([spacing[1], spacing[0], 1.0, 1.0]))


def of_array(shape: Sequence[int], affine: NDArray[np.float64]) -> Geometry:
    """Of a file with an affine in LPS.

    Where the film lies in a plane that holds the patient's long axis, its rows go from head to feet and its
    columns from the patient's right to the left, as films are hung. In any other plane no chest film can
    lie: there nobody told how it is turned, and it is taken as it is stored.

    Raises:
        GeometryError: the array is no single film.
    """
    lengths = [*shape, 1, 1][: max(3, len(shape))]
    long = [axis for axis, length in enumerate(lengths) if length > 1]
    if len(long) != 2 or long[1] > 2:
        raise GeometryError(
            f"The file holds an array of {' x '.join(str(length) for length in shape)}, and one film is "
            "asked at a time; send a single slice of grey values."
        )
    whole = (lengths[0], lengths[1], lengths[2])
    first, second = (int(np.argmax(np.abs(affine[:3, axis]))) for axis in long)
    if SUPERIOR not in (first, second) or first == second:
        return Geometry(whole, affine, (long[0], long[1]))
    rows, columns = (long[0], long[1]) if first == SUPERIOR else (long[1], long[0])
    across = LEFT if LEFT in (first, second) else POSTERIOR
    flips = bool(affine[across, columns] < 0), bool(affine[SUPERIOR, rows] > 0)
    return Geometry(whole, affine, (columns, rows), flips)
