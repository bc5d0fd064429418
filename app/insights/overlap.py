"""How far boxes lie on one another: between readers, and on the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from app.insights.agreement import case_bootstrap
from app.insights.opinions import Opinions
from patchclip.evaluate.bootstrap import Figure
from patchclip.types import Box


@dataclass(frozen=True, slots=True)
class BoxOverlap:
    """Of two readers' boxes of one finding in one condition.

    Attributes:
        iou: mean over the cases that both drew on, of the IoU of all that one drew with all that the other
            drew, in [0, 1].
        both: cases that both drew on.
        one: cases that both read and one alone drew on.
    """

    finding: str
    condition: str
    readers: tuple[str, str]
    iou: Figure
    both: int
    one: int


def box_overlaps(opinions: Opinions) -> tuple[BoxOverlap, ...]:
    """Of each two readers of whom one at least drew."""
    bootstrap = case_bootstrap(opinions.cases)
    overlaps = []
    for first, second in combinations(opinions.readers, 2):
        values = np.full(len(opinions.cases), np.nan)
        one = 0
        for place, case in enumerate(opinions.cases):
            marks = [opinions.marks.get((reader, case)) for reader in (first, second)]
            if marks[0] is None or marks[1] is None:
                continue
            if marks[0].boxes and marks[1].boxes:
                values[place] = iou_of_all(marks[0].boxes, marks[1].boxes)
            elif marks[0].boxes or marks[1].boxes:
                one += 1
        both = np.nonzero(np.isfinite(values))[0]
        if len(both) or one:
            figure = bootstrap.mean(both, values[both])
            overlaps.append(
                BoxOverlap(opinions.finding, opinions.condition, (first, second), figure, len(both), one)
            )
    return tuple(overlaps)


def iou_of_all(first: Sequence[Box], second: Sequence[Box]) -> float:
    """Intersection over union of two areas (Jaccard 1912), each all of its boxes; one at least has one."""
    union = area_of_all((*first, *second))
    shared = area_of_all(first) + area_of_all(second) - union
    return max(shared, 0.0) / union


def area_of_all(boxes: Sequence[Box]) -> float:
    """The area that boxes cover together, in square pixels; what several cover counts once."""
    columns = sorted({edge for box in boxes for edge in (box.x, box.x + box.w)})
    lines = sorted({edge for box in boxes for edge in (box.y, box.y + box.h)})
    covered = np.zeros((max(len(lines) - 1, 0), max(len(columns) - 1, 0)), bool)
    for box in boxes:
        rows = slice(lines.index(box.y), lines.index(box.y + box.h))
        covered[rows, columns.index(box.x) : columns.index(box.x + box.w)] = True
    return float((np.outer(np.diff(lines), np.diff(columns)) * covered).sum()) if boxes else 0.0


def hits(box: Box, truth: Box) -> bool:
    """Whether the centre of a box lies in a box of the truth, its border included."""
    return truth.contains(box.x + box.w / 2, box.y + box.h / 2)
