"""Every row of a served database into a file of SQLite, and back: each in one transaction."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, func, insert, select, text

from app.store.errors import StoreError
from app.store.postgres import lock_writers
from app.store.schema import configuration

AT_ONCE = 1000  # rows in memory
VERSION = "alembic_version"
APPEND_ONLY = ("event", "study_event")
NOTHING = "The database at this address holds no feedback yet, so there is nothing to copy."
BROKEN = "The copy is not whole; make it again, and check the disk."


def to_file(served: Engine, path: Path) -> None:
    """Fills an empty file with what a served database holds, in the same schema.

    Raises:
        StoreError: there is nothing, or the copy is not whole.
        SQLAlchemyError: the server cannot be read, or the file not written.
    """
    file = create_engine(f"sqlite:///{path}")
    try:
        with (
            served.connect().execution_options(isolation_level="REPEATABLE READ") as source,
            file.begin() as target,
        ):
            tables = _tables(source)
            if VERSION not in tables.tables:
                raise StoreError(NOTHING)
            revision = source.execute(text(f"SELECT version_num FROM {VERSION}")).scalar_one()
            config = configuration()
            config.attributes["connection"] = target
            command.upgrade(config, revision)
            _copy(source, target, tables, _tables(target))
    finally:
        file.dispose()
    with closing(sqlite3.connect(path)) as connection:
        whole = connection.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",)
        if not whole or connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise StoreError(BROKEN)


def from_file(path: Path, served: Engine) -> None:
    """Puts what a file holds in the place of all that a served database holds, both of the newest schema.

    Who reads or writes meanwhile waits.

    Raises:
        SQLAlchemyError: the file cannot be read, or the server not written, which is then as it was.
    """
    file = create_engine(f"sqlite:///{path}")
    try:
        with file.connect() as source, served.begin() as target:
            lock_writers(target)
            there = _tables(target)
            tables = [table for table in there.sorted_tables if table.name != VERSION]
            names = ", ".join(table.name for table in tables)
            target.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
            # Events are never changed, but by a whole database that takes the place of another.
            for name in APPEND_ONLY:
                target.execute(text(f"ALTER TABLE {name} DISABLE TRIGGER USER"))
            for table in reversed(tables):
                target.execute(table.delete())
            _copy(source, target, _tables(source), there)
            for table in tables:
                _go_on_counting(target, table)
            for name in APPEND_ONLY:
                target.execute(text(f"ALTER TABLE {name} ENABLE TRIGGER USER"))
    finally:
        file.dispose()


def _tables(connection: Connection) -> MetaData:
    tables = MetaData()
    tables.reflect(connection)
    return tables


def _copy(source: Connection, target: Connection, origin: MetaData, there: MetaData) -> None:
    """All rows but the schema's number; a first revision comes before those that refer to it."""
    for table in there.sorted_tables:
        if table.name == VERSION:
            continue
        # What a migration has put into an empty database stands in the origin as well, or was changed there.
        target.execute(table.delete())
        rows = origin.tables[table.name]
        statement = select(rows).order_by(*rows.primary_key.columns)
        result = source.execution_options(stream_results=True).execute(statement)
        for part in result.mappings().partitions(AT_ONCE):
            target.execute(insert(table), [dict(row) for row in part])


def _go_on_counting(connection: Connection, table: Table) -> None:
    """A new row's number follows those that were put there."""
    if "id" not in table.columns:
        return
    last = connection.execute(select(func.max(table.c.id))).scalar()
    connection.execute(
        select(func.setval(func.pg_get_serial_sequence(table.name, "id"), last or 1, last is not None))
    )
