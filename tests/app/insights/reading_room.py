"""A study that was read: every assignment gets its opinions, drawn from a seed, in the database."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import sqlalchemy
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.store.study_models import Assignment, FindingReading, Study, StudyAnswer, StudyCase, StudyReading

WHEN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def read_all(database: sqlalchemy.Engine, study: int, seed: int = 5) -> None:
    """Both opinions on every assignment; the truth of every second case, and answers of a model."""
    rng = np.random.default_rng(seed)
    with Session(database) as session, session.begin():
        findings = list(session.get_one(Study, study).findings)
        cases = session.scalars(select(StudyCase).where(StudyCase.study_id == study)).all()
        for case in cases:
            case.truth = {
                label: {"present": case.number % 2 == 0, "boxes": [[10, 10, 30, 30]] * (case.number % 2 == 0)}
                for label in findings
            }
            session.add_all(
                StudyAnswer(
                    case_id=case.id,
                    finding=label,
                    probability=float(rng.random()),
                    threshold=0.5,
                    regions={"patch": [[12, 12, 20, 20]], "grad_cam": [[60, 60, 20, 20]]},
                )
                for label in findings
            )
        assignments = session.scalars(
            select(Assignment).join(StudyCase).where(StudyCase.study_id == study).order_by(Assignment.id)
        ).all()
        for assignment in assignments:
            for opinion in ("first", "second") if assignment.arm == "sequential" else ("first",):
                session.add(_reading(rng, assignment, opinion, findings))


def _reading(
    rng: np.random.Generator, assignment: Assignment, opinion: str, findings: list[str]
) -> StudyReading:
    likely = 0.8 if assignment.case.number % 2 == 0 else 0.25
    told = [
        (label, "present" if rng.random() < likely else "absent", int(rng.integers(0, 101)))
        for label in findings
    ]
    return StudyReading(
        assignment_id=assignment.id,
        opinion=opinion,
        key=rng.bytes(16).hex(),
        digest="0" * 64,
        revision=1,
        opened_at=WHEN,
        saved_at=WHEN,
        active_ms=int(rng.integers(8000, 40000)),
        comment="",
        unreadable=False,
        findings=[
            FindingReading(
                finding=label,
                presence=presence,
                confidence=confidence,
                boxes=[[10.0, 10.0, 25.0, 30.0]] if presence == "present" else [],
                verdicts={name: str(rng.choice(["correct", "partly", "wrong"])) for name in assignment.maps}
                if opinion == "second"
                else {},
            )
            for label, presence, confidence in told
        ],
    )
