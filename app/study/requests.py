"""What the reader's page, and the page of whoever leads a study, may send."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from app.requests import MOST_BOXES, Message, Name, Number, Text
from app.study.said import FindingSaid, NewReading
from patchclip.types import Box

EventKind = Literal[
    "opened",
    "shown",
    "hidden",
    "paused",
    "resumed",
    "zoom",
    "pan",
    "window",
    "map_shown",
    "map_hidden",
    "tool",
    "left",
]
MOST_DETAILS = 20
LONGEST_PROTOCOL = 50_000
Short = Annotated[str, StringConstraints(max_length=100)]
Place = Annotated[str, StringConstraints(max_length=1000)]
Row = Annotated[int, Field(ge=1, lt=2**53)]


class OfStudyRequest(Message):
    """A study by its number."""

    study: Row


class OfAssignmentRequest(Message):
    """One case of the reader's own, by the number of its assignment."""

    assignment: Row


class FindingBody(Message):
    """What is said of one finding."""

    label: Name
    presence: Name
    confidence: Annotated[int, Field(ge=0, le=100)] | None = None
    boxes: Annotated[tuple[tuple[Number, Number, Number, Number], ...], Field(max_length=MOST_BOXES)] = ()
    maps: Annotated[dict[Short, Short], Field(max_length=26)] = Field(default_factory=dict)

    def said(self) -> FindingSaid:
        """As it is checked and stored."""
        return FindingSaid(
            self.label, self.presence, self.confidence, tuple(Box(*box) for box in self.boxes), self.maps
        )


class SaveReadingRequest(OfAssignmentRequest):
    """A first or second opinion."""

    opinion: Literal["first", "second"]
    key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    findings: Annotated[tuple[FindingBody, ...], Field(max_length=50)] = ()
    comment: Text = ""
    unreadable: bool = False
    active_ms: Annotated[int, Field(ge=0, lt=10**10)]
    opened_at: AwareDatetime

    def reading(self) -> NewReading:
        """As it is checked and stored."""
        opened: datetime = self.opened_at
        return NewReading(
            assignment=self.assignment,
            opinion=self.opinion,
            key=self.key,
            findings=[finding.said() for finding in self.findings],
            comment=self.comment,
            unreadable=self.unreadable,
            active_ms=self.active_ms,
            opened_at=opened,
        )


class EventRequest(OfAssignmentRequest):
    """Something that happened while a case was read."""

    kind: EventKind
    detail: Annotated[dict[Short, bool | Number | Short | None], Field(max_length=MOST_DETAILS)] = Field(
        default_factory=dict
    )


class CreateRequest(Message):
    """A new study.

    Folder (or manifest) and tables of truth are named from the root that the server's settings give; films of
    the archive by "DICOMWEB:..." in place of a folder. A table that is not given is "".
    """

    name: Name
    folder: Place
    truth: Place = ""
    boxes: Place = ""
    protocol: Annotated[str, StringConstraints(max_length=LONGEST_PROTOCOL)]
    readers: Annotated[tuple[Name, ...], Field(max_length=200)]


class OfCreationRequest(Message):
    """A study that is being made."""

    creation: Row
