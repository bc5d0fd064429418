"""What readers disagree on, as an adjudicator is shown it: without their names."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from string import ascii_uppercase

from app.insights.opinions import Readings
from app.insights.overlap import iou_of_all
from app.study.data import Mark
from patchclip.types import Box

LAST_FIRST = ("second", "aided", "first", "unaided")
"""Opinions are adjudicated as they are in the end, with the model where it was shown."""
LEAST_IOU = 0.5
"""Below it two readers' boxes are of different places."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One reader's opinion under a letter that is drawn anew for each case and finding."""

    letter: str
    presence: str
    confidence: int | None
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Of one finding in one case.

    Attributes:
        about: "presence", or "place" where all say present and boxes lie apart.
        voices: in the order of their letters.
    """

    case: int
    finding: str
    about: str
    voices: tuple[Voice, ...]


def adjudicated_condition(readings: Readings) -> str | None:
    """The condition whose opinions are weighed against one another; None before anybody has read."""
    return next((name for name in LAST_FIRST if name in readings.conditions), None)


def disagreements(readings: Readings) -> tuple[Disagreement, ...]:
    """By case, then finding; letters tell readers apart within one of them alone."""
    condition = adjudicated_condition(readings)
    if condition is None:
        return ()
    result = []
    for finding in readings.findings:
        opinions = readings.of(finding, condition)
        for case in opinions.cases:
            marks = [
                opinions.marks[reader, case]
                for reader in opinions.readers
                if (reader, case) in opinions.marks
            ]
            if about := _about(marks):
                seed = f"{readings.data.protocol_sha256} {readings.data.name} {case} {finding}"
                result.append(Disagreement(case, finding, about, _voices(marks, seed)))
    order = {finding: place for place, finding in enumerate(readings.findings)}
    return tuple(sorted(result, key=lambda item: (item.case, order[item.finding])))


def _about(marks: Sequence[Mark]) -> str:
    if len({mark.presence for mark in marks}) > 1:
        return "presence"
    drawn = [mark.boxes for mark in marks if mark.presence == "present" and mark.boxes]
    apart = any(iou_of_all(first, second) < LEAST_IOU for first, second in combinations(drawn, 2))
    return "place" if apart else ""


def _voices(marks: Sequence[Mark], seed: str) -> tuple[Voice, ...]:
    shuffled = sorted(marks, key=lambda mark: hashlib.sha256(f"{seed} {mark.reader}".encode()).digest())
    return tuple(
        Voice(_letter(number), mark.presence, mark.confidence, mark.boxes)
        for number, mark in enumerate(shuffled)
    )


def _letter(number: int) -> str:
    """A, B, ..., Z, A2, B2, ..."""
    turn, place = divmod(number, len(ascii_uppercase))
    return ascii_uppercase[place] + (str(turn + 1) if turn else "")
