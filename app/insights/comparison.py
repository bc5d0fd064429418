"""Whether readers find disease better with the model than without: the multi-reader multi-case analysis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.insights.opinions import Readings
from patchclip.errors import DataError
from patchclip.evaluate.mrmc import Ratings, StudyResult, analyse


@dataclass(frozen=True, slots=True)
class ArmComparison:
    """Of one finding and two conditions.

    Attributes:
        conditions: without the model, and with it.
        readers: those with a reading in both.
        cases: those with a truth that all of the readers read in both; others are left out.
        left_out: cases with a truth that one reader at least read in one of them, but not all in both.
        result: None where there is no analysis.
        reason: why there is none, as a sentence; else empty.
    """

    finding: str
    conditions: tuple[str, str]
    readers: tuple[str, ...]
    cases: tuple[int, ...]
    left_out: int
    result: StudyResult | None
    reason: str


def comparison(readings: Readings, finding: str, conditions: tuple[str, str]) -> ArmComparison:
    """The analysis of Obuchowski and Rockette (see `patchclip.evaluate.mrmc`), of complete cases."""
    arms = [readings.of(finding, condition) for condition in conditions]
    names = tuple(reader for reader in arms[0].readers if reader in arms[1].readers)
    some, _ = readings.truth(finding, sorted({case for arm in arms for case in arm.cases}))
    complete = [case for case in some if all((reader, case) in arm.marks for arm in arms for reader in names)]
    cases, present = readings.truth(finding, complete if names else [])
    values = [[[mark.score for mark in arm.of_reader(reader, cases)] for reader in names] for arm in arms]
    try:
        result = _analysis(values, present.tolist(), conditions, names)
        reason = ""
    except DataError as error:
        result, reason = None, str(error)
    return ArmComparison(finding, conditions, names, cases, len(some) - len(cases), result, reason)


def _analysis(
    values: Sequence[Sequence[Sequence[float]]],
    present: Sequence[bool],
    conditions: tuple[str, str],
    readers: tuple[str, ...],
) -> StudyResult:
    ratings = np.array(values, np.float64).reshape(len(conditions), len(readers), len(present))
    return analyse(Ratings(ratings, np.array(present, bool), conditions, readers))
