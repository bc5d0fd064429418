"""Boxes or outlines to patch targets: positive, negative, ignored."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

SUPERSAMPLE = 8  # pixels a patch side when coverage is measured: 1/64 of a patch is the finest that matters here
POSITIVE, NEGATIVE, IGNORED = 1, 0, -1


def coverage(polygons: Sequence[NDArray[np.float64]], rows: int, cols: int) -> NDArray[np.float32]:
    """Share of each patch that the union of the polygons covers.

    Args:
        polygons: each [N, 2], corners (x, y) in units of patches: (0, 0) is the grid's top-left corner, (cols, rows) its opposite.
        rows, cols: the grid.

    Returns:
        float32 [rows, cols] in [0, 1], exact to about 1/64 inside; a border counts as covered, so an edge may reach 1/8 patch too far.
    """
    canvas = np.zeros((rows * SUPERSAMPLE, cols * SUPERSAMPLE), np.uint8)
    for polygon in polygons:
        # Pixel (i, j) of the canvas stands for the square [j, j+1) x [i, i+1): half a pixel off OpenCV's point convention.
        fixed = np.round((polygon * SUPERSAMPLE - 0.5) * 256).astype(np.int32)
        cv2.fillPoly(canvas, [fixed], 1, shift=8)
    return np.asarray(canvas.reshape(rows, SUPERSAMPLE, cols, SUPERSAMPLE).mean(axis=(1, 3)), np.float32)


def patch_targets(polygons: Sequence[NDArray[np.float64]], rows: int, cols: int, tau: float = 0.5) -> NDArray[np.int8]:
    """Targets of one finding on one image (Patch-CLIP, with the partial-coverage ignore mask).

    A patch is positive if covered by at least `tau` or if it holds a polygon's centre, so that a lesion smaller than a patch
    keeps one positive; ignored if touched less than that; negative if untouched.

    Returns:
        int8 [rows, cols] of POSITIVE, NEGATIVE, IGNORED.
    """
    covered = coverage(polygons, rows, cols)
    targets = np.where(covered >= tau, POSITIVE, np.where(covered > 0, IGNORED, NEGATIVE)).astype(np.int8)
    for polygon in polygons:
        x, y = (polygon.min(axis=0) + polygon.max(axis=0)) / 2
        if 0 <= x < cols and 0 <= y < rows:
            targets[int(y), int(x)] = POSITIVE
    return targets
