"""How sensitivity and specificity change when readers see the model: the same readers on the same cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.insights.opinions import Readings
from app.insights.paired import Discordance, discordance
from app.insights.shares import share
from app.study.data import Mark
from patchclip.evaluate.bootstrap import Figure

ALL = "all readers"


@dataclass(frozen=True, slots=True)
class Shift:
    """Of one finding: sensitivity or specificity without the model, with it, and the difference.

    A reading calls a finding present where it says so; "unsure" does not.

    Attributes:
        measure: "sensitivity" or "specificity".
        before, after: conditions, without the model and with it.
        reader: one, or `ALL` of them together.
        value_before, value_after: in [0, 1], over the cases read in both conditions.
        difference: after less before, paired.
        discordance: readings that are right in both conditions, before alone, after alone, in neither. Its P
            takes readings as independent: for `ALL` several are of the same case, and the interval of the
            difference is to be preferred.
    """

    finding: str
    measure: str
    before: str
    after: str
    reader: str
    value_before: Figure
    value_after: Figure
    difference: Figure
    discordance: Discordance


def shifts(readings: Readings, finding: str, before: str, after: str) -> tuple[Shift, ...]:
    """Of all readers together, then of each; of those measures for which a case has the truth."""
    pairs = paired_marks(readings, finding, before, after)
    readers = list(dict.fromkeys(first.reader for first, _ in pairs))
    result = []
    for measure, present in (("sensitivity", True), ("specificity", False)):
        for reader in (ALL, *readers):
            chosen = [
                (first, second)
                for first, second in pairs
                if reader in (ALL, first.reader)
                and (truth := readings.truths.get((first.case, finding))) is not None
                and truth.present is present
            ]
            if chosen:
                result.append(_shift(finding, measure, (before, after), reader, chosen, present))
    return tuple(result)


def paired_marks(readings: Readings, finding: str, before: str, after: str) -> list[tuple[Mark, Mark]]:
    """Readings of the same reader and case in both conditions, by reader, then by case."""
    first, second = readings.of(finding, before), readings.of(finding, after)
    return [
        (first.marks[reader, case], second.marks[reader, case])
        for reader in first.readers
        for case in first.cases
        if (reader, case) in first.marks and (reader, case) in second.marks
    ]


def is_called(mark: Mark) -> bool:
    """Whether a reading calls its finding present."""
    return mark.presence == "present"


def _shift(
    finding: str,
    measure: str,
    conditions: tuple[str, str],
    reader: str,
    pairs: Sequence[tuple[Mark, Mark]],
    present: bool,
) -> Shift:
    cases = [first.case for first, _ in pairs]
    right_before = [is_called(first) is present for first, _ in pairs]
    right_after = [is_called(second) is present for _, second in pairs]
    changes = [float(b) - float(a) for a, b in zip(right_before, right_after, strict=True)]
    return Shift(
        finding,
        measure,
        *conditions,
        reader,
        share(cases, [float(value) for value in right_before]),
        share(cases, [float(value) for value in right_after]),
        share(cases, changes),
        discordance(right_before, right_after),
    )
