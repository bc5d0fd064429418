"""Connected parts of a mask in which little is set: found from its runs, so that what is not set costs next
to nothing (a label for each pixel, as OpenCV gives, costs most where there is least to label)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
_WORD = 8  # pixels that are looked at in one go


@dataclass(frozen=True, slots=True)
class Runs:
    """Pixels that are set one after the other in a row, row by row.

    Attributes:
        start, stop: int64 [R], first pixel, and the one after the last: y * `stride` + x + 1.
        stride: more than the picture's width.
    """

    start: Ints
    stop: Ints
    stride: int

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts of a mask that touch, at corners too, in the order of their first pixels.

    Attributes:
        boxes: int64 [N, 4], x, y, width and height.
        area: int64 [N], pixels.
        runs: that they are made of.
        of_run: int64 [R], the part of each run.
    """

    boxes: Ints
    area: Ints
    runs: Runs
    of_run: Ints

    def pixels(self, chosen: NDArray[np.bool_]) -> tuple[Ints, Ints, Ints]:
        """Row, column and part of each pixel, int64 [P], of the parts that are chosen, bool [N]."""
        inside = chosen[self.of_run]
        start, length = self.runs.start[inside], (self.runs.stop - self.runs.start)[inside]
        row, col = np.divmod(_counted_up(start, length), self.runs.stride)
        return row, col - 1, np.repeat(self.of_run[inside], length)


def runs_above(values: NDArray[np.uint8], threshold: float, most: int) -> Runs | None:
    """The runs of what is above a threshold in uint8 [H, W]; None if there are more than `most`, told in
    a time that does not grow with their number."""
    height, width = values.shape
    stride = -(-(width + 1) // _WORD) * _WORD
    mask = np.zeros((height, stride), bool)  # nothing is set in column 0, so no run goes on in the next row
    np.greater(values, threshold, out=mask[:, 1 : width + 1])
    flat = mask.reshape(-1)
    edges = np.zeros(flat.size + _WORD, bool)
    np.not_equal(flat[1:], flat[:-1], out=edges[1 : flat.size])
    edges[flat.size] = flat[-1]
    if np.count_nonzero(edges) > 2 * most:
        return None
    words = np.flatnonzero(edges.view(np.uint64) != 0)
    word, within = np.nonzero(edges.reshape(-1, _WORD)[words])
    places = words[word] * _WORD + within
    return Runs(places[0::2], places[1::2], stride)


def parts_of(runs: Runs) -> Parts:
    """The parts that runs make up."""
    if len(runs) == 0:
        none = np.zeros(0, np.int64)
        return Parts(none.reshape(0, 4), none, runs, none)
    first = np.searchsorted(runs.stop, runs.start + runs.stride, side="left")
    last = np.searchsorted(runs.start, runs.stop + runs.stride, side="right")
    touching = last - first  # of the runs below, those that touch, at corners too
    above = np.repeat(np.arange(len(runs)), touching)
    names, of_run = np.unique(_roots(len(runs), above, _counted_up(first, touching)), return_inverse=True)
    order = np.argsort(of_run, kind="stable")
    begins = np.searchsorted(of_run[order], np.arange(len(names)))
    row, left = np.divmod(runs.start, runs.stride)
    right = left + runs.stop - runs.start
    x = np.minimum.reduceat(left[order], begins)
    y = np.minimum.reduceat(row[order], begins)
    width = np.maximum.reduceat(right[order], begins) - x
    height = np.maximum.reduceat(row[order], begins) + 1 - y
    area = np.add.reduceat((runs.stop - runs.start)[order], begins)
    return Parts(np.stack([x - 1, y, width, height], axis=1), area, runs, of_run)


def _roots(count: int, one: Ints, other: Ints) -> Ints:
    """int64 [count], the least number that can be reached from each by pairs [E]."""
    root = np.arange(count)
    while True:
        low = np.minimum(root[one], root[other])
        before = root.copy()
        np.minimum.at(root, before[one], low)
        np.minimum.at(root, before[other], low)
        while not np.array_equal(further := root[root], root):
            root = further
        if np.array_equal(root, before):
            return root


def _counted_up(start: Ints, length: Ints) -> Ints:
    """start, start + 1, ... as often as each length says, one after the other."""
    ends = np.cumsum(length)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(start - (ends - length), length) + np.arange(total)
