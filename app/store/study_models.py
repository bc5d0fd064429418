"""Tables of reader studies; none has a column for a patient's name, number, date or header.

The only words that come from a case are the path of its file below the study's folder, which never leaves the
server, and its truth, which no reader is told.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Float,
    ForeignKey,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.store.models import Base, UtcDateTime, words

FREE_READING = 1
"""The study that all feedback belongs to which was given outside of a reader study."""


class Study(Base):
    """A reader study, or the free reading, which has neither protocol nor cases."""

    __tablename__ = "study"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    folder: Mapped[str | None] = mapped_column(Text)
    """Below which the cases' files lie; None of the free reading."""
    protocol: Mapped[str] = mapped_column(Text)
    """As it was written, in TOML; "" of the free reading."""
    protocol_sha256: Mapped[str] = mapped_column(String(64))
    findings: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Label -> name of what is asked of every case, in the protocol's order."""
    model_name: Mapped[str | None] = mapped_column(words(100))
    model_sha256: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    cases: Mapped[list[StudyCase]] = relationship(back_populates="study", order_by="StudyCase.number")


class StudyCase(Base):
    """One film of a study; its number is the study's own."""

    __tablename__ = "study_case"

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"), index=True)
    number: Mapped[int] = mapped_column(Integer)
    """Counts from 1."""
    image_sha256: Mapped[str] = mapped_column(String(64))
    image_height: Mapped[int] = mapped_column(Integer)
    image_width: Mapped[int] = mapped_column(Integer)
    reference: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Where it lies below the study's folder: path, and frame where the file holds several."""
    truth: Mapped[dict[str, Any]] = mapped_column(JSON)
    """label -> {"present": bool, "boxes": [[x, y, w, h], ...]}; a finding that is not told is missing."""

    study: Mapped[Study] = relationship(back_populates="cases")

    __table_args__ = (
        UniqueConstraint("study_id", "number", name="case_number"),
        UniqueConstraint("study_id", "image_sha256", name="case_image"),
        CheckConstraint("number >= 1", name="case_count"),
    )


class StudyAnswer(Base):
    """What the study's model says of one finding in one case, asked once."""

    __tablename__ = "study_answer"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("study_case.id", ondelete="CASCADE"), index=True)
    finding: Mapped[str] = mapped_column(words(500))
    probability: Mapped[float] = mapped_column(Float)
    threshold: Mapped[float] = mapped_column(Float)
    """The probability from which the model calls the finding present."""
    regions: Mapped[dict[str, Any]] = mapped_column(JSON)
    """method -> [[x, y, w, h], ...], in original image pixels."""
    execution: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """How it was computed, as of `Prediction`."""

    __table_args__ = (
        UniqueConstraint("case_id", "finding", name="answer_finding"),
        CheckConstraint("probability >= 0 AND probability <= 1", name="answer_range"),
    )


class Reader(Base):
    """Somebody who reads; how they sign in is kept elsewhere."""

    __tablename__ = "reader"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    role: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (CheckConstraint("role IN ('reader', 'lead', 'admin')", name="reader_roles"),)


class Assignment(Base):
    """One case that one reader is to read in one arm."""

    __tablename__ = "assignment"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("study_case.id", ondelete="CASCADE"), index=True)
    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id"), index=True)
    arm: Mapped[str] = mapped_column(String(10))
    period: Mapped[int] = mapped_column(Integer)
    """Counts from 1; a later one opens after the washout."""
    position: Mapped[int] = mapped_column(Integer)
    """The reader's order within the period, from 1."""
    maps: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Blinded name -> method, as this reader sees them in this case."""
    answers_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the model's answers were first sent; from then on a sequential first opinion stays as it is."""

    case: Mapped[StudyCase] = relationship()
    reader: Mapped[Reader] = relationship()

    __table_args__ = (
        UniqueConstraint("case_id", "reader_id", "arm", name="assignment_once"),
        CheckConstraint("arm IN ('unaided', 'aided', 'sequential')", name="assignment_arms"),
        CheckConstraint("period >= 1 AND position >= 1", name="assignment_order"),
    )


class StudyReading(Base):
    """One opinion on one assignment; a later revision of it is a row that supersedes this one."""

    __tablename__ = "study_reading"

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id", ondelete="CASCADE"), index=True)
    opinion: Mapped[str] = mapped_column(String(10))
    key: Mapped[str] = mapped_column(String(32), unique=True)
    """Made by the page, the same for every try to store this reading."""
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of all that was said, by which another reading under the same key is told."""
    revision: Mapped[int] = mapped_column(Integer)
    """Counts from 1."""
    supersedes_id: Mapped[int | None] = mapped_column(
        ForeignKey("study_reading.id", ondelete="CASCADE"), unique=True
    )
    """The revision before; a row that no other supersedes is current."""
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When the film was opened, by the browser's clock."""
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """By the server's clock."""
    active_ms: Mapped[int] = mapped_column(Integer)
    """How long the film was read, without pauses, by the browser's clock."""
    comment: Mapped[str] = mapped_column(Text)
    unreadable: Mapped[bool] = mapped_column(Boolean)
    model_sha256: Mapped[str | None] = mapped_column(String(64))
    """Of the model whose answers the reader was shown; None where none were."""

    assignment: Mapped[Assignment] = relationship()
    findings: Mapped[list[FindingReading]] = relationship(
        back_populates="reading", cascade="all, delete-orphan", order_by="FindingReading.id"
    )

    __table_args__ = (
        UniqueConstraint("assignment_id", "opinion", "revision", name="reading_revision"),
        CheckConstraint("opinion IN ('first', 'second')", name="reading_opinions"),
        CheckConstraint("revision >= 1", name="reading_count"),
        CheckConstraint("active_ms >= 0", name="reading_time"),
    )


class FindingReading(Base):
    """What one reading says of one finding."""

    __tablename__ = "finding_reading"

    id: Mapped[int] = mapped_column(primary_key=True)
    reading_id: Mapped[int] = mapped_column(ForeignKey("study_reading.id", ondelete="CASCADE"), index=True)
    finding: Mapped[str] = mapped_column(words(500))
    presence: Mapped[str] = mapped_column(String(10))
    confidence: Mapped[int | None] = mapped_column(Integer)
    boxes: Mapped[list[list[float]]] = mapped_column(JSON)
    """[[x, y, w, h], ...] in original image pixels."""
    verdicts: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Blinded name -> "correct", "partly" or "wrong"; which method it is, the assignment tells."""

    reading: Mapped[StudyReading] = relationship(back_populates="findings")

    __table_args__ = (
        UniqueConstraint("reading_id", "finding", name="finding_once"),
        CheckConstraint("presence IN ('present', 'absent', 'unsure')", name="finding_presence"),
        CheckConstraint("confidence IS NULL OR confidence BETWEEN 0 AND 100", name="finding_confidence"),
    )


class StudyEvent(Base):
    """A study was closed, or opened again; rows are added and never changed, which the database itself sees
    to."""

    __tablename__ = "study_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    person: Mapped[str] = mapped_column(words(80))
    """The name of whoever did it, as it was then."""
    happened_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (CheckConstraint("kind IN ('closed', 'opened again')", name="study_event_kinds"),)


class Event(Base):
    """Something that happened while a case was read; rows are added and never changed, which the database
    itself sees to."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    happened_at: Mapped[datetime] = mapped_column(UtcDateTime)
