"""The requests of studies: name, body, and who answers."""

from __future__ import annotations

from app.personal import PersonalRequest
from app.requests import EmptyRequest
from app.study.desk import Desk
from app.study.office import Office
from app.study.requests import (
    CreateRequest,
    EventRequest,
    OfAssignmentRequest,
    OfCreationRequest,
    OfStudyRequest,
    SaveReadingRequest,
)


def study_requests(desk: Desk, office: Office) -> dict[str, PersonalRequest]:
    """By the request's name."""
    return {
        "study_list": PersonalRequest(EmptyRequest, desk.studies),
        "study_worklist": PersonalRequest(OfStudyRequest, desk.worklist),
        "study_open": PersonalRequest(OfAssignmentRequest, desk.open),
        "study_answers": PersonalRequest(OfAssignmentRequest, desk.answers),
        "study_save": PersonalRequest(SaveReadingRequest, desk.save),
        "study_event": PersonalRequest(EventRequest, desk.event),
        "study_choices": PersonalRequest(EmptyRequest, office.choices),
        "study_create": PersonalRequest(CreateRequest, office.create),
        "study_creations": PersonalRequest(EmptyRequest, office.creations),
        "study_creation_end": PersonalRequest(OfCreationRequest, office.end_creation),
        "study_close": PersonalRequest(OfStudyRequest, office.close),
        "study_open_again": PersonalRequest(OfStudyRequest, office.open_again),
        "study_cases": PersonalRequest(OfStudyRequest, office.cases),
    }
