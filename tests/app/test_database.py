"""The database file: pragmas, migration, and a schema with no room for a patient."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from app.store import StoreError, migrate, open_database
from app.store.models import Base

IDENTIFYING = (
    "patient",
    "birth",
    "study",
    "accession",
    "file",
    "path",
    "header",
    "institution",
    "sex",
    "age",
    "mrn",
)


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("busy_timeout", 5000), ("foreign_keys", 1)]
)
def test_every_connection_has_its_pragmas(database: sqlalchemy.Engine, pragma: str, value: object) -> None:
    for _ in range(2):
        database.dispose()
        with database.connect() as connection:
            assert connection.execute(text(f"PRAGMA {pragma}")).scalar() == value


def test_migration_of_nothing_makes_exactly_the_tables_of_the_models(database: sqlalchemy.Engine) -> None:
    with database.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    assert set(inspect(database).get_table_names()) == {"prediction", "feedback", "box", "alembic_version"}


def test_migrating_twice_changes_nothing_and_keeps_the_rows(database: sqlalchemy.Engine) -> None:
    insert = (
        "INSERT INTO prediction VALUES (7, :sha, 10, 20, 'm', :sha, 'q', 'f', 0, NULL, 1, 0.25, 0.5, '{}')"
    )
    with database.begin() as connection:
        connection.execute(text(insert), {"sha": "a" * 64})
        before = connection.execute(text("SELECT sql FROM sqlite_master ORDER BY name")).all()
    migrate(database)
    with database.connect() as connection:
        assert connection.execute(text("SELECT sql FROM sqlite_master ORDER BY name")).all() == before
        assert connection.execute(text("SELECT id, probability FROM prediction")).all() == [(7, 0.25)]
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1


def test_foreign_keys_hold(database: sqlalchemy.Engine) -> None:
    with pytest.raises(sqlalchemy.exc.IntegrityError, match="FOREIGN KEY"), database.begin() as connection:
        connection.execute(text("INSERT INTO box (feedback_id, x, y, w, h) VALUES (99, 1, 2, 3, 4)"))


def test_no_column_is_made_for_what_identifies_a_patient() -> None:
    columns = {column.name for table in Base.metadata.tables.values() for column in table.columns}
    assert "image_sha256" in columns
    assert not [
        name for name in columns for word in IDENTIFYING if word in name.replace("image", "").split("_")
    ]


def test_a_file_that_is_no_database_is_refused_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "notes.sqlite3"
    path.write_bytes(b"these are notes, not a database, and they are long enough to have a header" * 20)
    engine = open_database(path)
    with pytest.raises(StoreError, match="PATCHCLIP_DATABASE"):
        migrate(engine)
    assert path.read_bytes().startswith(b"these are notes")


def test_a_folder_that_cannot_be_made_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="PATCHCLIP_DATABASE"):
        open_database(tmp_path / "taken" / "feedback.sqlite3")


def test_missing_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "feedback.sqlite3"
    engine = open_database(path)
    migrate(engine)
    engine.dispose()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
