"""What the server answers to the reader's page, and to the page of whoever leads a study."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from app.answer_replies import MapReply, RegionReply
from app.replies import FilmReply, Reply


class PersonReply(Reply):
    """Who is signed in."""

    name: str
    role: str


class StudyEventReply(Reply):
    """Who closed a study or opened it again, and when, ISO 8601 in UTC."""

    kind: str
    person: str
    happened_at: str


class ListedStudy(Reply):
    """A study of the reader's: how many of their cases are done, and when the next period opens, ISO 8601 in
    UTC, where they have to wait; to leads alone, who closed it and opened it again."""

    study: int
    title: str
    done: int
    total: int
    waits_until: str | None
    closed: bool
    events: list[StudyEventReply]


class StudyListReply(Reply):
    """All studies in which the person reads; for whoever leads studies, all."""

    studies: list[ListedStudy]
    person: PersonReply


class FindingReply(Reply):
    """A finding that is asked for."""

    label: str
    name: str


class ProtocolReply(Reply):
    """What the form must know of a protocol; nothing of maps and methods."""

    title: str
    findings: list[FindingReply]
    confidence: bool
    boxes: str


class ItemReply(Reply):
    """One case of a worklist."""

    assignment: int
    case: int
    arm: str
    status: str
    period: int


class WorklistReply(Reply):
    """What the reader has to read, in their order."""

    protocol: ProtocolReply
    items: list[ItemReply]
    done: int
    total: int
    next: int | None
    waits_until: str | None


class FindingReadingReply(Reply):
    """What the reader said of one finding."""

    label: str
    presence: str
    confidence: int | None
    boxes: list[list[float]]
    maps: dict[str, str]


class ReadingReply(Reply):
    """An opinion of the reader's own, in its current revision; `saved_at` is ISO 8601 in UTC."""

    opinion: str
    revision: int
    saved_at: str
    active_ms: int
    comment: str
    unreadable: bool
    findings: list[FindingReadingReply]


class AnsweredFinding(Reply):
    """What the model says of a finding, under the maps' blinded names.

    `probability` and its `threshold` are null where the protocol hides them; `cut` is the map value from
    which a map is lit, as its regions are.
    """

    label: str
    name: str
    probability: float | None
    threshold: float | None
    maps: list[str]
    map: dict[str, MapReply]
    cut: dict[str, float]
    regions: dict[str, list[RegionReply]]


class AnswersReply(Reply):
    """The model's answers to all findings of a case."""

    answers: list[AnsweredFinding]


class OpenedCaseReply(Reply):
    """A case that was opened; its film follows (see `app.film`).

    `reading` is the opinion that is being given, where it is saved already; `locked` the first one, where the
    second is being given. `maps` are the blinded names that may be judged now. `answers` is null unless the
    arm shows the model's answers at once.
    """

    assignment: int
    case: int
    arm: str
    opinion: str
    film: FilmReply
    size: tuple[int, int]
    warnings: list[str]
    reading: ReadingReply | None
    locked: ReadingReply | None
    maps: list[str]
    answers: list[AnsweredFinding] | None


@dataclass(frozen=True, slots=True)
class OpenedCase:
    """A case that was opened, and its film, deflated."""

    reply: OpenedCaseReply
    film: bytes

    def body(self) -> bytes:
        """The reply's length (4 bytes, big-endian), the reply as JSON, the film."""
        told = self.reply.model_dump_json().encode()
        return struct.pack(">I", len(told)) + told + self.film


class SavedReadingReply(Reply):
    """The stored reading's row, which revision it is, and what is to be read next."""

    reading: int
    revision: int
    next: int | None


class ChoicesReply(Reply):
    """What a study can be made of: folders and tables (CSV) below the server's root, whether there is an
    archive, and readers."""

    folders: list[str]
    tables: list[str]
    archive: bool
    readers: list[str]


class LeftOutReply(Reply):
    """A file that is no case: its place among the folder's files in the order of their paths, and why."""

    place: int
    reason: str


class BegunReply(Reply):
    """A study whose making has begun."""

    creation: int


class CreationReply(Reply):
    """How far a study is that is being made, or how that ended.

    `state` is waiting, fetching, listing, reading, storing, made, failed or stopped; `total` is null where
    nobody knows; `study` and `cases` are null until it is made.
    """

    creation: int
    name: str
    state: str
    done: int
    total: int | None
    left_out: list[LeftOutReply]
    study: int | None
    cases: int | None
    error: str


class CreationsReply(Reply):
    """All studies that are being made, and how the last ones ended."""

    creations: list[CreationReply]


class CaseReply(Reply):
    """A case of a study as its lead sees it: (H, W), whether it is ready, how many have read it."""

    case: int
    size: tuple[int, int]
    ready: bool
    readings: int


class CasesReply(Reply):
    """All cases of a study, by number."""

    cases: list[CaseReply]
