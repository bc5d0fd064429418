"""Is a picture shown with black as air? Evidence from the anatomy, for headers that contradict it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from patchclip.image.collimation import bounding_box, exposed_field
from patchclip.image.pixelwise import averaged
from patchclip.types import FloatArray

CLEAR = 0.15  # evidence beyond which nearly every frontal chest radiograph is told right
OVERWHELMING = 0.45  # beyond which no radiograph was told wrong: python -m tests.benchmarks.polarity
INVERTED = (
    "The picture looks inverted (air is bright); it was left as it is. "
    "If so, invert it before you rely on any map."
)
NOT_TURNED = "The header says MONOCHROME1, but the pixels are already black for air; they were not turned."
SENTENCES = (INVERTED, NOT_TURNED)
"""What may be said of a picture's polarity."""

_SIZE = 128  # the picture is looked at in this size
_CELLS = 16
_VISIBLE = 0.3  # share of a cell that must lie in the exposed field
_HALF = """
     -96  -90  -85  -82  -73  -48  -11   14
     -66  -55  -53  -53  -50  -37  -12    8
     -36  -23  -19  -21  -27  -31  -19    2
     -13    0    2   -9  -30  -41  -29    0
       0   10    9  -12  -43  -54  -33    4
       2   11   10  -17  -49  -57  -31   12
      -3    8    9  -19  -48  -50  -19   21
     -11    3    6  -19  -42  -36   -3   31
     -18   -1    4  -17  -31  -19   12   41
     -24   -3    4  -10  -15   -1   25   49
     -28   -6    5    0    4   18   37   56
     -34   -9    7   14   23   35   49   63
     -40  -11   12   28   40   51   60   69
     -47  -13   17   39   53   61   67   73
     -52  -13   21   46   60   68   73   76
     -51  -10   25   50   63   70   75   78
"""


def average_chest() -> FloatArray:
    """The average frontal chest radiograph in its exposed field, float32 [16, 16], brighter is denser.

    Of 2,478 images of NIH ChestX-ray14, each standardised, left and right averaged: python -m
    tests.benchmarks.polarity FOLDER --average prints it. The constant above is its left half, in fiftieths of
    a standard deviation.
    """
    half = np.array(_HALF.split(), np.float32).reshape(_CELLS, _CELLS // 2)
    return np.asarray(np.concatenate([half, half[:, ::-1]], axis=1) / 50, np.float32)


def polarity_evidence(pixels: FloatArray, outside: NDArray[np.bool_] | None = None) -> float:
    """Positive if black is air, negative if the picture is inverted, in [-1, 1]; turning it flips the sign.

    The correlation of the exposed field (see `exposed_field`), at 16 x 16 cells, with the average chest: a
    border that collimation left white or black has no part in it.

    Args:
        pixels: float32 [H, W] in [0, 1].
        outside: bool [H, W], pixels that hold no measurement and say nothing; the anatomy is looked for in
            the rest. 0 where that is too little to tell.
    """
    values, weights = field_cells(pixels, outside)
    if weights.sum() <= 0:
        return 0.0
    weights = weights / weights.sum()
    template = average_chest()
    first = values - (weights * values).sum()
    second = template - (weights * template).sum()
    spread = float((weights * first**2).sum() * (weights * second**2).sum())
    return float((weights * first * second).sum() / np.sqrt(spread)) if spread > 0 else 0.0


def field_cells(
    pixels: FloatArray, outside: NDArray[np.bool_] | None = None
) -> tuple[FloatArray, FloatArray]:
    """The exposed field in 16 x 16 cells: mean grey, and share of the cell in the field, 0 if that is small.

    Args:
        pixels: float32 [H, W] in [0, 1].
        outside: bool [H, W], pixels that show nothing.
    """
    if outside is not None:
        inside = ~outside
        rows, cols = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        if rows.size == 0:
            return np.zeros((_CELLS, _CELLS), np.float32), np.zeros((_CELLS, _CELLS), np.float32)
        box = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
        pixels, outside = pixels[box], outside[box]
    scale = _SIZE / max(pixels.shape)
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    small = averaged(pixels, *size)
    hidden = None
    if outside is not None:
        hidden = cv2.resize(outside.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    field = exposed_field(small, hidden)
    box = bounding_box(field) or np.s_[:, :]
    visible = field[box].astype(np.float32)
    weights = np.asarray(cv2.resize(visible, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA), np.float32)
    sums = cv2.resize(small[box] * visible, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    values = np.asarray(sums / np.maximum(weights, 1e-3), np.float32)
    return values, np.where(weights > _VISIBLE, weights, 0).astype(np.float32)
