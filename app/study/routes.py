"""The requests of studies: name, body, and who answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from app.people.identity import Person
from app.replies import Reply
from app.requests import EmptyRequest, Message
from app.study.desk import Desk
from app.study.office import Office
from app.study.replies import OpenedCase
from app.study.requests import (
    CreateRequest,
    EventRequest,
    OfAssignmentRequest,
    OfCreationRequest,
    OfStudyRequest,
    SaveReadingRequest,
)


@dataclass(frozen=True, slots=True)
class StudyRequest:
    """What a request's body is, and what answers it for a person."""

    kind: type[Message]
    method: Callable[[Person, Any], Awaitable[Reply | OpenedCase]]


def study_requests(desk: Desk, office: Office) -> dict[str, StudyRequest]:
    """By the request's name."""
    return {
        "study_list": StudyRequest(EmptyRequest, desk.studies),
        "study_worklist": StudyRequest(OfStudyRequest, desk.worklist),
        "study_open": StudyRequest(OfAssignmentRequest, desk.open),
        "study_answers": StudyRequest(OfAssignmentRequest, desk.answers),
        "study_save": StudyRequest(SaveReadingRequest, desk.save),
        "study_event": StudyRequest(EventRequest, desk.event),
        "study_choices": StudyRequest(EmptyRequest, office.choices),
        "study_create": StudyRequest(CreateRequest, office.create),
        "study_creations": StudyRequest(EmptyRequest, office.creations),
        "study_creation_end": StudyRequest(OfCreationRequest, office.end_creation),
        "study_close": StudyRequest(OfStudyRequest, office.close),
        "study_cases": StudyRequest(OfStudyRequest, office.cases),
    }
