"""Is a picture shown with black as air? Evidence from the anatomy, for headers that contradict their pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from patchclip.types import FloatArray

CLEAR = 0.1  # evidence beyond which nearly every frontal chest radiograph is told right
INVERTED = "The picture looks inverted (air is bright); it was left as it is. If so, invert it before you rely on any map."


def polarity_evidence(pixels: FloatArray, padding: NDArray[np.bool_] | None = None) -> float:
    """Positive if black is air, negative if the picture is inverted, in [-1.5, 1.5]; turning the picture flips the sign.

    The mediastinum is brighter than the lungs beside it, and than the air around the patient, in a frontal chest radiograph:
    (median of the centre - mean of the lung fields) + (median of the centre - median of the border) / 2.

    Args:
        pixels: float32 [H, W] in [0, 1].
        padding: bool [H, W], pixels that hold no measurement and say nothing; the anatomy is looked for in the rest. 0 where that is
            too little to tell.
    """
    seen = np.ones(pixels.shape, bool) if padding is None else ~padding
    rows, cols = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if rows.size == 0:
        return 0.0
    box = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    pixels, seen = pixels[box], seen[box]

    def of(*parts: tuple[slice, slice]) -> FloatArray:
        return np.concatenate([pixels[part][seen[part]] for part in parts])

    height, width = pixels.shape
    edge = max(1, min(height, width) // 20)
    border = of(np.s_[:, :edge], np.s_[:, -edge:], np.s_[:edge, :])
    centre = of(np.s_[height // 3 : 2 * height // 3 + 1, 2 * width // 5 : 3 * width // 5 + 1])
    field = slice(height // 4, height // 2 + 1)
    lungs = of((field, slice(width // 6, width // 3 + 1)), (field, slice(2 * width // 3, 5 * width // 6 + 1)))
    if not (border.size and centre.size and lungs.size):
        return 0.0
    middle = float(np.median(centre))
    return (middle - float(lungs.mean())) + 0.5 * (middle - float(np.median(border)))
