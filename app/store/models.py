"""Tables of the feedback store; none has a column for a patient's name, number, date, file or header."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class UtcDateTime(TypeDecorator[datetime]):
    """SQLite forgets time zones: stored as naive UTC, given back as aware UTC."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware to naive UTC."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Naive UTC to aware."""
        return None if value is None else value.replace(tzinfo=UTC)


def words(length: int) -> String:
    """A text of no fixed length: SQLite heeds none, and what it took before PostgreSQL must take as well.

    length: that the column was first declared with.
    """
    return String(length).with_variant(Text(), "postgresql")


class Base(DeclarativeBase):
    """Base of all tables."""


class Prediction(Base):
    """The answer that was judged: which picture, which model, what was asked, what came out.

    Where a reader read without asking, there is a finding alone: no model, no probability, no threshold.
    """

    __tablename__ = "prediction"

    id: Mapped[int] = mapped_column(primary_key=True)
    image_sha256: Mapped[str] = mapped_column(String(64), index=True)
    image_height: Mapped[int] = mapped_column(Integer)
    image_width: Mapped[int] = mapped_column(Integer)
    model_name: Mapped[str | None] = mapped_column(words(100))
    model_sha256: Mapped[str | None] = mapped_column(String(64))
    query: Mapped[str] = mapped_column(words(500))
    finding: Mapped[str] = mapped_column(words(500))
    negated: Mapped[bool]
    side: Mapped[str | None] = mapped_column(String(5))
    in_vocabulary: Mapped[bool]
    probability: Mapped[float | None] = mapped_column(Float)
    """Of the query as it was asked; of its finding it is this, or what is missing to 1 where `negated`."""
    threshold: Mapped[float | None] = mapped_column(Float)
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Highest map value, regions, and the display settings that the reader judged by."""
    execution: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """How the answer was computed (`patchclip.execution.Computation`); None where nothing was asked, and of
    older versions, of which nobody knows."""
    asked: Mapped[bool]

    feedback: Mapped[list[Feedback]] = relationship(back_populates="prediction", cascade="all, delete-orphan")

    __table_args__ = (CheckConstraint("probability >= 0 AND probability <= 1", name="probability_range"),)


class Feedback(Base):
    """One reader's judgement of one prediction; a later revision of it is a row that supersedes this one."""

    __tablename__ = "feedback"

    id: Mapped[int] = mapped_column(primary_key=True)
    prediction_id: Mapped[int] = mapped_column(ForeignKey("prediction.id", ondelete="CASCADE"))
    key: Mapped[str | None] = mapped_column(String(32), index=True, unique=True)
    """Made by the page, the same for every try to store a reading; those of older versions have none."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reader: Mapped[str] = mapped_column(String(80))
    presence: Mapped[str] = mapped_column(String(10))
    location: Mapped[str | None] = mapped_column(String(10))
    comment: Mapped[str] = mapped_column(Text)
    first_id: Mapped[int | None] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"))
    """The first revision of this reading; None for the first itself."""
    revision: Mapped[int] = mapped_column(Integer)
    """Counts from 1."""
    supersedes_id: Mapped[int | None] = mapped_column(
        ForeignKey("feedback.id", ondelete="CASCADE"), index=True, unique=True
    )
    """The revision before; a row that no other supersedes is current."""
    withdrawn: Mapped[bool] = mapped_column(Boolean, server_default="0")
    """Whether this revision takes the reading back; what was said stands in the revisions before."""
    confidence: Mapped[int | None] = mapped_column(Integer)
    """0 to 100, as the reader said it."""
    seconds: Mapped[float | None] = mapped_column(Float)
    """From when the film was first shown to when this was saved, by the browser's clock."""
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"), index=True, server_default="1")
    """The study "free reading", unless told otherwise."""

    prediction: Mapped[Prediction] = relationship(back_populates="feedback")
    boxes: Mapped[list[Box]] = relationship(
        back_populates="feedback", cascade="all, delete-orphan", order_by="Box.id"
    )
    outlines: Mapped[list[Outline]] = relationship(
        back_populates="feedback", cascade="all, delete-orphan", order_by="Outline.id"
    )

    __table_args__ = (
        CheckConstraint("presence IN ('present', 'absent', 'unsure')", name="presence_values"),
        CheckConstraint(
            "location IS NULL OR location IN ('correct', 'partly', 'wrong')", name="location_values"
        ),
        CheckConstraint("confidence IS NULL OR confidence BETWEEN 0 AND 100", name="confidence_range"),
        CheckConstraint("revision >= 1", name="revision_count"),
        Index("ix_feedback_created_at", "created_at"),
    )


class Box(Base):
    """A box that a reader drew: top-left corner and size in original image pixels."""

    __tablename__ = "box"

    id: Mapped[int] = mapped_column(primary_key=True)
    feedback_id: Mapped[int] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"), index=True)
    x: Mapped[float] = mapped_column(Float)
    y: Mapped[float] = mapped_column(Float)
    w: Mapped[float] = mapped_column(Float)
    h: Mapped[float] = mapped_column(Float)

    feedback: Mapped[Feedback] = relationship(back_populates="boxes")

    __table_args__ = (CheckConstraint("w > 0 AND h > 0", name="box_size"),)


class Outline(Base):
    """A point or a polygon that a reader drew, in original image pixels."""

    __tablename__ = "outline"

    id: Mapped[int] = mapped_column(primary_key=True)
    feedback_id: Mapped[int] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    points: Mapped[list[list[float]]] = mapped_column(JSON)
    """[[x, y], ...]; one of a point, at least three of a polygon."""

    feedback: Mapped[Feedback] = relationship(back_populates="outlines")

    __table_args__ = (CheckConstraint("kind IN ('point', 'polygon')", name="outline_kinds"),)
