"""Letters drawn as they stand on films: of lead or burnt in, on a plate, in a ring, tilted, blurred."""

from __future__ import annotations

import string
from functools import cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from patchclip.image.orientation.letters import GLYPH, standard_glyph
from patchclip.types import FloatArray

FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "STIXGeneral",
    "STIXGeneralBol",
    "cmss10",
)
STROKES = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_PLAIN)
OTHERS = "".join(
    sorted(set(string.ascii_uppercase + string.digits + "abdefghjmnqtuyß&#+-?!/()[]<>^") - {"L", "R"})
)
CANVAS = 96  # pixels that a letter is drawn on
CAPITAL = 48  # pixels of its height there


def drawn_glyph(kind: int, ground: NDArray[np.uint8], rng: np.random.Generator) -> FloatArray:
    """What the network would see of a letter: float32 [GLYPH, GLYPH], standardised.

    Args:
        kind: place among `CLASSES`; 0 draws another letter or sign, an L or R that stands on its head or lies
            on its side, or one within a word.
        ground: uint8 [CANVAS, CANVAS], a part of a radiograph.
        rng: random numbers.
    """
    letter = "LLRR"[kind - 1] if kind else str(rng.choice(list(OTHERS + "LLLRRR")))
    ink = _plain(letter, rng)
    mirrored = kind in (2, 4)
    if kind == 0:
        mirrored = bool(rng.random() < 0.3)
        if letter in "LR":
            if rng.random() < 0.5:
                ink = np.ascontiguousarray(np.rot90(ink, int(rng.integers(1, 4))))
            else:
                ink = _within_a_word(ink, rng)
    elif rng.random() < 0.25:
        ink = np.maximum(ink, _initials(rng))
    if rng.random() < 0.15:
        cv2.circle(ink, (CANVAS // 2, CANVAS // 2), int(rng.integers(38, 47)), 255, int(rng.integers(2, 5)))
    if mirrored:
        ink = np.ascontiguousarray(ink[:, ::-1])
    ink = _moved(ink, rng)
    size = int(rng.integers(14, 60))  # of the canvas on the film, so that small letters are coarse
    picture = _on_ground(ink, ground, rng)
    small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    small = small + rng.normal(0, rng.uniform(0, 10), small.shape)
    if rng.random() < 0.4:
        small = cv2.GaussianBlur(small, (0, 0), rng.uniform(0.3, 0.9))
    small = np.clip(small, 0, 255).astype(np.float32)
    way = cv2.INTER_AREA if size >= GLYPH else cv2.INTER_LINEAR
    return standard_glyph(cv2.resize(small, (GLYPH, GLYPH), interpolation=way))


def _plain(letter: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Light on dark, CAPITAL pixels high, in the middle of the canvas."""
    if rng.random() < 0.25:
        canvas = np.zeros((3 * CANVAS, 3 * CANVAS), np.uint8)
        font, thickness = STROKES[rng.integers(len(STROKES))], int(rng.integers(4, 16))
        cv2.putText(canvas, letter, (CANVAS, 2 * CANVAS), font, 4, 255, thickness, cv2.LINE_AA)
    else:
        image = Image.new("L", (3 * CANVAS, 3 * CANVAS))
        drawing = ImageDraw.Draw(image)
        width = int(rng.choice([0, 0, 0, 2, 4]))
        drawing.text(
            (CANVAS, CANVAS // 2), letter, fill=255, font=_font(str(rng.choice(FONTS))), stroke_width=width
        )
        canvas = np.array(image, np.uint8)
    rows, cols = np.flatnonzero(canvas.any(axis=1)), np.flatnonzero(canvas.any(axis=0))
    part = canvas[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    height = CAPITAL if len(rows) > 0.5 * len(cols) else max(4, CAPITAL * len(rows) // len(cols))
    width = round(part.shape[1] * height / part.shape[0] * rng.uniform(0.75, 1.3))
    size = int(np.clip(width, 4, CANVAS)), height
    part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    ink = np.zeros((CANVAS, CANVAS), np.uint8)
    top, left = (CANVAS - part.shape[0]) // 2, (CANVAS - part.shape[1]) // 2
    ink[top : top + part.shape[0], left : left + part.shape[1]] = part
    return ink


def _within_a_word(ink: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The letter with others of its size to one side or both."""
    cols = np.flatnonzero(ink.any(axis=0))
    ways = [(-1,), (1,), (-1, 1)][rng.integers(3)]
    for way in ways:
        other = _plain(str(rng.choice(list(string.ascii_uppercase))), rng)
        other_cols = np.flatnonzero(other.any(axis=0))
        gap = int(rng.integers(3, 14))
        shift = cols[-1] + gap - other_cols[0] if way > 0 else cols[0] - gap - other_cols[-1]
        shifted = cv2.warpAffine(other, np.array([[1.0, 0, shift], [0, 1, 0]]), (CANVAS, CANVAS))
        ink = np.maximum(ink, shifted)
    return ink


def _initials(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Smaller letters below or above, as radiographers sign with."""
    ink = np.zeros((CANVAS, CANVAS), np.uint8)
    text = "".join(rng.choice(list(string.ascii_uppercase), rng.integers(2, 4)))
    below = rng.random() < 0.7
    place = (int(rng.integers(5, 35)), int(rng.integers(90, 110) if below else rng.integers(8, 20)))
    cv2.putText(ink, text, place, cv2.FONT_HERSHEY_SIMPLEX, rng.uniform(0.6, 1.1), 255, 3, cv2.LINE_AA)
    return ink


def _moved(ink: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Tilted, sheared, and off the middle by a little."""
    middle = (CANVAS / 2, CANVAS / 2)
    turn = np.asarray(cv2.getRotationMatrix2D(middle, rng.normal(0, 10), rng.uniform(0.85, 1.2)), np.float64)
    turn[0, 1] += rng.normal(0, 0.08)
    turn[:, 2] += rng.uniform(-5, 5, 2)
    moved = cv2.warpAffine(ink, turn, (CANVAS, CANVAS), flags=cv2.INTER_LINEAR)
    if rng.random() < 0.3:
        kernel = np.ones((int(rng.integers(2, 5)),) * 2, np.uint8)
        moved = cv2.dilate(moved, kernel) if rng.random() < 0.6 else cv2.erode(moved, kernel)
    return np.asarray(moved, np.uint8)


def _on_ground(ink: NDArray[np.uint8], ground: NDArray[np.uint8], rng: np.random.Generator) -> FloatArray:
    """The letter, brighter than a part of a radiograph, or than a dark plate on it."""
    below = ground.astype(np.float32) * rng.uniform(0.2, 1.0)
    if rng.random() < 0.3:
        plate = np.zeros((CANVAS, CANVAS), np.uint8)
        if rng.random() < 0.5:
            cv2.circle(plate, (CANVAS // 2, CANVAS // 2), int(rng.integers(34, 48)), 255, -1)
        else:
            reach = int(rng.integers(26, 46))
            half = int(rng.integers(18, 40)), reach
            cv2.rectangle(plate, (48 - half[0], 48 - half[1]), (48 + half[0], 48 + half[1]), 255, -1)
        below = np.where(plate > 0, below * rng.uniform(0, 0.6), np.minimum(below + rng.uniform(0, 120), 255))
    strength = rng.uniform(45, 230)
    above = np.minimum(below + strength, 255) if rng.random() < 0.6 else np.full_like(below, 255.0)
    share = ink.astype(np.float32) / 255
    return np.asarray(below * (1 - share) + above * share, np.float32)


@cache
def _font(name: str) -> ImageFont.FreeTypeFont:
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"
    return ImageFont.truetype(str(path), 96)
