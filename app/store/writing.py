"""Transactions: one that writes holds the lock from its start, of a file or of a served database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.store.errors import LOST, StoreError, unread, unsaved
from app.store.postgres import DIALECT, check_server_writable, lock_writers


class SameFile:
    """Whether the database's file is still the one that was opened.

    SQLite goes on writing to a file that has no name any more; whoever wrote there would lose it. Of a
    served database there is nothing to check: its server answers for it, or nobody does.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._file = _identity(engine)

    def check(self) -> None:
        """Raises StoreError where it was removed or replaced."""
        if self._file != _identity(self._engine):
            raise StoreError(LOST)


def _identity(engine: Engine) -> tuple[int, int] | None:
    """Device and number of the database's file; None of one in memory, of a server's, or that is gone."""
    if engine.dialect.name == DIALECT:
        return None
    name = engine.url.database
    try:
        status = Path(name).stat() if name and name != ":memory:" else None
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status else None


@contextmanager
def immediate(engine: Engine) -> Iterator[Session]:
    """A session that alone may write from its start to its end, when all of it is stored or nothing.

    What it reads is what it writes upon: nobody else writes in between. Its rows can be read afterwards.
    """
    with Session(engine, expire_on_commit=False) as session, session.begin():
        if engine.dialect.name == DIALECT:
            lock_writers(session.connection())
        else:
            session.connection().exec_driver_sql("BEGIN IMMEDIATE")
        yield session


def check_writable(engine: Engine, file: SameFile) -> None:
    """Raises StoreError where nothing could be written now; nothing is."""
    file.check()
    try:
        with Session(engine) as session:
            if engine.dialect.name == DIALECT:
                check_server_writable(session.connection())
            else:
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            session.rollback()
    except SQLAlchemyError as error:
        raise unsaved(error) from error


@contextmanager
def writing(
    engine: Engine, file: SameFile, what: str = "The feedback", again: str = "press Save again"
) -> Iterator[Session]:
    """`immediate`, on the file that was opened.

    what, again: what could not be saved, and what to do once the fault is mended; see `unsaved`.

    Raises:
        StoreError: the database cannot be written now.
    """
    file.check()
    try:
        with immediate(engine) as session:
            yield session
    except SQLAlchemyError as error:
        raise unsaved(error, what, again) from error
    file.check()


@contextmanager
def reading(engine: Engine, file: SameFile) -> Iterator[Session]:
    """A session that reads.

    Raises:
        StoreError: the database cannot be read.
    """
    file.check()
    try:
        with Session(engine) as session:
            yield session
    except SQLAlchemyError as error:
        raise unread(error) from error
