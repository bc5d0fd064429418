"""The exposed field of a radiograph: the picture without what collimation and shutters leave around it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from patchclip.types import FloatArray

Mask = NDArray[np.bool_]

DARK, BRIGHT = 0.12, 0.88  # grey that a border or direct exposure stays below, or above
SMOOTH = 0.04  # difference within 3 x 3 pixels that an extreme border stays below
EVEN = 0.004  # the same of a border of any grey
LEAST = 0.01  # share of the picture that a border covers at least
PASSES = 3  # a film in a frame in a frame
FIELD = 0.1  # share of the picture below which a field is not believed


def exposed_field(pixels: FloatArray, outside: Mask | None = None) -> Mask:
    """bool [H, W]: the exposed field; the whole picture where none can be told from its surroundings.

    A border is an even region, dark or bright or of one grey throughout, that reaches the edge of the
    picture, or of the field that an outer border leaves. Air beside the patient that reaches the edge
    counts as one too: it tells nothing of the anatomy.

    Args:
        pixels: float32 [H, W] in [0, 1], of about 128 pixels a side, which is all that a border needs.
        outside: bool [H, W], pixels that are known to show nothing.
    """
    field = np.ones(pixels.shape, bool) if outside is None else ~outside
    for _ in range(PASSES):
        box = bounding_box(field)
        if box is None:
            break
        smaller = field.copy()
        smaller[box] &= ~_border(pixels[box], field[box])
        if smaller.mean() < FIELD or (smaller == field).all():
            break
        field = smaller
    return field if field.any() else np.ones(pixels.shape, bool)


def bounding_box(field: Mask) -> tuple[slice, slice] | None:
    """Rows and columns that a field fills to a quarter of its fullest one at least; None of an empty one."""
    if not field.any():
        return None
    slices = []
    for axis in (1, 0):
        share = field.mean(axis=axis)
        places = np.flatnonzero(share >= share.max() / 4)
        slices.append(slice(int(places[0]), int(places[-1]) + 1))
    return slices[0], slices[1]


def _border(pixels: FloatArray, field: Mask) -> Mask:
    """Even regions that reach the edge, with the pixel of penumbra around them."""
    range_here = cv2.morphologyEx(pixels, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    smooth = range_here < SMOOTH
    border = np.zeros(pixels.shape, bool)
    for even in (smooth & (pixels < DARK), smooth & (pixels > BRIGHT), range_here < EVEN):
        count, labels, stats, _ = cv2.connectedComponentsWithStats(
            (even & field).astype(np.uint8), None, None, None, 4
        )
        touching = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
        large = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] > LEAST * pixels.size)
        border |= np.isin(labels, np.intersect1d(touching, large[large > 0])) if count > 1 else False
    return np.asarray(cv2.dilate(border.astype(np.uint8), np.ones((3, 3), np.uint8)), bool)
