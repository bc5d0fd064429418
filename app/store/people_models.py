"""Tables of how people sign in; no secret is stored, only what tells it when it is shown."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.store.models import Base, UtcDateTime
from app.store.study_models import Reader


class Account(Base):
    """That a reader may sign in."""

    __tablename__ = "account"

    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id", ondelete="CASCADE"), primary_key=True)
    folded: Mapped[str] = mapped_column(String(320), unique=True)
    """The name as names are compared, so that no two look alike."""
    password_hash: Mapped[str | None] = mapped_column(String(200))
    """Argon2id with its salt and parameters (RFC 9106); None until a password is chosen."""
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    reader: Mapped[Reader] = relationship()


class SignInLink(Base):
    """A personal link: whoever has it is the reader, until it expires."""

    __tablename__ = "sign_in_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id", ondelete="CASCADE"), index=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    purpose: Mapped[str] = mapped_column(String(10))
    """"sign-in", or "password": to choose one."""
    reusable: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it was used last; one that is not reusable is over then."""

    reader: Mapped[Reader] = relationship()

    __table_args__ = (CheckConstraint("purpose IN ('sign-in', 'password')", name="link_purposes"),)


class SignIn(Base):
    """That somebody is signed in at one browser."""

    __tablename__ = "sign_in"

    id: Mapped[int] = mapped_column(primary_key=True)
    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id", ondelete="CASCADE"), index=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """Whatever happens meanwhile."""

    reader: Mapped[Reader] = relationship()
