"""What an adjudicator decided of a disagreement: rows are added, never changed; the newest counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from app.insights.opinions import InsightsError
from app.store.consensus_model import Consensus
from app.store.study_models import StudyCase
from app.store.writing import SameFile, reading, writing
from app.study.studies import study_row
from patchclip.types import Box

LONGEST_COMMENT = 2000
PRESENCES = ("present", "absent", "unsure")


@dataclass(frozen=True, slots=True)
class Decision:
    """The consensus on one finding in one case.

    Attributes:
        presence: "present", "absent" or "unsure".
        boxes: in original image pixels; those of a present finding alone.
        condition: whose opinions were weighed.
        adjudicator: row of the person who decided.
        revision: counts from 1.
        decided_at: in UTC, by the server's clock; None of one that is yet to be stored.
    """

    case: int
    finding: str
    presence: str
    boxes: tuple[Box, ...]
    comment: str
    condition: str
    adjudicator: int
    revision: int = 1
    decided_at: datetime | None = None

    def record(self) -> dict[str, Any]:
        """As it is exported: without who decided."""
        return {
            "case": self.case,
            "finding": self.finding,
            "presence": self.presence,
            "boxes": [[box.x, box.y, box.w, box.h] for box in self.boxes],
            "condition": self.condition,
            "revision": self.revision,
            "decided_at": None if self.decided_at is None else self.decided_at.isoformat(timespec="seconds"),
        }


def decide(engine: Engine, study: int, decision: Decision) -> Decision:
    """Stores a decision; one on the same finding and case becomes its next revision.

    Returns:
        It, with its revision and time.

    Raises:
        InsightsError: it contradicts itself, or there is no such case.
        NoStudyError: there is no such study.
        StoreError: the database cannot be written now.
    """
    if decision.presence not in PRESENCES:
        raise InsightsError("Say whether the finding is present, absent or unsure before saving.")
    if decision.boxes and decision.presence != "present":
        raise InsightsError(
            "A finding that is not present has no place; take the boxes away, or say present."
        )
    if len(decision.comment) > LONGEST_COMMENT:
        raise InsightsError(f"The comment is longer than {LONGEST_COMMENT} characters; shorten it.")
    with writing(engine, SameFile(engine)) as session:
        case = _case(session, study, decision.case)
        if decision.finding not in study_row(session, study).findings:
            raise InsightsError("The study does not ask for this finding; choose one that it asks for.")
        before = _newest(session, case.id, decision.finding)
        row = Consensus(
            case_id=case.id,
            finding=decision.finding,
            presence=decision.presence,
            boxes=[[box.x, box.y, box.w, box.h] for box in decision.boxes],
            comment=decision.comment.strip(),
            condition=decision.condition,
            adjudicator_id=decision.adjudicator,
            revision=1 if before is None else before.revision + 1,
            decided_at=datetime.now(UTC),
        )
        session.add(row)
        session.flush()
        return _decision(row, case.number)


def decisions(engine: Engine, study: int) -> list[Decision]:
    """The newest revision of each, by case, then finding.

    Raises:
        StoreError: the database cannot be read.
    """
    with reading(engine, SameFile(engine)) as session:
        rows: Sequence[Any] = session.execute(
            select(Consensus, StudyCase.number)
            .join(StudyCase, StudyCase.id == Consensus.case_id)
            .where(StudyCase.study_id == study)
            .order_by(StudyCase.number, Consensus.finding, Consensus.revision)
        ).all()
        newest = {(number, row.finding): _decision(row, number) for row, number in rows}
    return list(newest.values())


def _case(session: Session, study: int, number: int) -> StudyCase:
    study_row(session, study)
    case = session.scalar(select(StudyCase).where(StudyCase.study_id == study, StudyCase.number == number))
    if case is None:
        raise InsightsError(f"The study has no case {number}; choose another number.")
    return case


def _newest(session: Session, case_id: int, finding: str) -> Consensus | None:
    return session.scalar(
        select(Consensus)
        .where(Consensus.case_id == case_id, Consensus.finding == finding)
        .order_by(Consensus.revision.desc())
        .limit(1)
    )


def _decision(row: Consensus, case: int) -> Decision:
    return Decision(
        case=case,
        finding=row.finding,
        presence=row.presence,
        boxes=tuple(Box(*box) for box in row.boxes),
        comment=row.comment,
        condition=row.condition,
        adjudicator=row.adjudicator_id,
        revision=row.revision,
        decided_at=row.decided_at,
    )
