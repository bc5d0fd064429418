"""Making, listing and closing studies: all of a study is stored in one transaction, or nothing of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from app.store.study_models import (
    FREE_READING,
    Assignment,
    Reader,
    Study,
    StudyCase,
    StudyEvent,
    StudyReading,
)
from app.store.writing import SameFile, reading, writing
from app.study.cases import Cases
from app.study.errors import NoStudyError, StudyError
from app.study.plan import numbering, plan
from app.study.protocol import ProtocolFile

LONGEST_NAME = 80
MOST_READERS = 100
NO_STUDY = "There is no study of that number for you; go back to the list of studies."


@dataclass(frozen=True, slots=True)
class NewStudy:
    """A study that is to be made; readers by their names, in the order in which they take turns.

    findings: label -> name, in the protocol's order.
    """

    name: str
    protocol: ProtocolFile
    findings: dict[str, str]
    cases: Cases
    readers: Sequence[str]
    model_name: str
    model_sha256: str


@dataclass(frozen=True, slots=True)
class StudySummary:
    """A study as it is listed; `readings` counts those that are current."""

    id: int
    name: str
    cases: int
    readers: int
    readings: int
    created_at: datetime
    closed_at: datetime | None


class Studies:
    """All reader studies of a database.

    engine: on a migrated database, whose file must stay the same one.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.file = SameFile(engine)

    def create(self, new: NewStudy) -> int:
        """Stores a study with its cases and assignments; readers that are not there yet are made.

        Returns:
            Its number.

        Raises:
            StudyError: its name is taken, or names of readers make no sense.
            StoreError: the database cannot be written now.
        """
        name, readers = study_name(new.name), reader_names(new.readers)
        protocol = new.protocol.protocol
        with writing(self.engine, self.file, "The study", "make it again") as session:
            _check_free(session, name)
            study = Study(
                name=name,
                folder=str(new.cases.folder),
                protocol=new.protocol.text,
                protocol_sha256=new.protocol.sha256,
                findings=new.findings,
                model_name=new.model_name,
                model_sha256=new.model_sha256,
                created_at=datetime.now(UTC),
            )
            numbers = numbering(len(new.cases.cases), protocol)
            study.cases = [
                StudyCase(
                    number=number,
                    image_sha256=case.sha256,
                    image_height=case.size[0],
                    image_width=case.size[1],
                    reference=case.place.to_dict(),
                    truth={label: truth.to_dict() for label, truth in case.truth.items()},
                )
                for number, case in zip(numbers, new.cases.cases, strict=True)
            ]
            session.add(study)
            session.flush()
            ids = {case.number: case.id for case in study.cases}
            reader_ids = {reader: _reader_id(session, reader) for reader in readers}
            session.add_all(
                Assignment(
                    case_id=ids[item.case],
                    reader_id=reader_ids[item.reader],
                    arm=item.arm,
                    period=item.period,
                    position=item.position,
                    maps=dict(item.maps),
                )
                for item in plan(protocol, readers, sorted(ids))
            )
            session.flush()
            return study.id

    def check_free(self, name: str) -> None:
        """Whether a study may have this name, before any of its films is read.

        Raises:
            StudyError: another has it.
            StoreError: the database cannot be read.
        """
        with reading(self.engine, self.file) as session:
            _check_free(session, name)

    def has_folder(self, folder: Path) -> bool:
        """Whether the films of a study lie in a folder.

        Raises:
            StoreError: the database cannot be read.
        """
        with reading(self.engine, self.file) as session:
            return session.scalar(select(Study.id).where(Study.folder == str(folder.resolve()))) is not None

    def summaries(self) -> list[StudySummary]:
        """All but the free reading, in the order they were made in.

        Raises:
            StoreError: the database cannot be read.
        """
        with reading(self.engine, self.file) as session:
            return [
                self._summary(session, study)
                for study in session.scalars(select(Study).where(Study.id != FREE_READING).order_by(Study.id))
            ]

    def number(self, name: str) -> int:
        """The number of the study of that name.

        Raises:
            StudyError: there is none.
        """
        with reading(self.engine, self.file) as session:
            found = session.scalar(select(Study.id).where(Study.name == name, Study.id != FREE_READING))
        if found is None:
            raise StudyError(f'There is no study "{name}"; python -m app study list names all.')
        return found

    def close(self, study: int, person: str) -> None:
        """Ends a study: nothing of it is read or changed any more. One that is closed stays so.

        person: the name of whoever closes it, which is kept with the time.

        Raises:
            NoStudyError: there is none.
        """
        with writing(self.engine, self.file, "The end of the study", "close it again") as session:
            row = study_row(session, study)
            if row.closed_at is None:
                row.closed_at = datetime.now(UTC)
                session.add(_event(study, "closed", person, row.closed_at))

    def open_again(self, study: int, person: str) -> None:
        """Lets a study that was closed be read and changed again; one that is open stays so.

        person: the name of whoever opens it, which is kept with the time.

        Raises:
            NoStudyError: there is none.
        """
        with writing(self.engine, self.file, "That the study is open again", "open it again") as session:
            row = study_row(session, study)
            if row.closed_at is not None:
                row.closed_at = None
                session.add(_event(study, "opened again", person, datetime.now(UTC)))

    def readers(self) -> list[str]:
        """The names of all readers."""
        with reading(self.engine, self.file) as session:
            return list(session.scalars(select(Reader.name).order_by(Reader.name)))

    def _summary(self, session: Session, study: Study) -> StudySummary:
        cases = select(StudyCase.id).where(StudyCase.study_id == study.id)
        assignments = select(Assignment.id).where(Assignment.case_id.in_(cases))
        newer = select(StudyReading.supersedes_id).where(StudyReading.supersedes_id.is_not(None))
        return StudySummary(
            id=study.id,
            name=study.name,
            cases=session.scalar(select(func.count()).select_from(cases.subquery())) or 0,
            readers=session.scalar(
                select(func.count(Assignment.reader_id.distinct())).where(Assignment.case_id.in_(cases))
            )
            or 0,
            readings=session.scalar(
                select(func.count(StudyReading.id)).where(
                    StudyReading.assignment_id.in_(assignments), StudyReading.id.not_in(newer)
                )
            )
            or 0,
            created_at=study.created_at,
            closed_at=study.closed_at,
        )


def study_row(session: Session, study: int) -> Study:
    """A reader study's row.

    Raises:
        NoStudyError: there is none of that number, or it is the free reading.
    """
    row = session.get(Study, study) if study != FREE_READING else None
    if row is None:
        raise NoStudyError(NO_STUDY)
    return row


def _event(study: int, kind: str, person: str, when: datetime) -> StudyEvent:
    return StudyEvent(study_id=study, kind=kind, person=person, happened_at=when)


def _check_free(session: Session, name: str) -> None:
    if session.scalar(select(Study.id).where(Study.name == name)) is not None:
        raise StudyError(f'There is a study "{name}" already; choose another name.')


def study_name(text: str) -> str:
    """A study's name as it is stored.

    Raises:
        StudyError: it is none.
    """
    name = " ".join(text.split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise StudyError(f"A study's name has 1 to {LONGEST_NAME} printable characters; give it another one.")
    return name


def reader_names(names: Sequence[str]) -> list[str]:
    """Readers' names as they are stored.

    Raises:
        StudyError: there are none, too many, or one twice.
    """
    readers = [" ".join(name.split()) for name in names]
    if not readers:
        raise StudyError("A study needs one reader at least; name them.")
    if len(readers) > MOST_READERS:
        raise StudyError(f"A study has {MOST_READERS} readers at most; make several.")
    for name in readers:
        if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
            raise StudyError(f"A reader's name has 1 to {LONGEST_NAME} printable characters; change it.")
        if readers.count(name) > 1:
            raise StudyError(f'The reader "{name}" is named twice; name each once.')
    return readers


def _reader_id(session: Session, name: str) -> int:
    found = session.scalar(select(Reader.id).where(Reader.name == name))
    if found is not None:
        return found
    row = Reader(name=name, role="reader", created_at=datetime.now(UTC))
    session.add(row)
    session.flush()
    return row.id
