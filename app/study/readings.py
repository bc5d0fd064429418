"""Storing what readers say: each reading once, each revision upon the one before, first opinions locked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.store.study_models import Assignment, Event, FindingReading, Study, StudyCase, StudyReading
from app.store.writing import writing
from app.study.errors import NoStudyError, StudyError, WithheldError
from app.study.protocol import stored_protocol
from app.study.said import NewReading, check
from app.study.studies import Studies

NO_ASSIGNMENT = "There is no case of that number for you; go back to the worklist."
CLOSED = "This study is closed, so nothing of it can be read or changed any more; ask whoever leads it."
UNAIDED = "In this arm the model's answers are never shown; go on to the next case."
NOT_YET = "The model's answers are shown once your first opinion is saved; save it first."
LOCKED = (
    "Your first opinion was locked when the model's answers were shown, so it cannot be changed; "
    "give your second opinion."
)
NO_FIRST = "A second opinion follows the first one and the model's answers; save the first one, then go on."
ANOTHER = "Another reading was saved under this one's key; reload the page, then save."
NO_MAPS = "No map was shown, so none can be judged; leave the maps open."


@dataclass(frozen=True, slots=True)
class SavedReading:
    """A stored opinion: its row, which revision of it this is (from 1), and when it was stored."""

    id: int
    revision: int
    when: datetime


def assignment_row(session: Session, reader: int, assignment: int) -> Assignment:
    """An assignment of a reader's own.

    Raises:
        NoStudyError: there is none, or it is another's: nobody hears which.
        WithheldError: its study is closed.
    """
    row = session.scalar(
        select(Assignment)
        .where(Assignment.id == assignment, Assignment.reader_id == reader)
        .options(selectinload(Assignment.case).selectinload(StudyCase.study))
    )
    if row is None:
        raise NoStudyError(NO_ASSIGNMENT)
    if row.case.study.closed_at is not None:
        raise WithheldError(CLOSED)
    return row


def current(session: Session, assignment: int, opinion: str) -> StudyReading | None:
    """The newest revision of an opinion, if there is one."""
    return session.scalar(
        select(StudyReading)
        .where(StudyReading.assignment_id == assignment, StudyReading.opinion == opinion)
        .order_by(StudyReading.revision.desc())
        .limit(1)
        .options(selectinload(StudyReading.findings))
    )


def show_answers(session: Session, row: Assignment) -> None:
    """Whether the model's answers may be sent now; from then on a sequential first opinion is locked.

    To be called in a transaction that ends before anything is sent.

    Raises:
        WithheldError: they may not.
    """
    if row.arm == "unaided":
        raise WithheldError(UNAIDED)
    if row.arm == "sequential" and current(session, row.id, "first") is None:
        raise WithheldError(NOT_YET)
    if row.answers_at is None:
        row.answers_at = datetime.now(UTC)


class Readings:
    """All that readers store.

    studies: of the same database.
    """

    def __init__(self, studies: Studies) -> None:
        self._studies = studies

    def add(self, reader: int, new: NewReading) -> SavedReading:
        """Stores an opinion; one whose key is stored already is not stored again.

        Raises:
            NoStudyError: the assignment is not this reader's.
            WithheldError: the study is closed, or the opinion locked or not yet due.
            StudyError: it is incomplete or contradicts itself, or its key is another reading's.
            StoreError: the database cannot be written now.
        """
        with writing(self._studies.engine, self._studies.file) as session:
            row = assignment_row(session, reader, new.assignment)
            stored = session.scalar(select(StudyReading).where(StudyReading.key == new.key))
            if stored is not None:
                if stored.digest != new.digest or stored.assignment_id != row.id:
                    raise StudyError(ANOTHER)
                return SavedReading(stored.id, stored.revision, stored.saved_at)
            case, study = row.case, row.case.study
            protocol = stored_protocol(study.protocol)
            check(new, protocol, list(study.findings), (case.image_height, case.image_width))
            self._check_turn(session, row, new)
            before = current(session, row.id, new.opinion)
            added = _row(new, row, study, before)
            session.add(added)
            session.flush()
            return SavedReading(added.id, added.revision, added.saved_at)

    def log(self, reader: int, assignment: int, kind: str, detail: dict[str, Any]) -> None:
        """Adds an event to a reader's own assignment.

        Raises:
            NoStudyError, WithheldError, StoreError: as of `add`.
        """
        with writing(self._studies.engine, self._studies.file) as session:
            row = assignment_row(session, reader, assignment)
            log(session, row.id, kind, detail)

    @staticmethod
    def _check_turn(session: Session, row: Assignment, new: NewReading) -> None:
        """Whether this opinion is due, and not locked."""
        aided = row.arm == "aided" or new.opinion == "second"
        if not aided and any(finding.maps for finding in new.findings):
            raise StudyError(NO_MAPS)
        if new.opinion == "second":
            first = current(session, row.id, "first")
            if row.arm != "sequential" or row.answers_at is None or first is None:
                raise WithheldError(NO_FIRST)
        elif row.arm == "sequential" and row.answers_at is not None:
            raise WithheldError(LOCKED)


def log(session: Session, assignment: int, kind: str, detail: dict[str, Any]) -> None:
    """Adds an event."""
    session.add(Event(assignment_id=assignment, kind=kind, detail=detail, happened_at=datetime.now(UTC)))


def _row(new: NewReading, row: Assignment, study: Study, before: StudyReading | None) -> StudyReading:
    aided = row.arm == "aided" or new.opinion == "second"
    return StudyReading(
        assignment_id=row.id,
        opinion=new.opinion,
        key=new.key,
        digest=new.digest,
        revision=before.revision + 1 if before else 1,
        supersedes_id=before.id if before else None,
        opened_at=new.opened_at,
        saved_at=datetime.now(UTC),
        active_ms=new.active_ms,
        comment=new.comment.strip(),
        unreadable=new.unreadable,
        model_sha256=study.model_sha256 if aided else None,
        findings=[
            FindingReading(
                finding=finding.label,
                presence=finding.presence,
                confidence=finding.confidence,
                boxes=[[box.x, box.y, box.w, box.h] for box in finding.boxes],
                verdicts=dict(finding.maps),
            )
            for finding in new.findings
        ],
    )
