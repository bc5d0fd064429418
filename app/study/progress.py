"""How far a reader is with a study: what is done, what is next, and when the next period opens."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.store.study_models import (
    Assignment,
    FindingReading,
    StudyAnswer,
    StudyCase,
    StudyReading,
)

Status = Literal["new", "first", "done", "unreadable", "waiting"]
FINISHED: tuple[Status, ...] = ("done", "unreadable")
UNCERTAIN = 1.0  # a margin as large as any: of a case that the model was not asked about yet


@dataclass(frozen=True, slots=True)
class Item:
    """One assignment of a worklist.

    status: "first" has a first opinion and lacks its second; "waiting" belongs to a period that is not open.
    """

    assignment: int
    case: int
    arm: str
    period: int
    status: Status


@dataclass(frozen=True, slots=True)
class Worklist:
    """What a reader has to read in a study, in their order.

    Attributes:
        items: all of it.
        waits_until: when the next period opens, where all that is open is read; else None.
    """

    items: tuple[Item, ...]
    waits_until: datetime | None = None

    @property
    def done(self) -> int:
        """How many are read, or called unreadable."""
        return sum(item.status in FINISHED for item in self.items)

    @property
    def next(self) -> Item | None:
        """What is to be read next: first of all what was begun."""
        begun = (item for item in self.items if item.status == "first")
        new = (item for item in self.items if item.status == "new")
        return next(begun, None) or next(new, None)


@dataclass(frozen=True, slots=True)
class _Said:
    """The readings of one assignment: which opinions there are, when all was first said, whether the current
    ones call the case unreadable."""

    opinions: frozenset[str]
    finished_at: datetime
    unreadable: bool


def worklist(
    session: Session, study: int, reader: int, now: datetime, washout_days: int, order: str
) -> Worklist:
    """The worklist of a reader, from the database alone: it survives reloads, restarts and other machines."""
    rows = session.execute(
        select(Assignment, StudyCase.number)
        .join(StudyCase)
        .where(StudyCase.study_id == study, Assignment.reader_id == reader)
    ).all()
    assignments = [row[0] for row in rows]
    number = {assignment.id: int(case) for assignment, case in rows}
    first = _priorities(session, study) if order == "uncertain" else {}
    assignments.sort(key=lambda item: (item.period, first.get(item.case_id, (0, 0.0)), item.position))
    said = _said(session, study, reader)
    status = {item.id: _status(item.arm, said.get(item.id)) for item in assignments}
    opens = _openings(assignments, status, said, timedelta(days=washout_days))
    items = tuple(
        Item(
            assignment=item.id,
            case=number[item.id],
            arm=item.arm,
            period=item.period,
            status="waiting"
            if status[item.id] == "new" and item.period > 1 and _is_shut(opens[item.period], now)
            else status[item.id],
        )
        for item in assignments
    )
    open_work = any(item.status in ("new", "first") for item in items)
    later = [opens[item.period] for item in items if item.status == "waiting"]
    waits = min((time for time in later if time is not None), default=None)
    return Worklist(items, None if open_work else waits)


def _said(session: Session, study: int, reader: int) -> Mapping[int, _Said]:
    """By assignment."""
    rows = session.execute(
        select(
            StudyReading.assignment_id,
            StudyReading.opinion,
            StudyReading.revision,
            StudyReading.saved_at,
            StudyReading.unreadable,
        )
        .join(Assignment, Assignment.id == StudyReading.assignment_id)
        .join(StudyCase, StudyCase.id == Assignment.case_id)
        .where(StudyCase.study_id == study, Assignment.reader_id == reader)
        .order_by(StudyReading.assignment_id, StudyReading.opinion, StudyReading.revision)
    ).all()
    begun: dict[int, dict[str, datetime]] = defaultdict(dict)
    unreadable: dict[int, dict[str, bool]] = defaultdict(dict)
    for assignment, opinion, _, saved_at, cannot in rows:
        begun[assignment].setdefault(opinion, saved_at)  # a later revision does not shift the washout
        unreadable[assignment][opinion] = cannot
    return {
        assignment: _Said(frozenset(times), max(times.values()), any(unreadable[assignment].values()))
        for assignment, times in begun.items()
    }


def _status(arm: str, said: _Said | None) -> Status:
    if said is None:
        return "new"
    if said.unreadable:
        return "unreadable"
    return "first" if arm == "sequential" and "second" not in said.opinions else "done"


def _openings(
    assignments: Sequence[Assignment],
    status: Mapping[int, Status],
    said: Mapping[int, _Said],
    washout: timedelta,
) -> dict[int, datetime | None]:
    """Period -> when it opens; None where the one before it is not finished. The first is always open."""
    opens: dict[int, datetime | None] = {}
    for period in sorted({item.period for item in assignments} - {1}):
        before = [item.id for item in assignments if item.period == period - 1]
        finished = all(status[item] in FINISHED for item in before)
        opens[period] = max(said[item].finished_at for item in before) + washout if finished else None
    return opens


def _is_shut(opens: datetime | None, now: datetime) -> bool:
    return opens is None or now < opens


def _priorities(session: Session, study: int) -> dict[int, tuple[int, float]]:
    """Case -> what it is sorted by: disputed cases first, then those nearest to the model's threshold."""
    margins: dict[int, float] = defaultdict(lambda: UNCERTAIN)
    answers = session.execute(
        select(StudyAnswer.case_id, StudyAnswer.probability, StudyAnswer.threshold)
        .join(StudyCase, StudyCase.id == StudyAnswer.case_id)
        .where(StudyCase.study_id == study)
    )
    for case, probability, threshold in answers:
        margins[case] = min(margins[case], abs(probability - threshold))
    disputes = _disputes(session, study)
    cases = session.scalars(select(StudyCase.id).where(StudyCase.study_id == study))
    return {case: (-disputes.get(case, 0), margins[case]) for case in cases}


def _disputes(session: Session, study: int) -> dict[int, int]:
    """Case -> of how many findings one reader says present and another absent."""
    newer = select(StudyReading.supersedes_id).where(StudyReading.supersedes_id.is_not(None))
    rows = session.execute(
        select(Assignment.case_id, FindingReading.finding, FindingReading.presence)
        .join(StudyReading, StudyReading.id == FindingReading.reading_id)
        .join(Assignment, Assignment.id == StudyReading.assignment_id)
        .join(StudyCase, StudyCase.id == Assignment.case_id)
        .where(StudyCase.study_id == study, StudyReading.id.not_in(newer))
    )
    return _contradicted((case, finding, presence) for case, finding, presence in rows)


def _contradicted(rows: Iterable[tuple[int, str, str]]) -> dict[int, int]:
    told: dict[tuple[int, str], set[str]] = defaultdict(set)
    for case, finding, presence in rows:
        told[case, finding].add(presence)
    disputed: dict[int, int] = defaultdict(int)
    for (case, _), presences in told.items():
        disputed[case] += {"present", "absent"} <= presences
    return disputed
