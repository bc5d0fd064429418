"""The table of what adjudicators decided."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.store.models import Base, UtcDateTime, words


class Consensus(Base):
    """One decision on one finding in one case; a later revision counts instead of this one."""

    __tablename__ = "consensus"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("study_case.id", ondelete="CASCADE"), index=True)
    finding: Mapped[str] = mapped_column(words(500))
    presence: Mapped[str] = mapped_column(String(10))
    boxes: Mapped[list[list[float]]] = mapped_column(JSON)
    """[[x, y, w, h], ...] in original image pixels."""
    comment: Mapped[str] = mapped_column(Text)
    condition: Mapped[str] = mapped_column(String(10))
    """Whose opinions were weighed: unaided, first, aided or second."""
    adjudicator_id: Mapped[int] = mapped_column(ForeignKey("reader.id"), index=True)
    revision: Mapped[int] = mapped_column(Integer)
    """Counts from 1."""
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """By the server's clock."""

    __table_args__ = (
        UniqueConstraint("case_id", "finding", "revision", name="consensus_revision"),
        CheckConstraint("presence IN ('present', 'absent', 'unsure')", name="consensus_presence"),
        CheckConstraint("revision >= 1", name="consensus_count"),
    )
