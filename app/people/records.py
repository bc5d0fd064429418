"""Reading and writing the tables of people: what fails is one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.store.errors import unread
from app.store.writing import SameFile, writing


def now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


class Records:
    """The tables of people in the database's own file.

    A server that went on with a file that was removed or replaced would let in people whom the new one does
    not know, and lose those whom it adds.

    Args:
        engine: on a migrated database, whose file must stay the same one.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self._file = engine, SameFile(engine)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that reads.

        Raises:
            StoreError: the database cannot be read, or was removed or replaced.
        """
        self._file.check()
        try:
            with Session(self._engine) as session:
                yield session
        except SQLAlchemyError as error:
            raise unread(error, "The accounts") from error

    @contextmanager
    def writing(self, what: str) -> Iterator[Session]:
        """A session whose changes are all stored at its end, or none.

        what: is being stored, as the subject of a sentence.

        Raises:
            StoreError: the database cannot be written, or was removed or replaced.
        """
        with writing(self._engine, self._file, what, "try again") as session:
            yield session
