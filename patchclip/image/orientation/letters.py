"""Side letters in a picture: an L or R of lead or burnt in, which tells the patient's left and right.

Shapes that may be letters are cut out and read by a small network, which knows both letters as they are and
mirrored, and everything else as none: python -m trainer letters. Words (LEFT, RECHTS) and letters of other
languages (D, I, G), which mean other things too, are not read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from patchclip.image.network import SmallNetwork, load_network
from patchclip.image.pixelwise import connected
from patchclip.resources import ORIENTATION
from patchclip.types import Box, FloatArray, Laterality

CLASSES = ("none", "L", "L mirrored", "R", "R mirrored")
"""What the network tells apart."""
GLYPH = 24
"""Pixels of its square input."""
LONGEST = 768  # pixels; a longer picture is looked at in this size
MIDDLE = 0.1  # share of the picture's width, to either side of its middle, where a letter tells no side
NEAR = 2.2
"""In heights of a letter: within this distance no other shape of about its height may stand.

Words, and the initials that radiographers sign with, are no side letters.
"""
MOST = 160  # candidates that are read; a picture with more is all texture

_LEAST, _GREATEST = 9, 46  # pixels of a letter's height
_WINDOW = 49  # in which it stands out from its surroundings
_CONTRASTS = (36, 80)  # grey levels of 255 by which it does
_AROUND = 1.7  # width of what the network sees, in letters
_PAD = 64


@dataclass(frozen=True, slots=True)
class SideLetter:
    """A letter that was read.

    Attributes:
        letter: "L" or "R".
        mirrored: whether its shape is that of a mirrored letter: the picture was turned after exposure, or
            the letter lay face down.
        box: in original image pixels.
        patient_left: the side of the image on which the letter puts the patient's left.
        probability: in [0, 1], of the network.
    """

    letter: Literal["L", "R"]
    mirrored: bool
    box: Box
    patient_left: Laterality
    probability: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """Shapes that may be letters.

    Attributes:
        boxes: int64 [N, 4], x, y, width and height in pixels of a picture no longer than `LONGEST`.
        glyphs: float32 [N, GLYPH, GLYPH], standardised, the letter brighter than its ground.
        size: (height, width) of that picture.
        scale: its pixels per original pixel.
    """

    boxes: NDArray[np.int64]
    glyphs: FloatArray
    size: tuple[int, int]
    scale: float


def side_letters(pixels: FloatArray) -> tuple[SideLetter, ...]:
    """Letters that stand alone beside the middle of a picture, float32 [H, W] in [0, 1], surest first."""
    shapes = candidates(pixels)
    if len(shapes.boxes) == 0:
        return ()
    probabilities = letter_probabilities(shapes.glyphs)
    least = least_probability()
    letters = []
    for (x, y, width, height), row in zip(shapes.boxes, probabilities, strict=True):
        place = int(row[1:].argmax()) + 1
        if row[place] < least or not _stands_alone(shapes.boxes, x, y, width, height):
            continue
        letter: Literal["L", "R"] = "L" if place in (1, 2) else "R"
        at_right = x + width / 2 > shapes.size[1] / 2
        box = Box(*(float(value) / shapes.scale for value in (x, y, width, height)))
        side: Laterality = "right" if at_right == (letter == "L") else "left"
        letters.append(SideLetter(letter, place in (2, 4), box, side, float(row[place])))
    letters.sort(key=lambda item: -item.probability)
    apart: list[SideLetter] = []
    for item in letters:
        if all(item.box.intersection(other.box) == 0 for other in apart):
            apart.append(item)
    return tuple(apart)


def candidates(pixels: FloatArray, middle: float = MIDDLE) -> Candidates:
    """Shapes of a letter's size and build that stand out from their surroundings, light or dark.

    Args:
        pixels: float32 [H, W] in [0, 1].
        middle: as `MIDDLE`.
    """
    scale = min(1.0, LONGEST / max(pixels.shape))
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    small = pixels if scale == 1 else cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    grey = np.round(small * 255).astype(np.uint8)
    height, width = grey.shape
    padded = np.pad(grey, _PAD, mode="edge")
    window = np.ones((_WINDOW, _WINDOW), np.uint8)
    boxes, glyphs = [], []
    for sign, operation in ((1, cv2.MORPH_TOPHAT), (-1, cv2.MORPH_BLACKHAT)):
        contrast = cv2.morphologyEx(grey, operation, window)
        for least in _CONTRASTS:
            for box in _shapes(np.asarray(contrast > least), middle * width):
                boxes.append(box)
                glyphs.append(_glyph(padded, box) * sign)
    chosen = slice(0, MOST)
    return Candidates(
        np.array(boxes[chosen], np.int64).reshape(-1, 4),
        np.array(glyphs[chosen], np.float32).reshape(-1, GLYPH, GLYPH),
        (height, width),
        scale,
    )


def letter_probabilities(glyphs: FloatArray) -> FloatArray:
    """float32 [N, GLYPH, GLYPH] -> [N, len(CLASSES)]; a mirrored glyph is the mirrored class, exactly."""
    return symmetric_probabilities(_network()(glyphs), _network()(glyphs[:, :, ::-1]))


def symmetric_probabilities(logits: FloatArray, mirrored: FloatArray) -> FloatArray:
    """Softmax of the mean over a glyph and its mirror image, whose classes are exchanged: [N, classes]."""
    mean = (logits + mirrored[:, [0, 2, 1, 4, 3]]) / 2
    powers = np.exp(mean - mean.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def standard_glyph(patch: NDArray[np.generic]) -> FloatArray:
    """Of mean 0 and standard deviation 1."""
    values = patch.astype(np.float32)
    return np.asarray((values - values.mean()) / (values.std() + 2.0), np.float32)


@cache
def least_probability() -> float:
    """From which a letter is taken as read."""
    config = json.loads((ORIENTATION / "model.json").read_text(encoding="utf-8"))
    return float(config["letters"]["least_probability"])


def _shapes(mask: NDArray[np.bool_], middle: float) -> NDArray[np.int64]:
    """x, y, width and height of connected parts that are built like a letter, [N, 4]."""
    _, _, table, _ = connected(mask.astype(np.uint8))
    boxes = np.asarray(table, np.int64)[1:]
    x, _, width, height, area = boxes.T
    share = area / np.maximum(width * height, 1)
    fits = (height >= _LEAST) & (height <= _GREATEST) & (width >= 0.3 * height) & (width <= 1.5 * height)
    fits &= (share > 0.12) & (share < 0.8)
    fits &= np.abs(x + width / 2 - mask.shape[1] / 2) > middle
    return np.asarray(boxes[fits, :4], np.int64)


def _stands_alone(boxes: NDArray[np.int64], x: int, y: int, width: int, height: int) -> bool:
    """Whether no other shape of about a letter's height is near, but for rings and plates around it."""
    others_x, others_y, widths, heights = boxes.T
    apart = (others_x >= x + width) | (others_x + widths <= x)
    apart |= (others_y >= y + height) | (others_y + heights <= y)
    across = others_x + widths / 2 - (x + width / 2)
    along = others_y + heights / 2 - (y + height / 2)
    alike = (heights > 0.7 * height) & (heights < 1.4 * height)
    return not bool((apart & alike & (np.hypot(across, along) < NEAR * height)).any())


def _glyph(padded: NDArray[np.uint8], box: NDArray[np.int64]) -> FloatArray:
    """What the network sees of a shape: a square around it."""
    x, y, width, height = (int(value) for value in box)
    half = max(4, round(_AROUND * max(width, height) / 2))
    middle_x, middle_y = x + width // 2 + _PAD, y + height // 2 + _PAD
    patch = padded[middle_y - half : middle_y + half, middle_x - half : middle_x + half]
    way = cv2.INTER_AREA if 2 * half >= GLYPH else cv2.INTER_LINEAR
    return standard_glyph(cv2.resize(patch, (GLYPH, GLYPH), interpolation=way))


@cache
def _network() -> SmallNetwork:
    return load_network(ORIENTATION, "letters")
