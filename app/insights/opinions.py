"""Who said what of which case: the readings of a study by finding and condition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.study.data import CaseTruth, Mark, ModelAnswer, StudyData
from patchclip import PatchClipError
from patchclip.evaluate.image_metrics import Floats

SEQUENTIAL = "sequential"
CONDITIONS = ("unaided", "first", "aided", "second")
"""Under which a case is read: without and with the model, in arms of their own or one after the other."""
PAIRS = (("unaided", "aided"), ("first", "second"))
"""(without the model, with it)."""


class InsightsError(PatchClipError):
    """A study's readings allow no such figure, or are not what they should be."""


def condition_of(mark: Mark) -> str:
    """Its arm, or, of a sequential arm, which opinion it is."""
    return mark.opinion if mark.arm == SEQUENTIAL else mark.arm


@dataclass(frozen=True, slots=True)
class Opinions:
    """What all readers said of one finding in one condition.

    Attributes:
        finding: its label.
        condition: one of `CONDITIONS`.
        readers: in the study's order, those with a reading.
        cases: in their order, those with a reading.
        marks: (reader, case) -> what was said.
    """

    finding: str
    condition: str
    readers: tuple[str, ...]
    cases: tuple[int, ...]
    marks: Mapping[tuple[str, int], Mark]

    def scores(self) -> Floats:
        """[readers, cases], 0 to 100; NaN where there is no reading."""
        values = np.full((len(self.readers), len(self.cases)), np.nan)
        for row, reader in enumerate(self.readers):
            for column, case in enumerate(self.cases):
                if mark := self.marks.get((reader, case)):
                    values[row, column] = mark.score
        return values

    def of_reader(self, reader: str, cases: Sequence[int] | None = None) -> list[Mark]:
        """The reader's readings in the order of the cases."""
        wanted = self.cases if cases is None else cases
        return [self.marks[reader, case] for case in wanted if (reader, case) in self.marks]


class Readings:
    """A study's readings, answers and truths, each where it is looked for.

    Args:
        data: the study.

    Raises:
        InsightsError: a reader has two current readings of one finding, case and condition.
    """

    def __init__(self, data: StudyData) -> None:
        self.data = data
        self.truths: Mapping[tuple[int, str], CaseTruth] = {
            (item.case, item.finding): item for item in data.truths
        }
        self.answers: Mapping[tuple[int, str], ModelAnswer] = {
            (item.case, item.finding): item for item in data.answers
        }
        marks: dict[tuple[str, str], dict[tuple[str, int], Mark]] = defaultdict(dict)
        for mark in data.marks:
            place = marks[mark.finding, condition_of(mark)]
            if (mark.reader, mark.case) in place:
                raise InsightsError(
                    f"{mark.reader} has two current readings of {mark.finding} in case {mark.case}; "
                    "check the database, of which one reading must supersede the other."
                )
            place[mark.reader, mark.case] = mark
        self._opinions = {key: self._gathered(*key, told) for key, told in marks.items()}
        told_of = {finding for finding, _ in marks}
        asked = [str(label) for label in data.protocol.get("findings", ())]
        self.findings = (
            *(label for label in asked if label in told_of),
            *sorted(told_of - set(asked)),
        )
        """Those with a reading: as the protocol has them, then others by name."""
        self.conditions = tuple(name for name in CONDITIONS if any(key[1] == name for key in marks))
        """Those with a reading."""

    def of(self, finding: str, condition: str) -> Opinions:
        """What was said of a finding in a condition; empty where nothing was."""
        empty = Opinions(finding, condition, (), (), {})
        return self._opinions.get((finding, condition), empty)

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(without the model, with it), of which both were read."""
        return tuple(pair for pair in PAIRS if set(pair) <= set(self.conditions))

    def truth(self, finding: str, cases: Sequence[int]) -> tuple[tuple[int, ...], NDArray[np.bool_]]:
        """The cases whose truth is there, and bool [those cases] whether the finding is."""
        with_truth = tuple(case for case in cases if (case, finding) in self.truths)
        return with_truth, np.array([self.truths[case, finding].present for case in with_truth], bool)

    def _gathered(self, finding: str, condition: str, told: Mapping[tuple[str, int], Mark]) -> Opinions:
        readers = {reader for reader, _ in told}
        known = [reader for reader in self.data.readers if reader in readers]
        cases = tuple(sorted({case for _, case in told}))
        return Opinions(finding, condition, (*known, *sorted(readers - set(known))), cases, dict(told))
