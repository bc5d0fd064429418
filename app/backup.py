"""python -m app backup: a consistent copy of the database while the server runs, and the way back."""

from __future__ import annotations

import argparse
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.settings import add_database_flag
from app.store import StoreError, migrate, open_database
from app.store.database import BUSY_TIMEOUT_MS, check_file
from app.store.errors import unsaved
from app.store.transfer import from_file, to_file
from patchclip.files import atomic

NOTICE = "Research use only, not for clinical use"


def main(arguments: Sequence[str]) -> int:
    """Runs the command; returns the exit status.

    Raises:
        StoreError: it cannot be done, in one sentence.
    """
    options = make_parser().parse_args(arguments)
    database = options.database
    if options.restore:
        former = restore(database, options.file)
        kept = f"; what it held before lies in {former}" if former else ""
        print(f"The database holds what {options.file.name} does{kept}.")
    else:
        back_up(database, options.file)
        print(f"Copied to {options.file}, and found whole.")
    return 0


def make_parser() -> argparse.ArgumentParser:
    """The flags."""
    parser = argparse.ArgumentParser(
        prog="python -m app backup",
        description=f"A copy of the database, consistent while the server runs. {NOTICE}.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="of the copy; none is overwritten")
    parser.add_argument(
        "--restore", action="store_true", help="put the copy's content back in place of the database's"
    )
    add_database_flag(parser)
    return parser


def back_up(database: Path | SecretStr, copy: Path) -> None:
    """Copies a database as it is at one moment; who writes meanwhile neither waits nor is waited for.

    The copy is one file of SQLite, also of a database that a server has, for this user alone, which is on the
    disk and was found whole when this returns.

    Raises:
        StoreError: there is no database, a file of the copy's name stands already, or there is no room.
    """
    if copy.exists():
        raise StoreError(f"{copy.name} stands already and is not overwritten; name another file.")
    if isinstance(database, SecretStr):
        with closing_engine(open_database(database)) as engine:
            _write(copy, lambda written: to_file(engine, written))
        return
    if not database.is_file():
        raise StoreError(f"There is no database {database.name} to copy; name it with --database.")
    check_file(database)
    _write(copy, lambda written: _copy_file(database, written))


def _copy_file(database: Path, written: Path) -> None:
    with closing(_opened(database, "ro")) as source, closing(_opened(written, "rw")) as target:
        # In one step, within one read transaction: in several, each write would begin it anew.
        source.backup(target, pages=-1)
        target.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        _check_whole(target)


def _write(copy: Path, fill: Callable[[Path], None]) -> None:
    with _sentences("The copy"), atomic(copy) as written:
        os.close(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            fill(written)
        finally:
            for beside in ("-journal", "-wal", "-shm"):
                written.with_name(written.name + beside).unlink(missing_ok=True)
        _on_disk(written)
    _on_disk(copy.parent)


def restore(database: Path | SecretStr, copy: Path) -> Path | None:
    """Puts a copy's content in the database's place, in one transaction; a server that runs goes on with it.

    A copy of either kind of database can be put into either.

    Returns:
        A copy of what the database held before, beside it, or beside the copy where a server has it; None
        where there was none.

    Raises:
        StoreError: the copy is no feedback database, of a newer version or damaged, in which case the
            database is not touched; or the database cannot be written.
    """
    if not copy.is_file():
        raise StoreError(f"There is no copy {copy.name}; name the file that python -m app backup made.")
    check_file(copy)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    if isinstance(database, SecretStr):
        return _restore_served(database, copy, copy.with_name(f"{copy.stem}.before-{moment}{copy.suffix}"))
    former: Path | None = None
    if database.is_file() and database.stat().st_size:
        former = database.with_name(f"{database.stem}.before-{moment}{database.suffix}")
        back_up(database, former)
    with closing_engine(open_database(database)) as engine, _sentences("The database"):
        with closing(_opened(copy, "ro")) as source, closing(_opened(database, "rw")) as target:
            source.backup(target, pages=-1)
            target.execute("PRAGMA journal_mode=WAL")
            _check_whole(target)
        migrate(engine)  # a copy may be of an older version
    return former


def _restore_served(database: SecretStr, copy: Path, former: Path) -> Path:
    with (
        closing_engine(open_database(database)) as engine,
        TemporaryDirectory(prefix="patch-clip-") as folder,
    ):
        migrate(engine)
        back_up(database, former)
        newest = Path(folder) / "newest.sqlite3"
        with _sentences("The database"):
            back_up(copy, newest)
            with closing_engine(open_database(newest)) as file:
                migrate(file)  # a copy may be of an older version
            from_file(newest, engine)
    return former


@contextmanager
def closing_engine(engine: Engine) -> Iterator[Engine]:
    """An engine that lets go of its connections at the end."""
    try:
        yield engine
    finally:
        engine.dispose()


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={mode}", uri=True, timeout=BUSY_TIMEOUT_MS / 1000
    )
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def _check_whole(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
        raise StoreError("The database is damaged, and so is its copy; keep an older one, check the disk.")


def _on_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _sentences(what: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        reason = {
            sqlite3.SQLITE_BUSY: "the database is busy; try again in a moment",
            sqlite3.SQLITE_FULL: "the disk is full; free some space, then try again",
            sqlite3.SQLITE_IOERR: "the disk is full or fails; free some space, then try again",
            sqlite3.SQLITE_READONLY: "the file may not be written; make it writable, then try again",
        }.get(error.sqlite_errorcode & 0xFF, "check the files and try again")
        raise StoreError(f"{what} could not be written: {reason}.") from error
    except SQLAlchemyError as error:
        raise unsaved(error, what, "try again") from error
    except OSError as error:
        raise StoreError(f"{what} could not be written ({error.strerror}); name another folder.") from error
