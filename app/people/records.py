"""Reading and writing the tables of people: what fails is one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.store.errors import unread, unsaved
from app.store.writing import immediate


def now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that reads.

    Raises:
        StoreError: the database cannot be read.
    """
    try:
        with Session(engine) as session:
            yield session
    except SQLAlchemyError as error:
        raise unread(error, "The accounts") from error


@contextmanager
def writing(engine: Engine, what: str) -> Iterator[Session]:
    """A session whose changes are all stored at its end, or none.

    what: is being stored, as the subject of a sentence.

    Raises:
        StoreError: the database cannot be written.
    """
    try:
        with immediate(engine) as session:
            yield session
    except SQLAlchemyError as error:
        raise unsaved(error, what, "try again") from error
