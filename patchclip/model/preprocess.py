"""From radiograph pixels to the model's input: one owner, shared by engine, evaluation and training."""

from __future__ import annotations

import numpy as np

from patchclip.image.geometry import Letterbox
from patchclip.types import FloatArray


def standardise(pixels: FloatArray) -> FloatArray:
    """Removes exposure and window differences: (p - mean) / (4 std) + 1/2, clipped to [0, 1].

    pixels float32 [H, W] in [0, 1] -> the same shape, mean about 0.5 and standard deviation about 0.25.
    """
    spread = max(float(pixels.std()), 1e-3)
    return np.asarray(np.clip((pixels - float(pixels.mean())) / (4.0 * spread) + 0.5, 0.0, 1.0), np.float32)


def model_input(pixels: FloatArray, size: int) -> tuple[FloatArray, Letterbox]:
    """float32 [H, W] -> float32 [size, size] in [0, 1], standardised then letterboxed, with the geometry that
    undoes it."""
    box = Letterbox(height=pixels.shape[0], width=pixels.shape[1], size=size)
    return box.apply(standardise(pixels)), box
