"""The office of whoever leads studies: making them, closing them, seeing whether their cases are ready."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import func, select

from app.lanes import Lanes
from app.people.identity import Person, Role
from app.replies import DoneReply
from app.requests import EmptyRequest
from app.store.study_models import Assignment, StudyCase, StudyReading
from app.store.writing import reading
from app.study.ahead import Ahead
from app.study.archive_cases import PREFIX
from app.study.cases import Told
from app.study.creations import Creations, Made, Progress
from app.study.errors import StudyError
from app.study.making import choices_below, folder_below
from app.study.packs import Packs
from app.study.replies import (
    BegunReply,
    CaseReply,
    CasesReply,
    ChoicesReply,
    CreationReply,
    CreationsReply,
    LeftOutReply,
)
from app.study.requests import CreateRequest, OfCreationRequest, OfStudyRequest
from app.study.sources import Wish, Workshop
from app.study.studies import study_row
from app.study.watch import StoppedError, Watch
from app.study.work import Work
from patchclip import PatchClipError


class Office:
    """Answers the page of whoever leads studies; each method takes the person who asks.

    Args:
        workshop: that new studies are made in.
        creations, packs, ahead: of the server.
        root: below which the cases of new studies may lie; None where none may be made from the page.
        lanes: of the service.
    """

    def __init__(
        self,
        workshop: Workshop,
        creations: Creations,
        packs: Packs,
        ahead: Ahead,
        root: Path | None,
        lanes: Lanes,
    ) -> None:
        self._workshop, self._studies, self._creations = workshop, workshop.studies, creations
        self._packs, self._ahead, self._root, self._lanes = packs, ahead, root, lanes

    async def choices(self, person: Person, request: EmptyRequest) -> ChoicesReply:
        """What a study can be made of.

        Raises:
            NotAllowedError: the person leads none.
        """
        person.require(Role.LEAD)
        return await self._lanes.store.run(self._choices)

    async def create(self, person: Person, request: CreateRequest) -> BegunReply:
        """Begins to make a study, of which all films are decoded once; `creations` tells how far it is.

        Raises:
            NotAllowedError: the person leads none.
            PatchClipError: it cannot be made, and why, as far as that can be told before a film is read.
        """
        person.require(Role.LEAD)
        return await self._lanes.store.run(lambda: self._begin(request))

    async def creations(self, person: Person, request: EmptyRequest) -> CreationsReply:
        """The studies that are being made, and how the last ones ended.

        Raises:
            NotAllowedError: the person leads none.
        """
        person.require(Role.LEAD)
        return CreationsReply(creations=[_told(progress) for progress in self._creations.all()])

    async def end_creation(self, person: Person, request: OfCreationRequest) -> DoneReply:
        """Stops the making of a study, of which nothing stays; of one that has ended, nothing more is told.

        Raises:
            NotAllowedError: the person leads none.
            StudyError: no such study is being made.
        """
        person.require(Role.LEAD)
        self._creations.end(request.creation)
        return DoneReply()

    async def close(self, person: Person, request: OfStudyRequest) -> DoneReply:
        """Ends a study.

        Raises:
            NotAllowedError: the person leads none.
            NoStudyError: there is none of that number.
        """
        person.require(Role.LEAD)
        await self._lanes.store.run(lambda: self._studies.close(request.study, person.name))
        return DoneReply()

    async def open_again(self, person: Person, request: OfStudyRequest) -> DoneReply:
        """Lets a study be read again that was closed.

        Raises:
            NotAllowedError, NoStudyError: see `close`.
        """
        person.require(Role.LEAD)
        await self._lanes.store.run(lambda: self._studies.open_again(request.study, person.name))
        return DoneReply()

    async def cases(self, person: Person, request: OfStudyRequest) -> CasesReply:
        """The cases of a study, and whether they are ready.

        Raises:
            NotAllowedError, NoStudyError: see `close`.
        """
        person.require(Role.LEAD)
        return await self._lanes.store.run(lambda: self._cases(request.study))

    def _choices(self) -> ChoicesReply:
        choices = choices_below(self._root)
        return ChoicesReply(
            folders=list(choices.folders),
            tables=list(choices.tables),
            archive=self._workshop.archive is not None,
            readers=self._studies.readers(),
        )

    def _begin(self, request: CreateRequest) -> BegunReply:
        films = request.folder if request.folder.startswith(PREFIX) else self._below(request.folder)
        told = Told(
            self._below(request.truth) if request.truth else None,
            self._below(request.boxes) if request.boxes else None,
        )
        workshop = self._workshop
        wish = workshop.check(Wish(request.name, request.protocol, request.readers, films, told))
        return BegunReply(creation=self._creations.begin(wish.name, lambda watch: self._make(wish, watch)))

    def _make(self, wish: Wish, watch: Watch) -> Made:
        """In a thread of its own; no path of the server is told."""
        try:
            study, cases = self._workshop.make(wish, watch)
        except StoppedError:
            raise
        except PatchClipError as error:
            raise StudyError(self._without_root(str(error))) from error
        self._ahead.wake()
        return Made(study, len(cases.cases))

    def _without_root(self, sentence: str) -> str:
        return sentence if self._root is None else sentence.replace(f"{self._root.resolve()}/", "")

    def _below(self, name: str) -> Path:
        return folder_below(self._root, name)

    def _cases(self, study: int) -> CasesReply:
        with reading(self._studies.engine, self._studies.file) as session:
            row = study_row(session, study)
            newer = select(StudyReading.supersedes_id).where(StudyReading.supersedes_id.is_not(None))
            counted = session.execute(
                select(Assignment.case_id, func.count(Assignment.id.distinct()))
                .join(StudyReading, StudyReading.assignment_id == Assignment.id)
                .join(StudyCase, StudyCase.id == Assignment.case_id)
                .where(StudyCase.study_id == study, StudyReading.id.not_in(newer))
                .group_by(Assignment.case_id)
            )
            readings = {case: int(count) for case, count in counted}
            return CasesReply(
                cases=[
                    CaseReply(
                        case=case.number,
                        size=(case.image_height, case.image_width),
                        ready=self._packs.has(Work.of(row, case).key),
                        readings=readings.get(case.id, 0),
                    )
                    for case in row.cases
                ]
            )


def _told(progress: Progress) -> CreationReply:
    return CreationReply(
        creation=progress.number,
        name=progress.name,
        state=progress.state,
        done=progress.done,
        total=progress.total,
        left_out=[LeftOutReply(place=item.place, reason=item.reason) for item in progress.left_out],
        study=progress.study,
        cases=progress.cases,
        error=progress.error,
    )
