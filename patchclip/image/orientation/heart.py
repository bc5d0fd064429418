"""At which side of a frontal chest radiograph the heart lies, by a small network.

A mirrored one shows it at the other side, as does situs inversus.

The network is trained on radiographs that are mirrored at random: python -m trainer orientation.
"""

from __future__ import annotations

import json
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from patchclip.image.collimation import bounding_box, exposed_field
from patchclip.image.network import SmallNetwork, load_network
from patchclip.image.pixelwise import averaged
from patchclip.image.polarity import CLEAR, polarity_evidence
from patchclip.resources import ORIENTATION
from patchclip.types import FloatArray, Laterality

SIZE = 96
"""Pixels of the network's square input, over which the exposed field is stretched."""

_LONGEST = 256  # the picture is looked at in this size
_SMALL = 128  # its exposed field is told in this one


def heart_side(pixels: FloatArray, outside: NDArray[np.bool_] | None = None) -> Laterality | None:
    """The side of the image at which the heart, the aortic arch and the stomach's bubble lie, None if unsure.

    The usual display shows them at the right. A picture that does not look like an upright frontal chest
    with black air is not judged. How sure is sure was set by cross-validation: python -m trainer orientation.

    Args:
        pixels: float32 [H, W] in [0, 1].
        outside: bool [H, W], pixels that show nothing, or None.
    """
    small, hidden = _shrunk(pixels, outside)
    polarity = polarity_evidence(small, hidden)
    if abs(polarity) < CLEAR:
        return None
    if polarity < 0:
        small = np.asarray(1 - small, np.float32)
    evidence = left_evidence(chest_square(small, hidden))
    if abs(evidence) <= threshold():
        return None
    return "left" if evidence > 0 else "right"


def left_evidence(square: FloatArray) -> float:
    """The network's logit of a heart at the image's left, positive, or right, negative.

    It is half the difference between the picture and its mirror image, so that mirroring turns the sign.

    Args:
        square: float32 [S, S] in [0, 1], as `chest_square` gives it.
    """
    sized = np.asarray(cv2.resize(square, (SIZE, SIZE), interpolation=cv2.INTER_AREA), np.float32)
    standard = standardised(sized)
    logits = _network()(np.stack([standard, standard[:, ::-1]]))[:, 0]
    return float(logits[0] - logits[1]) / 2


def chest_square(
    pixels: FloatArray, outside: NDArray[np.bool_] | None = None, size: int = SIZE
) -> FloatArray:
    """The exposed field of a picture, stretched over a square: float32 [size, size] in [0, 1]."""
    small, hidden = _shrunk(pixels, outside)
    tiny, tiny_hidden = _shrunk(small, hidden, _SMALL)
    box = bounding_box(exposed_field(tiny, tiny_hidden)) or np.s_[0 : tiny.shape[0], 0 : tiny.shape[1]]
    scale = max(small.shape) / max(tiny.shape)
    rows, cols = (slice(round(part.start * scale), round(part.stop * scale)) for part in box)
    return np.asarray(cv2.resize(small[rows, cols], (size, size), interpolation=cv2.INTER_AREA), np.float32)


def standardised(square: FloatArray) -> FloatArray:
    """Of mean 0 and standard deviation 1, whatever exposure and window."""
    return np.asarray((square - square.mean()) / (float(square.std()) + 1e-3), np.float32)


@cache
def threshold() -> float:
    """Evidence, in logits, up to which nothing is said."""
    config = json.loads((ORIENTATION / "model.json").read_text(encoding="utf-8"))
    return float(config["heart"]["threshold"])


def _shrunk(
    pixels: FloatArray, outside: NDArray[np.bool_] | None, longest: int = _LONGEST
) -> tuple[FloatArray, NDArray[np.bool_] | None]:
    """A picture and its mask, no side longer than `longest` pixels."""
    scale = longest / max(pixels.shape)
    if scale >= 1:
        return pixels, outside
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    small = averaged(pixels, *size)
    if outside is None:
        return small, None
    hidden = cv2.resize(outside.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
    return small, np.asarray(hidden, bool)


@cache
def _network() -> SmallNetwork:
    return load_network(ORIENTATION, "heart")
