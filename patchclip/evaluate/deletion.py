"""Deletion and insertion: how the model's answer changes as the patches that a map points at go or come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from patchclip.types import FloatArray

STEPS = 16
BLUR = 0.06
"""Standard deviation of the blur where insertion starts, as a share of the image: only lobes survive it."""
Score = Callable[[FloatArray], NDArray[np.float64]]
"""float32 [N, S, S] of model inputs -> the query's probability on each, [N] in [0, 1]."""


@dataclass(frozen=True, slots=True)
class CurveAreas:
    """Areas under the two curves of one map, each in [0, 1]."""

    deletion: float
    insertion: float


def deletion_insertion(
    score: Score, pixels: FloatArray, values: FloatArray, steps: int = STEPS
) -> CurveAreas:
    """Areas under the deletion and insertion curves (Petsiuk, Das & Saenko, RISE, BMVC 2018), patch by patch.

    Deletion greys out patches (the image's mean) from the most to the least lit: a faithful map makes the
    probability fall early, so less is better. Insertion starts from a blurred image and puts patches back in
    the same order: more is better. Equal patches go row by row; a map of one value therefore says nothing and
    is scored as it stands.

    Args:
        score: the model.
        pixels: float32 [S, S], the model's input.
        values: [R, C] over the whole input.
        steps: points of each curve beyond its start; areas are trapezoids over the share of patches.
    """
    size = pixels.shape[0]
    order = np.argsort(-values.ravel(), kind="stable")
    rank = np.empty(order.size)
    rank[order] = np.arange(order.size)
    fine = cv2.resize(rank.reshape(values.shape), (size, size), interpolation=cv2.INTER_NEAREST)
    counts = np.round(np.linspace(0, order.size, steps + 1))
    changed = fine[None] < counts[:, None, None]
    grey = np.float32(pixels.mean())
    blurred = cv2.GaussianBlur(pixels, (0, 0), BLUR * size)
    deleted = score(np.where(changed, grey, pixels).astype(np.float32))
    inserted = score(np.where(changed, pixels, blurred).astype(np.float32))
    shares = counts / order.size
    return CurveAreas(float(np.trapezoid(deleted, shares)), float(np.trapezoid(inserted, shares)))
