"""Boxes or outlines to patch targets: positive, negative, ignored."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

# Points per edge of a patch at which coverage is looked at: an edge of an outline is right to 1/32 of a
# patch.
SUPERSAMPLE = 16
POSITIVE, NEGATIVE, IGNORED = 1, 0, -1


def coverage(polygons: Sequence[NDArray[np.float64]], rows: int, cols: int) -> NDArray[np.float32]:
    """Share of each patch that the union of the polygons covers.

    Args:
        polygons: each [N, 2], corners (x, y) in units of patches: (0, 0) is the grid's top-left corner,
            (cols, rows) its opposite.
        rows, cols: the grid.

    Returns:
        float32 [rows, cols] in [0, 1]: the share of 16 x 16 evenly spaced points that lie inside a polygon by
        the even-odd rule. Exact for boxes whose edges lie on sixteenths of a patch; any other edge is off by
        at most 1/32.
    """
    canvas = np.zeros((rows * SUPERSAMPLE, cols * SUPERSAMPLE), np.uint8)
    for polygon in polygons:
        _fill(canvas, polygon * SUPERSAMPLE)
    # Down to whole blocks, the area interpolation is the block's mean.
    shares = cv2.resize(canvas.astype(np.float32), (cols, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(shares, np.float32)


def _fill(canvas: NDArray[np.uint8], polygon: NDArray[np.float64]) -> None:
    """Sets every pixel whose centre lies inside the polygon [N, 2], in pixels.

    OpenCV's own fill paints the border too, however little of a pixel lies inside: boxes would grow by up to
    a pixel on each side.
    """
    height, width = canvas.shape
    (x0, y0), (x1, y1) = polygon.T, np.roll(polygon, -1, axis=0).T
    first, last = (int(np.clip(np.ceil(value - 0.5), 0, height)) for value in (y0.min(), y0.max()))
    centres = np.arange(first, last) + 0.5
    line, edge = np.nonzero((y0 <= centres[:, None]) != (y1 <= centres[:, None]))
    crossing = x0[edge] + (centres[line] - y0[edge]) * (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])
    flips = np.zeros((last - first, width + 1), np.uint8)
    np.add.at(flips, (line, np.clip(np.ceil(crossing - 0.5), 0, width).astype(np.int64)), 1)
    canvas[first:last] |= np.cumsum(flips[:, :width], axis=1, dtype=np.uint8) & 1


def patch_targets(
    polygons: Sequence[NDArray[np.float64]], rows: int, cols: int, tau: float = 0.5
) -> NDArray[np.int8]:
    """Targets of one finding on one image (Patch-CLIP, with the partial-coverage ignore mask).

    A patch is positive if covered by at least `tau`, ignored if touched less than that, negative if
    untouched. A lesion that touches no positive patch, for it is small or thin, makes the patch positive that
    it covers most, if its middle lies in the picture.

    Returns:
        int8 [rows, cols] of POSITIVE, NEGATIVE, IGNORED.
    """
    covered = coverage(polygons, rows, cols)
    full = covered >= tau
    targets = np.where(full, POSITIVE, np.where(covered > 0, IGNORED, NEGATIVE)).astype(np.int8)
    for polygon in polygons:
        x, y = (polygon.min(axis=0) + polygon.max(axis=0)) / 2
        if not (0 <= x < cols and 0 <= y < rows):
            continue
        alone = coverage([polygon], rows, cols) if len(polygons) > 1 else covered
        if alone.any():
            if not (full & (alone > 0)).any():
                targets[np.unravel_index(int(alone.argmax()), alone.shape)] = POSITIVE
        else:  # finer than the points at which coverage is looked at
            x, y = _on_outline(polygon)
            targets[min(max(int(y), 0), rows - 1), min(max(int(x), 0), cols - 1)] = POSITIVE
    return targets


def _on_outline(polygon: NDArray[np.float64]) -> NDArray[np.float64]:
    """The middle of the longest edge: unlike the middle of its corners it lies on every outline, also on a
    bent one."""
    after = np.roll(polygon, -1, axis=0)
    longest = int(np.square(after - polygon).sum(axis=1).argmax())
    return np.asarray((polygon[longest] + after[longest]) / 2)
