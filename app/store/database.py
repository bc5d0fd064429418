"""Opening, checking and migrating the database: a file, or one that a server has."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from alembic import command
from pydantic import SecretStr
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from app.store.errors import StoreError, unopened
from app.store.postgres import DIALECT, MIGRATION_TIMEOUT_MS, Address, lock_writers, open_server
from app.store.schema import FIRST_TABLES, NEWER_MEANWHILE, configuration, known_revisions

BUSY_TIMEOUT_MS = 5000
NOT_OURS = "The file for the feedback is not a feedback database; name another one with PATCHCLIP_DATABASE."
NEWER = (
    "The feedback database was written by a newer version of Patch-CLIP; install that version, "
    "or name another file with PATCHCLIP_DATABASE."
)
DAMAGED = (
    "The feedback database is damaged; put a copy in its place, or move it away and start with an empty one."
)


def open_database(database: Path | SecretStr) -> Engine:
    """An engine on a SQLite file, or on a database that a PostgreSQL server has, named by its URL.

    Raises:
        StoreError: it cannot be made, reached or read, is not a feedback database, or is damaged.
    """
    if isinstance(database, Path):
        return open_file(database)
    return open_server(Address.read(database.get_secret_value()))


def open_file(path: Path) -> Engine:
    """An engine on a SQLite file: write-ahead log, saved rows on the disk, patient locking, foreign keys on.

    A missing file is made with its folders, for this user alone. What another program or a newer version
    wrote is not touched.

    Raises:
        StoreError: the file cannot be made or read, is not a feedback database, or is damaged.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(
            f"The feedback database cannot be made or written ({error.strerror}); set PATCHCLIP_DATABASE."
        ) from error
    check_file(path)
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def _pragmas(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "foreign_keys=ON",
            "synchronous=FULL",  # with NORMAL a loss of power may lose rows that were called saved
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _same_schema(connection: Connection) -> None:
        """SQLite goes on writing to tables that a newer version has made anew."""
        cursor = connection.connection.cursor()
        try:
            cursor.execute("SELECT version_num FROM alembic_version")
            versions = {version for (version,) in cursor.fetchall()}
        except sqlite3.OperationalError:
            return  # not migrated yet; or it cannot be read, which what is asked of it will say
        finally:
            cursor.close()
        if not versions <= known_revisions():
            raise StoreError(NEWER_MEANWHILE)

    return engine


def migrate(engine: Engine) -> None:
    """Brings the database to the newest schema; does nothing if it is there already.

    Raises:
        StoreError: the database cannot be written.
    """
    config = configuration()
    if engine.dialect.name == DIALECT:
        try:
            with engine.begin() as connection:
                lock_writers(connection, MIGRATION_TIMEOUT_MS)  # another process may begin the same
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except SQLAlchemyError as error:
            raise unopened(error) from error
        return
    try:
        with engine.connect() as connection:
            # Outside of a transaction alone: a table that is made anew must not take its rows' rows along.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            # Python begins no transaction for a table that is made; half a migration must not stay.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")
    except DatabaseError as error:
        raise StoreError(
            "The feedback database cannot be opened or migrated; check PATCHCLIP_DATABASE, "
            "or move the file away."
        ) from error


def check_file(path: Path) -> None:
    """Looks at a file without writing to it or beside it.

    Raises:
        StoreError: it is not a feedback database, is damaged, or a newer version wrote it.
    """
    if path.stat().st_size == 0:
        return
    log = path.with_name(path.name + "-wal")
    # Where no log waits to be replayed the file is read as it lies: SQLite makes files beside it otherwise.
    mode = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True)
        try:
            _check_schema(connection)
            _check_pages(connection)
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise StoreError(NOT_OURS if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB else DAMAGED) from error


def _check_schema(connection: sqlite3.Connection) -> None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return
    if not tables >= FIRST_TABLES:
        raise StoreError(NOT_OURS)
    versions = {version for (version,) in connection.execute("SELECT version_num FROM alembic_version")}
    if not versions <= known_revisions():
        raise StoreError(NEWER)


def _check_pages(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise StoreError(DAMAGED)
