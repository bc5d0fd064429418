"""Words that radiographers put on films and that name nobody, told by the shape of the whole word."""

from __future__ import annotations

from functools import cache, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from patchclip.types import FloatArray

WORDS = ("PORTABLE", "SUPINE", "ERECT", "UPRIGHT", "STANDING", "SITTING", "SYNTHETIC")
"""Positions and techniques, and what the synthetic examples of this project carry."""
ALIKE = 0.6  # correlation of shapes from which a word is recognised
LETTER_ALIKE = 0.62  # the same of every letter, lest a name that differs in one be taken for the word
GAP, SLACK = 0.2, 0.15
"""Blank on either side of a word, and how far off a shape may lie, as shares of the letters' height."""
BLANK = 0.35  # share of the ink's strength below which a column is blank
COVERED = 0.62  # share of a line that the word must fill, so that no name stands beside it

_HEIGHT = 20  # words are compared in this height
_HEIGHTS = (0.7, 0.85, 1.0, 1.2)  # of the letters, as shares of the one that the line's box suggests
_WIDTHS = (0.75, 0.81, 0.87, 0.93, 1.0)  # of fonts, as shares of the drawn one


def is_film_word(line: FloatArray, margin_x: float, margin_y: float) -> bool:
    """Whether a picture of one line is one of `WORDS`, or that and a letter or two.

    Each word is drawn in two fonts and looked for in the line (normalised cross-correlation).

    Args:
        line: float32 [h, w] in [0, 1], letters in the middle.
        margin_x, margin_y: what lies around the letters, in heights of them.
    """
    height = line.shape[0] / (1 + 2 * margin_y)
    length = line.shape[1] - 2 * margin_x * height
    ink = np.abs(line - float(np.median(line))).astype(np.float32)
    for share in _HEIGHTS:
        scale = _HEIGHT / (height * share)
        size = max(1, round(line.shape[1] * scale)), max(1, round(line.shape[0] * scale))
        fitted = cv2.resize(ink, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        # A small line that is enlarged is as blurred as the pixels that it comes from.
        blur = max(1.0, 0.45 * scale)
        for drawn in _blurred(blur):
            if drawn.shape[0] > fitted.shape[0] or drawn.shape[1] > fitted.shape[1]:
                continue
            if drawn.shape[1] < COVERED * length * scale:
                continue
            _, score, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(fitted, drawn, cv2.TM_CCOEFF_NORMED))
            found = score >= ALIKE and _stands_alone(fitted, x, x + drawn.shape[1], blur)
            if found and _all_alike(fitted, drawn, x, y):
                return True
    return False


def _stands_alone(line: FloatArray, first: int, last: int, blur: float) -> bool:
    """Whether a blank as wide as one between words lies on either side of the columns of a word.

    A name may begin or end like a word: GERECKE holds what looks like ERECT.
    """
    ink = line.max(axis=0)
    blank = ink < BLANK * float(np.percentile(line, 99))
    gap = round(GAP * _HEIGHT)
    slack = round(SLACK * _HEIGHT + 2 * blur)

    def beside(columns: NDArray[np.bool_]) -> bool:
        # The word's own edge may reach a little beyond where it was found.
        return any(columns[start : start + gap].all() for start in range(slack + 1))

    return beside(blank[:first][::-1]) and beside(blank[last:])


def _all_alike(line: FloatArray, word: FloatArray, x: int, y: int) -> bool:
    """Whether every letter of a word lies where it was found."""
    reach = round(SLACK * _HEIGHT)
    scores = []
    for first, last in _letters(word):
        left, top = max(0, x + first - reach), max(0, y - reach)
        around = line[top : y + word.shape[0] + reach, left : x + last + reach]
        scores.append(float(cv2.matchTemplate(around, word[:, first:last], cv2.TM_CCOEFF_NORMED).max()))
    return min(scores) >= LETTER_ALIKE


def _letters(word: FloatArray) -> list[tuple[int, int]]:
    """First and last column of each letter of a drawn word."""
    inked = np.concatenate([[False], word.max(axis=0) > BLANK * float(word.max()), [False]])
    edges = np.flatnonzero(inked[1:] != inked[:-1])
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


@lru_cache(maxsize=4)
def _blurred(blur: float) -> tuple[FloatArray, ...]:
    """The words that `_drawn` gives, blurred by so many pixels: most lines are as sharp as 1."""
    return tuple(np.asarray(cv2.GaussianBlur(word, (0, 0), blur), np.float32) for word in _drawn())


@cache
def _drawn() -> tuple[FloatArray, ...]:
    """Every word in every font and width, light on dark, as high as `_HEIGHT`."""
    pictures = []
    font = ImageFont.load_default(40)
    for word in WORDS:
        left, top, right, bottom = font.getbbox(word)
        canvas = Image.new("L", (int(right - left) + 8, int(bottom - top) + 8))
        ImageDraw.Draw(canvas).text((4 - left, 4 - top), word, fill=255, font=font)
        stroke = np.zeros((60, 60 * len(word)), np.uint8)
        cv2.putText(stroke, word, (10, 45), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 255, 3, cv2.LINE_AA)
        for picture in (np.asarray(canvas, np.uint8), stroke):
            pictures += [_fitted(picture, width) for width in _WIDTHS]
    return tuple(pictures)


def _fitted(picture: NDArray[np.uint8], share: float) -> FloatArray:
    inside = picture > 127
    rows, cols = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    part = picture[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1].astype(np.float32) / 255
    width = round(share * part.shape[1] * _HEIGHT / part.shape[0])
    return np.asarray(cv2.resize(part, (width, _HEIGHT), interpolation=cv2.INTER_AREA), np.float32)
