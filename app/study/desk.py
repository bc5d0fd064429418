"""The reading desk: gives a reader their own cases, and withholds the model's answers until they are due.

Every method takes the person who asks; nothing of another reader's is ever read for them, but the order of a
study whose protocol puts disputed cases first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.lanes import Lanes
from app.people.identity import Person, Role
from app.replies import DoneReply
from app.requests import EmptyRequest
from app.store.study_models import FREE_READING, Assignment, Study, StudyCase, StudyEvent
from app.store.writing import reading, writing
from app.study.ahead import Ahead
from app.study.errors import NoStudyError, StudyError, WithheldError
from app.study.packs import Maps, PackedCase, Packs
from app.study.progress import Worklist, worklist
from app.study.protocol import Protocol, stored_protocol
from app.study.readings import Readings, assignment_row, current, log, show_answers
from app.study.replies import (
    AnswersReply,
    FindingReply,
    ItemReply,
    OpenedCase,
    OpenedCaseReply,
    PersonReply,
    ProtocolReply,
    ReadingReply,
    SavedReadingReply,
    StudyListReply,
    WorklistReply,
)
from app.study.requests import EventRequest, OfAssignmentRequest, OfStudyRequest, SaveReadingRequest
from app.study.studies import NO_STUDY, Studies, study_row
from app.study.telling import Said, answered, listed, told, when
from app.study.work import Work, stored_answers

OPENING = ("The opening of the case", "open it again")
SHOWING = ("The showing of the maps", "ask for them again")
NOT_READY = "The film of this case is being made ready and could not be kept; open it again in a moment."


@dataclass(frozen=True, slots=True)
class _Opening:
    """A case that may be opened: all of the reply that the database knows."""

    work: Work
    assignment: int
    arm: str
    opinion: str
    reading: ReadingReply | None
    locked: ReadingReply | None
    maps: Mapping[str, str]
    aided: bool


class Desk:
    """Answers the reader's page.

    Args:
        studies, packs, ahead: of the server.
        lanes: of the service.
    """

    def __init__(self, studies: Studies, packs: Packs, ahead: Ahead, lanes: Lanes) -> None:
        self._studies, self._packs, self._ahead, self._lanes = studies, packs, ahead, lanes
        self._readings = Readings(studies)

    async def studies(self, person: Person, request: EmptyRequest) -> StudyListReply:
        """The studies in which the person reads; for whoever leads studies, all."""
        return await self._lanes.store.run(lambda: self._list(person))

    async def worklist(self, person: Person, request: OfStudyRequest) -> WorklistReply:
        """What the person has to read in a study.

        Raises:
            NoStudyError: it is no study of theirs.
        """
        return await self._lanes.store.run(lambda: self._worklist(person, request.study))

    async def open(self, person: Person, request: OfAssignmentRequest) -> OpenedCase:
        """A case's film; the model's answers only in an aided arm.

        Raises:
            NoStudyError: it is no case of theirs.
            WithheldError: the study is closed, or the case's period has not begun.
        """
        opening = await self._lanes.store.run(lambda: self._opening(person, request.assignment))
        film = await self._film(opening.work)
        answers = None
        if opening.aided:
            answers = (await self._answers(person, request.assignment)).answers
        # What the picture is warned of may rest on what networks see in it: where the heart lies, for one.
        due = opening.aided or opening.opinion == "second"
        reply = OpenedCaseReply(
            assignment=opening.assignment,
            case=opening.work.number,
            arm=opening.arm,
            opinion=opening.opinion,
            film=film.head.film,
            size=film.head.size,
            warnings=film.head.warnings if due else [],
            reading=opening.reading,
            locked=opening.locked,
            maps=sorted(opening.maps) if due else [],
            answers=answers,
        )
        return OpenedCase(reply, film.codes)

    async def answers(self, person: Person, request: OfAssignmentRequest) -> AnswersReply:
        """The model's answers, once they are due; from then on a sequential first opinion is locked.

        Raises:
            NoStudyError: it is no case of theirs.
            WithheldError: they are not due, or never shown in this arm.
        """
        return await self._answers(person, request.assignment)

    async def save(self, person: Person, request: SaveReadingRequest) -> SavedReadingReply:
        """Stores an opinion, once for each key, and says what is next.

        Raises:
            NoStudyError, WithheldError, StudyError: see `Readings.add`.
        """
        return await self._lanes.store.run(lambda: self._save(person, request))

    async def event(self, person: Person, request: EventRequest) -> DoneReply:
        """Keeps that something happened while a case was read."""
        await self._lanes.store.run(
            lambda: self._readings.log(person.id, request.assignment, request.kind, dict(request.detail))
        )
        return DoneReply()

    def _list(self, person: Person) -> StudyListReply:
        with reading(self._studies.engine, self._studies.file) as session:
            wanted = select(Study).where(Study.id != FREE_READING).order_by(Study.id)
            if not person.may(Role.LEAD):
                theirs = (
                    select(StudyCase.study_id)
                    .join(Assignment, Assignment.case_id == StudyCase.id)
                    .where(Assignment.reader_id == person.id)
                )
                wanted = wanted.where(Study.id.in_(theirs))
            rows = session.scalars(wanted).all()
            events = _events(session, [row.id for row in rows]) if person.may(Role.LEAD) else {}
            studies = [
                listed(row, *_protocol_and_work(session, row, person), events.get(row.id, ())) for row in rows
            ]
        return StudyListReply(studies=studies, person=PersonReply(name=person.name, role=person.role))

    def _worklist(self, person: Person, study: int) -> WorklistReply:
        with reading(self._studies.engine, self._studies.file) as session:
            row = study_row(session, study)
            protocol, work = _protocol_and_work(session, row, person)
            findings = dict(row.findings)
        if not work.items:
            raise NoStudyError(NO_STUDY)
        return WorklistReply(
            protocol=ProtocolReply(
                title=protocol.title,
                findings=[FindingReply(label=label, name=name) for label, name in findings.items()],
                confidence=protocol.confidence,
                boxes=protocol.boxes,
            ),
            items=[
                ItemReply(
                    assignment=item.assignment,
                    case=item.case,
                    arm=item.arm,
                    status=item.status,
                    period=item.period,
                )
                for item in work.items
            ],
            done=work.done,
            total=len(work.items),
            next=work.next.assignment if work.next else None,
            waits_until=when(work.waits_until),
        )

    def _opening(self, person: Person, assignment: int) -> _Opening:
        with writing(self._studies.engine, self._studies.file, *OPENING) as session:
            row = assignment_row(session, person.id, assignment)
            study = row.case.study
            if row.period > 1:
                _check_period(session, study, person, row)
            first, second = (current(session, row.id, opinion) for opinion in ("first", "second"))
            follows = row.arm == "sequential" and first is not None and not first.unreadable
            log(session, row.id, "opened", {"opinion": "second" if follows else "first"})
            return _Opening(
                work=Work.of(study, row.case),
                assignment=row.id,
                arm=row.arm,
                opinion="second" if follows else "first",
                reading=told(second if follows else first),
                locked=told(first) if follows else None,
                maps=dict(row.maps),
                aided=row.arm == "aided",
            )

    async def _film(self, work: Work) -> PackedCase:
        film = await self._lanes.store.run(lambda: self._packs.film(work.key))
        if film is None:
            film = await self._lanes.studies.run(lambda: self._made(work))
        return film

    def _made(self, work: Work) -> PackedCase:
        self._ahead.ensure(work)
        film = self._packs.film(work.key)
        if film is None:
            raise StudyError(NOT_READY)
        return film

    async def _answers(self, person: Person, assignment: int) -> AnswersReply:
        work, names, shown = await self._lanes.store.run(lambda: self._due(person, assignment))
        ready = await self._lanes.store.run(lambda: self._asked(work))
        if ready is None:
            ready = await self._lanes.studies.run(lambda: self._asked_now(work))
        maps, said = ready
        return AnswersReply(
            answers=[
                answered(label, name, said[label] if shown else None, names, maps[label])
                for label, name in work.findings.items()
            ]
        )

    def _due(self, person: Person, assignment: int) -> tuple[Work, dict[str, str], bool]:
        """Locks the first opinion, where there is one to lock, before anything is sent."""
        with writing(self._studies.engine, self._studies.file, *SHOWING) as session:
            row = assignment_row(session, person.id, assignment)
            if row.period > 1:
                _check_period(session, row.case.study, person, row)
            show_answers(session, row)
            work = Work.of(row.case.study, row.case)
            return work, dict(sorted(row.maps.items())), work.protocol.probability

    def _asked(self, work: Work) -> tuple[Maps, dict[str, Said]] | None:
        """What the model said of a case, if it was asked."""
        maps = self._packs.maps(work.key)
        with reading(self._studies.engine, self._studies.file) as session:
            rows = stored_answers(session, work.case_id)
        if maps is None or not rows.keys() >= work.findings.keys():
            return None
        return maps, {label: Said(row.probability, row.threshold) for label, row in rows.items()}

    def _asked_now(self, work: Work) -> tuple[Maps, dict[str, Said]]:
        self._ahead.ensure(work)
        asked = self._asked(work)
        if asked is None:
            raise StudyError(NOT_READY)
        return asked

    def _save(self, person: Person, request: SaveReadingRequest) -> SavedReadingReply:
        saved = self._readings.add(person.id, request.reading())
        with reading(self._studies.engine, self._studies.file) as session:
            row = session.get_one(Assignment, request.assignment)
            _, work = _protocol_and_work(session, row.case.study, person)
        return SavedReadingReply(
            reading=saved.id,
            revision=saved.revision,
            next=work.next.assignment if work.next else None,
        )


def _protocol_and_work(session: Session, study: Study, person: Person) -> tuple[Protocol, Worklist]:
    protocol = stored_protocol(study.protocol)
    now = datetime.now(UTC)
    work = worklist(session, study.id, person.id, now, protocol.washout_days, protocol.order)
    return protocol, work


def _events(session: Session, studies: Sequence[int]) -> dict[int, list[StudyEvent]]:
    """By study, in the order in which they happened."""
    events: dict[int, list[StudyEvent]] = {}
    wanted = select(StudyEvent).where(StudyEvent.study_id.in_(studies)).order_by(StudyEvent.id)
    for event in session.scalars(wanted):
        events.setdefault(event.study_id, []).append(event)
    return events


def _check_period(session: Session, study: Study, person: Person, row: Assignment) -> None:
    _, work = _protocol_and_work(session, study, person)
    status = next(item.status for item in work.items if item.assignment == row.id)
    if status == "waiting":
        opens = f" on {work.waits_until:%Y-%m-%d}" if work.waits_until else " once all before is read"
        raise WithheldError(
            f"This case belongs to a later period, which opens{opens}; read the others first."
        )
