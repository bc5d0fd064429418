"""Deletion and insertion: does the model's answer follow from the patches that a map points at?"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from patchclip.types import FloatArray

STEPS = 16
BLUR = 0.06  # standard deviation of the insertion start's blur, as a share of the side: nothing smaller than a lobe survives it
Score = Callable[[FloatArray], NDArray[np.float64]]
"""float32 [N, S, S] of model inputs -> the query's probability on each, [N] in [0, 1]."""


def deletion_insertion(
    score: Score, pixels: FloatArray, values: FloatArray, steps: int = STEPS
) -> tuple[float, float]:
    """Areas under the deletion and insertion curves (Petsiuk, Das & Saenko, RISE, BMVC 2018), patch by patch.

    Deletion greys out patches (the image's mean) from the most to the least lit: a faithful map makes the probability fall early,
    so less is better. Insertion starts from a blurred image and puts patches back in the same order: more is better. Equal patches
    go row by row; a map of one value therefore says nothing and is scored as it stands.

    Args:
        score: the model.
        pixels: float32 [S, S], the model's input.
        values: [R, C] over the whole input.
        steps: points of each curve beyond its start.

    Returns:
        deletion and insertion area, each in [0, 1] (trapezoids over the share of patches).
    """
    side = pixels.shape[0]
    order = np.argsort(-values.ravel(), kind="stable")
    rank = np.empty(order.size)
    rank[order] = np.arange(order.size)
    fine = cv2.resize(rank.reshape(values.shape), (side, side), interpolation=cv2.INTER_NEAREST)
    counts = np.round(np.linspace(0, order.size, steps + 1))
    changed = fine[None] < counts[:, None, None]
    grey, blurred = np.float32(pixels.mean()), cv2.GaussianBlur(pixels, (0, 0), BLUR * side)
    deleted = score(np.where(changed, grey, pixels).astype(np.float32))
    inserted = score(np.where(changed, pixels, blurred).astype(np.float32))
    shares = counts / order.size
    return float(np.trapezoid(deleted, shares)), float(np.trapezoid(inserted, shares))
