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
from app.study.cases import read_cases
from app.study.making import Model, choices_below, folder_below, make_study, protocol_for
from app.study.packs import Packs
from app.study.replies import CaseReply, CasesReply, ChoicesReply, CreatedReply, LeftOutCase
from app.study.requests import CreateRequest, OfStudyRequest
from app.study.studies import Studies, study_row
from app.study.work import Work


class Office:
    """Answers the page of whoever leads studies; each method takes the person who asks.

    Args:
        studies, packs, ahead: of the server.
        model: that new studies are made with.
        root: below which the cases of new studies may lie; None where none may be made from the page.
        lanes: of the service.
    """

    def __init__(
        self, studies: Studies, packs: Packs, ahead: Ahead, model: Model, root: Path | None, lanes: Lanes
    ) -> None:
        self._studies, self._packs, self._ahead = studies, packs, ahead
        self._model, self._root, self._lanes = model, root, lanes

    async def choices(self, person: Person, request: EmptyRequest) -> ChoicesReply:
        """What a study can be made of.

        Raises:
            NotAllowedError: the person leads none.
        """
        person.require(Role.LEAD)
        return await self._lanes.store.run(
            lambda: ChoicesReply(folders=choices_below(self._root), readers=self._studies.readers())
        )

    async def create(self, person: Person, request: CreateRequest) -> CreatedReply:
        """Makes a study; all its films are decoded once meanwhile.

        Raises:
            NotAllowedError: the person leads none.
            PatchClipError: it cannot be made, and why.
        """
        person.require(Role.LEAD)
        return await self._lanes.studies.run(lambda: self._create(request))

    async def close(self, person: Person, request: OfStudyRequest) -> DoneReply:
        """Ends a study.

        Raises:
            NotAllowedError: the person leads none.
            NoStudyError: there is none of that number.
        """
        person.require(Role.LEAD)
        await self._lanes.store.run(lambda: self._studies.close(request.study))
        return DoneReply()

    async def cases(self, person: Person, request: OfStudyRequest) -> CasesReply:
        """The cases of a study, and whether they are ready.

        Raises:
            NotAllowedError, NoStudyError: see `close`.
        """
        person.require(Role.LEAD)
        return await self._lanes.store.run(lambda: self._cases(request.study))

    def _create(self, request: CreateRequest) -> CreatedReply:
        protocol_for(request.protocol, self._model)  # before any film is decoded
        cases = read_cases(folder_below(self._root, request.folder), self._model.vocabulary)
        study = make_study(self._studies, self._model, request.name, request.protocol, cases, request.readers)
        self._ahead.wake()
        return CreatedReply(
            study=study,
            cases=len(cases.cases),
            left_out=[LeftOutCase(name=item.name, reason=item.reason) for item in cases.left_out],
        )

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
