"""A real store with a reader study whose readings a test writes itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from app.store.consensus_model import Consensus
from app.store.models import Base
from app.store.study_models import (
    Assignment,
    FindingReading,
    Reader,
    Study,
    StudyAnswer,
    StudyCase,
    StudyReading,
)
from patchclip import load_radiograph

WHEN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
Box = list[float]


@dataclass(frozen=True)
class Said:
    """What a reader says of a finding; boxes in pixels, verdict on the map called A."""

    presence: str
    boxes: Sequence[Box] = ()
    verdict: str | None = None


@dataclass
class ReadingRoom:
    """A database with one study of the films of a folder; one arm, "sequential", the patch map being A.

    Args:
        path: folder of the database.
        films: files, which become cases 1, 2, ...
        name: of the study.
    """

    path: Path
    films: Sequence[Path]
    name: str = "small"
    _saved: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.database = self.path / "feedback.sqlite3"
        self._engine = create_engine(f"sqlite:///{self.database}")
        Base.metadata.create_all(self._engine)
        folder = self.films[0].parent
        with Session(self._engine) as session, session.begin():
            for number, name in ((1, "free reading"), (2, self.name)):
                session.add(
                    Study(
                        id=number,
                        name=name,
                        folder=str(folder) if number == 2 else None,
                        protocol="",
                        protocol_sha256="",
                        findings={},
                        created_at=WHEN,
                    )
                )
            for number, film in enumerate(self.films, start=1):
                radiograph = load_radiograph(film)
                session.add(
                    StudyCase(
                        id=number,
                        study_id=2,
                        number=number,
                        image_sha256=radiograph.sha256,
                        image_height=radiograph.size[0],
                        image_width=radiograph.size[1],
                        reference={"path": film.relative_to(folder).as_posix()},
                        truth={},
                    )
                )

    def lit(self, case: int, finding: str, regions: Sequence[Box]) -> None:
        """What the study's model lit in its patch map."""
        with Session(self._engine) as session, session.begin():
            answer = {"patch": list(regions), "grad_cam": [[0, 0, 1, 1]]}
            session.add(
                StudyAnswer(case_id=case, finding=finding, probability=0.9, threshold=0.5, regions=answer)
            )

    def read(
        self,
        case: int,
        reader: str,
        said: Mapping[str, Said],
        *,
        opinion: str = "first",
        unreadable: bool = False,
        supersedes: int | None = None,
    ) -> int:
        """Saves a reading, later than all before; returns its row."""
        self._saved += 1
        with Session(self._engine) as session, session.begin():
            person = session.scalar(select(Reader).where(Reader.name == reader))
            if person is None:
                person = Reader(name=reader, role="reader", created_at=WHEN)
                session.add(person)
                session.flush()
            assignment = session.scalar(
                select(Assignment).where(Assignment.case_id == case, Assignment.reader_id == person.id)
            )
            if assignment is None:
                assignment = Assignment(
                    case_id=case,
                    reader_id=person.id,
                    arm="sequential",
                    period=1,
                    position=case,
                    maps={"A": "patch", "B": "grad_cam"},
                )
                session.add(assignment)
                session.flush()
            row = StudyReading(
                assignment_id=assignment.id,
                opinion=opinion,
                key=f"{self._saved:032x}",
                digest="0" * 64,
                revision=self._saved,
                supersedes_id=supersedes,
                opened_at=WHEN,
                saved_at=WHEN + timedelta(minutes=self._saved),
                active_ms=1000,
                comment="",
                unreadable=unreadable,
                findings=[
                    FindingReading(
                        finding=finding,
                        presence=item.presence,
                        confidence=None,
                        boxes=list(item.boxes),
                        verdicts={"A": item.verdict, "B": "correct"} if item.verdict else {},
                    )
                    for finding, item in said.items()
                ],
            )
            session.add(row)
            session.flush()
            return row.id

    def decide(self, case: int, finding: str, presence: str, boxes: Sequence[Box] = ()) -> None:
        """Saves a decision of adjudicators."""
        self._saved += 1
        with Session(self._engine) as session, session.begin():
            session.add(
                Consensus(
                    case_id=case,
                    finding=finding,
                    presence=presence,
                    boxes=list(boxes),
                    comment="",
                    condition="first",
                    adjudicator_id=1,
                    revision=self._saved,
                    decided_at=WHEN,
                )
            )
