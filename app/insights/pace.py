"""How far a study is, and how long its readings take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.insights.agreement import case_bootstrap
from app.insights.opinions import CONDITIONS, SEQUENTIAL, condition_of
from app.study.data import StudyData
from patchclip.evaluate.bootstrap import Figure
from patchclip.evaluate.image_metrics import Floats


@dataclass(frozen=True, slots=True)
class Progress:
    """One reader in one arm: how many cases are assigned, and how many of them are done, begun, unreadable.

    A case of a sequential arm is done with its second opinion, and begun with its first alone. Of a case that
    was called unreadable no arm is told: it counts in each.
    """

    reader: str
    arm: str
    assigned: int
    done: int
    begun: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class ReadingTime:
    """Active seconds of one reader's readings in one condition.

    Attributes:
        median: with its interval over cases like these.
        low, high: first and third quartile.
    """

    reader: str
    condition: str
    median: Figure
    low: float
    high: float


def progress(data: StudyData) -> tuple[Progress, ...]:
    """The matrix of readers and arms, by reader."""
    told: dict[tuple[str, str, str], set[int]] = {}
    for mark in data.marks:
        told.setdefault((mark.reader, mark.arm, mark.opinion), set()).add(mark.case)
    result = []
    for reader in data.readers:
        bad = {case for name, case in data.unreadable if name == reader}
        for (name, arm), assigned in data.assigned.items():
            if name != reader:
                continue
            last = "second" if arm == SEQUENTIAL else "first"
            done = told.get((reader, arm, last), set())
            begun = told.get((reader, arm, "first"), set()) - done
            result.append(Progress(reader, arm, assigned, len(done - bad), len(begun - bad), len(bad)))
    return tuple(result)


def reading_times(data: StudyData) -> tuple[ReadingTime, ...]:
    """Of each reader and condition with a reading; a reading counts once, whatever findings it is of."""
    seconds: dict[tuple[str, str], dict[int, float]] = {}
    for mark in data.marks:
        seconds.setdefault((mark.reader, condition_of(mark)), {})[mark.case] = mark.seconds
    result = []
    for reader in data.readers:
        for condition in CONDITIONS:
            if of_cases := seconds.get((reader, condition)):
                cases = sorted(of_cases)
                values = np.array([of_cases[case] for case in cases])
                weights = case_bootstrap(cases).weights(np.arange(len(cases)))
                median = Figure.of(weighted_median(values, weights), len(cases))
                low, high = np.percentile(values, [25, 75])
                result.append(ReadingTime(reader, condition, median, float(low), float(high)))
    return tuple(result)


def weighted_median(values: Floats, weights: Floats) -> Floats:
    """Median of values [N] of which each stands weights [B, N] times (whole numbers) -> [B]."""
    return np.array([np.median(np.repeat(values, row.astype(int))) for row in weights])
