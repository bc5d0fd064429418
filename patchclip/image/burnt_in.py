"""Text that is burned into a picture, which may name the patient: found by its look, not read.

Letters are thin, even in grey, alike in height and stand in a line. A picture is looked through for such
lines, light on dark and dark on light, at two sizes of letters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from patchclip.image.film_words import is_film_word
from patchclip.image.pixelwise import quantiles, quantised
from patchclip.image.runs import Parts, parts_of, runs_above
from patchclip.types import Box, FloatArray

LARGEST = 2048  # a longer picture is looked at in this size
CONTRAST = 0.18  # difference to its surroundings, in [0, 1], from which something may be a letter
LETTERS = 4  # in a line, from which it is text; fewer make a side marker
SENTENCE = (
    "Text seems to be burned into the picture: it may identify the patient; look before you save or export."
)
REACH = 1.5  # of a line's height, within which what stands out beside it belongs to it
FARTHEST = 8  # heights of a line, beyond which nothing belongs to it
MARGIN_X, MARGIN_Y = 1.0, 0.4
"""In heights of a line, by which its box is larger than what was found: a faint letter may follow."""

_MOST = 3000  # candidates, beyond which the contrast asked for is raised
_MOST_RUNS = 100_000  # pixels in a row that stand out, beyond which it is raised too: real films have few
_WIDEST = 120  # pixels: no letter is wider

_Edges = tuple[int, int, int, int]  # left, top, right and bottom in pixels


@dataclass(frozen=True, slots=True)
class _Size:
    """Heights of letters, in pixels of a picture that is `smaller` times as small, and the window in which
    they stand out from their surroundings."""

    least: int
    greatest: int
    window: int
    smaller: int


SIZES = (_Size(5, 28, 11, 1), _Size(10, 55, 21, 2))


@dataclass(frozen=True, slots=True)
class _Shapes:
    """Connected shapes that may be letters, by their left edge: arrays [N] in pixels, grey of 255."""

    x: NDArray[np.int64]
    y: NDArray[np.int64]
    width: NDArray[np.int64]
    height: NDArray[np.int64]
    grey: NDArray[np.float64]
    stroke: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.x)


def find_text(pixels: FloatArray) -> tuple[Box, ...]:
    """Lines of text in a picture, upright ones of four letters or more, from top to bottom.

    Side markers of one to three letters are none. Letters need a height of about 1/250 of the picture's
    longer side, 5 pixels at least; text that runs up or down, or is as faint as the anatomy, is not found.
    Measured by python -m tests.benchmarks.burnt_in.

    Args:
        pixels: float32 [H, W] in [0, 1].

    Returns:
        Boxes in the picture's pixels, large enough to hide what they hold.
    """
    scale = min(1.0, LARGEST / max(pixels.shape))
    grey = _reduced(quantised(pixels, 255, np.uint8), scale)
    if min(grey.shape) < SIZES[0].least:
        return ()
    boxes: list[_Edges] = []
    for letters in SIZES:
        seen, times = _averaged(grey, letters.smaller), letters.smaller
        for operation in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
            for left, top, right, bottom in _lines(seen, letters, operation):
                boxes.append((times * left, times * top, times * right, times * bottom))
    height, width = pixels.shape
    text = []
    for left, top, right, bottom in _united(boxes):
        aside, above = MARGIN_X * (bottom - top), MARGIN_Y * (bottom - top)
        x0, y0 = max(0.0, (left - aside) / scale), max(0.0, (top - above) / scale)
        x1, y1 = min(width, (right + aside) / scale), min(height, (bottom + above) / scale)
        text.append(Box(x0, y0, x1 - x0, y1 - y0))
    return tuple(sorted(text, key=lambda box: (box.y, box.x)))


def text_warnings(pixels: FloatArray) -> list[str]:
    """A sentence where a picture, float32 [H, W] in [0, 1], seems to hold text that may name somebody.

    Words such as PORTABLE, which radiographers put on films, name nobody.
    """
    for box in find_text(pixels):
        top, left = int(box.y), int(box.x)
        line = pixels[top : top + round(box.h), left : left + round(box.w)]
        if not is_film_word(line, MARGIN_X, MARGIN_Y):
            return [SENTENCE]
    return []


def _reduced(grey: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """A picture in a smaller size: means over whole pixels, which are fast, interpolated from there."""
    if scale == 1:
        return grey
    height, width = grey.shape
    size = max(1, round(width * scale)), max(1, round(height * scale))
    averaged = _averaged(grey, int(1 / scale))
    return np.asarray(cv2.resize(averaged, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _averaged(grey: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """Means of squares of `step` pixels a side, or of what fits into the picture."""
    step = min(step, *grey.shape)
    rows, cols = grey.shape[0] // step, grey.shape[1] // step
    whole = grey[: rows * step, : cols * step]
    return np.asarray(cv2.resize(whole, (cols, rows), interpolation=cv2.INTER_AREA), np.uint8)


def _lines(grey: NDArray[np.uint8], letters: _Size, operation: int) -> list[_Edges]:
    """Left, top, right and bottom of each line of letters that stand out in one direction."""
    window = np.ones((letters.window, letters.window), np.uint8)
    contrast = np.asarray(cv2.morphologyEx(grey, operation, window), np.uint8)
    threshold = CONTRAST * 255
    while (found := _parts(contrast, threshold, letters)) is None:
        threshold *= 1.3
    parts, fits = found
    shapes = _shapes(grey, parts, fits)
    lines = []
    for members in _groups(shapes):
        if _is_line(shapes, members):
            lines.append(_whole(shapes, members, parts.boxes))
    return lines


def _parts(
    contrast: NDArray[np.uint8], threshold: float, letters: _Size
) -> tuple[Parts, NDArray[np.bool_]] | None:
    """All that stands out, and which of it has the size of a letter; None where that is too much."""
    runs = runs_above(contrast, math.floor(threshold), _MOST_RUNS)
    if runs is None:
        return None
    parts = parts_of(runs)
    _, _, width, height = parts.boxes.T
    fits = (height >= letters.least) & (height <= letters.greatest) & (parts.area >= letters.least)
    fits &= (width <= 2.2 * height) & (8 * width >= height) & (parts.area > 0.1 * width * height)
    return None if np.count_nonzero(fits) > _MOST else (parts, fits)


def _shapes(grey: NDArray[np.uint8], parts: Parts, fits: NDArray[np.bool_]) -> _Shapes:
    """Those parts of a letter's size that are drawn with a stroke."""
    places = np.flatnonzero(fits)
    row, col, part = parts.pixels(fits)
    of = np.searchsorted(places, part)
    x, y, width, height = parts.boxes[places].T
    depth = _depths(row, col, of, parts.boxes[places], grey.shape)
    inner = depth >= quantiles(depth, of, len(places), 0.7)[of]
    stroke = 2 * np.bincount(of[inner], depth[inner], len(places)) / np.bincount(of[inner], None, len(places))
    core = depth >= quantiles(depth, of, len(places), 0.5)[of]
    usual = quantiles(grey[row, col][core].astype(np.float64), of[core], len(places), 0.5)
    drawn = (stroke <= height / 2) | (width <= 0.4 * height)  # an I is all stroke
    order = np.flatnonzero(drawn)[np.argsort(x[drawn], kind="stable")]
    return _Shapes(x[order], y[order], width[order], height[order], usual[order], stroke[order])


def _depths(
    row: NDArray[np.int64],
    col: NDArray[np.int64],
    of: NDArray[np.int64],
    boxes: NDArray[np.int64],
    size: tuple[int, ...],
) -> NDArray[np.float64]:
    """float64 [P], how far each pixel of shapes lies from the ground, which the picture's edge is not.

    The shapes are laid side by side: the ground that is nearest to a pixel of a shape touches that shape.

    Args:
        row, col, of: of each pixel, and its shape.
        boxes: of the shapes, [N, 4], x, y, width and height.
        size: of the picture.
    """
    x, y, width, height = boxes.T
    left = np.cumsum(width + 1) - width  # a column of ground before each
    side = np.zeros((int(height.max(initial=0)) + 2, int((width + 1).sum()) + 1), np.uint8)
    place = row - y[of] + 1, col - x[of] + left[of]
    side[place] = 1
    depths = cv2.distanceTransform(side, cv2.DIST_L2, 3)
    inner = (x > 0, y > 0, x + width < size[1], y + height < size[0])
    for shape in np.flatnonzero(~np.logical_and.reduce(inner)):
        before, above, after, below = (int(each[shape]) for each in inner)
        rows = slice(1 - above, 1 + height[shape] + below)
        cols = slice(left[shape] - before, left[shape] + width[shape] + after)
        depths[rows, cols] = cv2.distanceTransform(side[rows, cols], cv2.DIST_L2, 3)
    return np.asarray(depths[place], np.float64)


def _groups(shapes: _Shapes) -> list[list[int]]:
    """Shapes that follow one another like letters: near, alike in height, grey and stroke, side by side."""
    parent = list(range(len(shapes)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for place in range(len(shapes)):
        end = int(np.searchsorted(shapes.x, shapes.x[place] + 4 * _WIDEST))
        others = np.s_[place + 1 : end]
        high = np.maximum(shapes.height[others], shapes.height[place])
        low = np.minimum(shapes.height[others], shapes.height[place])
        gap = shapes.x[others] - (shapes.x[place] + shapes.width[place])
        bottom = np.minimum(shapes.y[others] + shapes.height[others], shapes.y[place] + shapes.height[place])
        common = bottom - np.maximum(shapes.y[others], shapes.y[place])
        narrower = np.minimum(shapes.width[others], shapes.width[place])
        thick = np.maximum(shapes.stroke[others], shapes.stroke[place])
        thin = np.minimum(shapes.stroke[others], shapes.stroke[place])
        alike = (gap <= 1.3 * high) & (high <= 1.5 * low) & (common >= 0.7 * low) & (thick <= 2 * thin)
        alike &= (shapes.x[others] - shapes.x[place] >= narrower / 2) & (
            np.abs(shapes.grey[others] - shapes.grey[place]) <= 35
        )
        for other in np.flatnonzero(alike):
            parent[root(place)] = root(place + 1 + int(other))
    groups: dict[int, list[int]] = {}
    for place in range(len(shapes)):
        groups.setdefault(root(place), []).append(place)
    return [members for members in groups.values() if len(members) >= LETTERS]


def _is_line(shapes: _Shapes, members: list[int]) -> bool:
    """Whether shapes stand on a level line and reach up to another, as ribs, wires and beads do not."""
    x = shapes.x[members] + shapes.width[members] / 2
    top, height = shapes.y[members], shapes.height[members]
    usual = float(np.median(height))
    slope, residuals = 0.0, []
    for edge in (top, top + height):
        slope, offset = np.polyfit(x, edge, 1)
        residuals.append(float(np.median(np.abs(edge - slope * x - offset))) / usual)
    even = float(height.std()) / usual
    return bool(residuals[0] < 0.2 and residuals[1] < 0.15 and abs(slope) < 0.1 and even < 0.25)


def _whole(shapes: _Shapes, members: list[int], stats: NDArray[Any]) -> _Edges:
    """A line's box, grown over all that stands out beside it: letters that touch, points, accents."""
    left, top = int(shapes.x[members].min()), int(shapes.y[members].min())
    right = int((shapes.x[members] + shapes.width[members]).max())
    bottom = int((shapes.y[members] + shapes.height[members]).max())
    high = bottom - top
    x, y, width, height = stats.T
    level = (height <= 1.6 * high) & (y < bottom + high // 3) & (y + height > top - high // 3)
    level &= (x > left - FARTHEST * high) & (x + width < right + FARTHEST * high)
    while True:
        near = level & (x < right + REACH * high) & (x + width > left - REACH * high)
        first, last = int(min(left, x[near].min())), int(max(right, (x + width)[near].max()))
        if (first, last) == (left, right):
            return left, int(min(top, y[near].min())), right, int(max(bottom, (y + height)[near].max()))
        left, right = first, last


def _united(boxes: list[_Edges]) -> list[_Edges]:
    """Boxes of the same text, found in two ways, as one."""
    united: list[_Edges] = []
    for box in boxes:
        overlapping = [
            other
            for other in united
            if min(box[2], other[2]) > max(box[0], other[0]) and min(box[3], other[3]) > max(box[1], other[1])
        ]
        for other in overlapping:
            united.remove(other)
            box = (min(box[0], other[0]), min(box[1], other[1]), max(box[2], other[2]), max(box[3], other[3]))
        united.append(box)
    return united
