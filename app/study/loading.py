"""A study's rows as flat records for analysis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session, selectinload

from app.store.study_models import Assignment, Reader, Study, StudyAnswer, StudyCase, StudyReading
from app.store.writing import SameFile, reading
from app.study.data import CaseTruth, Mark, ModelAnswer, StudyData
from app.study.protocol import stored_protocol
from app.study.studies import study_row
from patchclip.types import Box
from patchclip.version import __version__


def study_data(database: Engine, study: int) -> StudyData:
    """All of a study that an analysis needs; of every reading its current revision.

    Raises:
        NoStudyError: there is no study of that number.
        StoreError: the database cannot be read.
    """
    with reading(database, SameFile(database)) as session:
        row = study_row(session, study)
        numbers = {case.id: case.number for case in row.cases}
        readings = _readings(session, study)
        return StudyData(
            name=row.name,
            protocol={
                **stored_protocol(row.protocol).model_dump(),
                "findings": list(row.findings),
            },
            protocol_sha256=row.protocol_sha256,
            model_name=row.model_name or "",
            model_sha256=row.model_sha256 or "",
            version=__version__,
            readers=_readers(session, study),
            cases={case.number: case.image_sha256 for case in row.cases},
            assigned=_assigned(session, study),
            marks=tuple(mark for item in readings for mark in _marks(item, numbers)),
            answers=_answers(session, row),
            truths=_truths(row),
            unreadable=tuple(
                dict.fromkeys(
                    (item.assignment.reader.name, numbers[item.assignment.case_id])
                    for item in readings
                    if item.unreadable
                )
            ),
        )


def _readings(session: Session, study: int) -> Sequence[StudyReading]:
    """The current ones, in the order of reader, case and opinion."""
    newer = select(StudyReading.supersedes_id).where(StudyReading.supersedes_id.is_not(None))
    return session.scalars(
        select(StudyReading)
        .join(Assignment, Assignment.id == StudyReading.assignment_id)
        .join(StudyCase, StudyCase.id == Assignment.case_id)
        .where(StudyCase.study_id == study, StudyReading.id.not_in(newer))
        .order_by(Assignment.reader_id, StudyCase.number, Assignment.period, StudyReading.opinion)
        .options(
            selectinload(StudyReading.findings),
            selectinload(StudyReading.assignment).selectinload(Assignment.reader),
        )
    ).all()


def _marks(item: StudyReading, numbers: dict[int, int]) -> list[Mark]:
    assignment = item.assignment
    if item.unreadable:
        return []
    return [
        Mark(
            reader=assignment.reader.name,
            case=numbers[assignment.case_id],
            arm=assignment.arm,
            opinion=item.opinion,
            finding=said.finding,
            presence=said.presence,
            confidence=said.confidence,
            boxes=_boxes(said.boxes),
            verdicts={assignment.maps[name]: verdict for name, verdict in said.verdicts.items()},
            seconds=item.active_ms / 1000,
            saved_at=item.saved_at,
        )
        for said in item.findings
    ]


def _readers(session: Session, study: int) -> tuple[str, ...]:
    """In the order that they were named in: their assignments were made in it."""
    rows = session.execute(
        select(Reader.name, func.min(Assignment.id).label("first"))
        .join(Assignment, Assignment.reader_id == Reader.id)
        .join(StudyCase, StudyCase.id == Assignment.case_id)
        .where(StudyCase.study_id == study)
        .group_by(Reader.name)
        .order_by("first")
    )
    return tuple(name for name, _ in rows)


def _assigned(session: Session, study: int) -> dict[tuple[str, str], int]:
    rows = session.execute(
        select(Reader.name, Assignment.arm, func.count(Assignment.id))
        .join(Assignment, Assignment.reader_id == Reader.id)
        .join(StudyCase, StudyCase.id == Assignment.case_id)
        .where(StudyCase.study_id == study)
        .group_by(Reader.name, Assignment.arm)
    )
    return {(name, arm): int(count) for name, arm, count in rows}


def _answers(session: Session, study: Study) -> tuple[ModelAnswer, ...]:
    rows = session.execute(
        select(StudyAnswer, StudyCase.number)
        .join(StudyCase, StudyCase.id == StudyAnswer.case_id)
        .where(StudyCase.study_id == study.id)
        .order_by(StudyCase.number, StudyAnswer.id)
    )
    return tuple(
        ModelAnswer(
            case=number,
            finding=row.finding,
            probability=row.probability,
            threshold=row.threshold,
            regions={method: _boxes(boxes) for method, boxes in row.regions.items()},
            execution=row.execution,
        )
        for row, number in rows
    )


def _truths(study: Study) -> tuple[CaseTruth, ...]:
    return tuple(
        CaseTruth(case.number, label, told["present"], _boxes(told["boxes"]))
        for case in study.cases
        for label, told in case.truth.items()
    )


def _boxes(stored: Any) -> tuple[Box, ...]:
    return tuple(Box(*box) for box in stored)
