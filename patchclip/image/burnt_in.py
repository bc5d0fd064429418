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
from patchclip.image.pixelwise import connected, quantised
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
_WIDEST = 120  # pixels: no letter is wider


@dataclass(frozen=True, slots=True)
class _Size:
    """Heights of letters, in pixels, and the window in which they stand out from their surroundings."""

    least: int
    greatest: int
    window: int


SIZES = (_Size(5, 28, 11), _Size(20, 110, 41))


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
    grey = quantised(pixels, 255, np.uint8)
    if scale < 1:
        size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    boxes: list[tuple[int, int, int, int]] = []
    for letters in SIZES:
        for operation in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
            boxes += _lines(grey, letters, operation)
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


def _lines(grey: NDArray[np.uint8], letters: _Size, operation: int) -> list[tuple[int, int, int, int]]:
    """Left, top, right and bottom of each line of letters that stand out in one direction."""
    window = np.ones((letters.window, letters.window), np.uint8)
    contrast = np.asarray(cv2.morphologyEx(grey, operation, window), np.uint8)
    threshold = CONTRAST * 255
    shapes, stats = _shapes(grey, contrast, threshold, letters)
    while len(shapes) > _MOST:
        threshold *= 1.3
        shapes, stats = _shapes(grey, contrast, threshold, letters)
    lines = []
    for members in _groups(shapes):
        if _is_line(shapes, members):
            lines.append(_whole(shapes, members, stats))
    return lines


def _shapes(
    grey: NDArray[np.uint8], contrast: NDArray[np.uint8], threshold: float, letters: _Size
) -> tuple[_Shapes, NDArray[np.int64]]:
    """Shapes that may be letters, and boxes [M, 4] (x, y, width, height) of all that stands out."""
    above = cv2.threshold(contrast, math.floor(threshold), 1, cv2.THRESH_BINARY)[1]
    mask = np.asarray(above, np.uint8)
    _, labels, table, _ = connected(mask)
    boxes = np.asarray(table, np.int64)
    x, y, width, height, area = boxes.T
    fits = (height >= letters.least) & (height <= letters.greatest) & (area >= letters.least)
    fits &= (width <= 2.2 * height) & (8 * width >= height) & (area > 0.1 * width * height)
    fits[0] = False  # the ground
    distance = _depths(mask, y[fits], height[fits])
    rows = []
    for place in np.flatnonzero(fits)[np.argsort(x[fits], kind="stable")]:
        part = np.s_[y[place] : y[place] + height[place], x[place] : x[place] + width[place]]
        inside = labels[part] == place
        depth, values = distance[part][inside], grey[part][inside]
        stroke = 2 * float(depth[depth >= np.percentile(depth, 70)].mean())
        if stroke <= height[place] / 2 or width[place] <= 0.4 * height[place]:  # an I is all stroke
            core = float(np.median(values[depth >= np.median(depth)]))
            rows.append((x[place], y[place], width[place], height[place], core, stroke))
    columns = np.array(rows, np.float64).reshape(-1, 6).T
    x0, y0, w, h = columns[:4].astype(np.int64)
    return _Shapes(x0, y0, w, h, columns[4], columns[5]), boxes[1:, :4]


def _depths(
    mask: NDArray[np.uint8], tops: NDArray[np.int64], heights: NDArray[np.int64]
) -> NDArray[np.float32]:
    """float32 [H, W], distances to the ground, of the rows in which shapes lie; 0 in the others.

    The ground that is nearest to a pixel of a shape is no farther than one row beyond it.
    """
    needed = np.zeros(len(mask) + 2, bool)  # one row more at either end, which no shape is in
    for top, high in zip(tops, heights, strict=True):
        needed[max(top, 1) : min(top + high + 1, len(mask)) + 1] = True
    needed[-1] = False
    edges = np.flatnonzero(needed[1:] != needed[:-1])
    distance = np.zeros(mask.shape, np.float32)
    for first, last in edges.reshape(-1, 2):
        distance[first:last] = cv2.distanceTransform(mask[first:last], cv2.DIST_L2, 3)
    return distance


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


def _whole(shapes: _Shapes, members: list[int], stats: NDArray[Any]) -> tuple[int, int, int, int]:
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


def _united(boxes: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Boxes of the same text, found in two ways, as one."""
    united: list[tuple[int, int, int, int]] = []
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
