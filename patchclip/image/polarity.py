"""Is a picture shown with black as air? Evidence from the anatomy, for headers that contradict their pixels."""

from __future__ import annotations

import numpy as np

from patchclip.types import FloatArray

CLEAR = 0.1  # evidence beyond which nearly every frontal chest radiograph is told right


def polarity_evidence(pixels: FloatArray) -> float:
    """Positive if black is air, negative if the picture is inverted, in [-1.5, 1.5]; turning the picture flips the sign.

    The mediastinum is brighter than the lungs beside it, and than the air around the patient, in a frontal chest radiograph:
    (median of the centre - mean of the lung fields) + (median of the centre - median of the border) / 2.
    """
    height, width = pixels.shape
    edge = max(1, min(height, width) // 20)
    border = np.concatenate([pixels[:, :edge].ravel(), pixels[:, -edge:].ravel(), pixels[:edge].ravel()])
    centre = float(np.median(pixels[height // 3 : 2 * height // 3 + 1, 2 * width // 5 : 3 * width // 5 + 1]))
    rows = slice(height // 4, height // 2 + 1)
    lungs = np.concatenate([pixels[rows, width // 6 : width // 3 + 1].ravel(), pixels[rows, 2 * width // 3 : 5 * width // 6 + 1].ravel()])
    return (centre - float(lungs.mean())) + 0.5 * (centre - float(np.median(border)))
