"""Judgements of reader studies: what readers said of the findings of cases, and what adjudicators decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchclip.data.findings import label_of
from patchclip.data.tables import clipped
from patchclip.errors import DataError
from trainer.data.adapters.feedback_database import (
    Judgement,
    Tables,
    boxes_in,
    by_verdict,
    image_of,
    record_in,
)

TABLES = ("study", "study_case", "assignment", "study_reading", "finding_reading", "reader", "study_answer")
PATCH = "patch"  # the model's own map; a verdict on any other one says nothing of the model's
CASES = """
    SELECT study_case.id, study.name, number, folder, reference, image_sha256
    FROM study_case JOIN study ON study_case.study_id = study.id
"""
READINGS = """
    SELECT finding_reading.id, study_case.id AS case_id, image_sha256, image_height, image_width, finding,
           presence, boxes, verdicts, assignment.maps, saved_at, reader.name AS reader
    FROM finding_reading
    JOIN study_reading ON finding_reading.reading_id = study_reading.id
    JOIN assignment ON study_reading.assignment_id = assignment.id
    JOIN study_case ON assignment.case_id = study_case.id
    JOIN reader ON assignment.reader_id = reader.id
    WHERE NOT unreadable
      AND study_reading.id NOT IN (SELECT supersedes_id FROM study_reading WHERE supersedes_id IS NOT NULL)
    ORDER BY saved_at, finding_reading.id
"""
DECISIONS = """
    SELECT consensus.id, study_case.id AS case_id, image_sha256, image_height, image_width, finding,
           presence, boxes, decided_at
    FROM consensus JOIN study_case ON consensus.case_id = study_case.id
    ORDER BY consensus.revision, consensus.id
"""


@dataclass(frozen=True, slots=True)
class CaseFile:
    """Where a case's film lies, as its study tells: whether it is that film, its pixels tell."""

    folder: Path
    path: str
    frame: object


@dataclass(frozen=True, slots=True)
class StudyContents:
    """Judgements in the order in which they were saved, decisions last; image's hash -> its file."""

    judgements: tuple[Judgement, ...]
    files: Mapping[str, CaseFile]


def study_judgements(
    tables: Tables, database: Path, labels: frozenset[str], study: str | None
) -> StudyContents:
    """All that was said in studies, in its last revision; of a case that a reader calls unreadable nothing.

    study: the name of one, whose readings alone count.

    Raises:
        DataError: there is no such study, or a cell of the database is not what the app writes.
    """
    if not tables.has(*TABLES):
        if study is not None:
            raise _no_study(study, database)
        return StudyContents((), {})
    chosen: set[object] = set()
    files: dict[str, CaseFile] = {}
    for row in tables.rows(CASES):
        if study is not None and row["name"] != study:
            continue
        chosen.add(row["id"])
        where = f"{database}, case {clipped(str(row['number']))} of {clipped(str(row['name']))}"
        reference = record_in(row["reference"], "the places of files", where)
        if isinstance(row["folder"], str) and isinstance(reference.get("path"), str):
            files[str(row["image_sha256"])] = CaseFile(
                Path(row["folder"]), reference["path"], reference.get("frame")
            )
    if study is not None and not chosen:
        raise _no_study(study, database)
    lit = {
        (row["case_id"], row["finding"]): row["regions"]
        for row in tables.rows("SELECT case_id, finding, regions FROM study_answer")
    }
    readings = [
        _reading(row, lit.get((row["case_id"], row["finding"])), labels, database)
        for row in tables.rows(READINGS)
        if row["case_id"] in chosen
    ]
    decisions: dict[tuple[object, object], Judgement] = {}
    for row in tables.rows(DECISIONS) if tables.has("consensus") else ():
        if row["case_id"] in chosen:
            decisions[row["case_id"], row["finding"]] = _decision(row, labels, database)
    return StudyContents((*readings, *decisions.values()), files)


def _reading(row: Mapping[str, Any], lit: object, labels: frozenset[str], database: Path) -> Judgement:
    where = f"{database}, reading {clipped(str(row['id']))} of a study"
    size = image_of(row, ("reader", "finding"), where)
    label = label_of(row["finding"], labels) or ""
    methods = record_in(row["maps"], "the names of maps", where)
    verdicts = record_in(row["verdicts"], "verdicts", where)
    verdict = next((said for name, said in verdicts.items() if methods.get(name) == PATCH), None)
    shapes, denied = by_verdict(
        row["presence"],
        boxes_in(row["boxes"], label, size, where),
        verdict,
        lambda: boxes_in(record_in(lit, "regions", where).get(PATCH, []), label, size, where),
    )
    return Judgement(
        image=row["image_sha256"],
        finding=row["finding"],
        limited=False,
        reader=row["reader"],
        presence=row["presence"],
        when=str(row["saved_at"]),
        shapes=shapes,
        denied=denied,
    )


def _decision(row: Mapping[str, Any], labels: frozenset[str], database: Path) -> Judgement:
    where = f"{database}, decision {clipped(str(row['id']))}"
    size = image_of(row, ("finding",), where)
    label = label_of(row["finding"], labels) or ""
    return Judgement(
        image=row["image_sha256"],
        finding=row["finding"],
        limited=False,
        reader="",
        presence=row["presence"],
        when=str(row["decided_at"]),
        shapes=boxes_in(row["boxes"], label, size, where),
        decided=True,
    )


def _no_study(study: str, database: Path) -> DataError:
    return DataError(
        f'{database} has no study "{clipped(study)}" with cases; python -m app study list names all.'
    )
