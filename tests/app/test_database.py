"""The database file: pragmas, migration, and a schema with no room for a patient."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from app.store import FeedbackRepository, NamedFinding, StoreError, migrate, open_database
from app.store.models import Base
from app.store.schema import MIGRATIONS
from tests.app.test_repository import feedback

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
    ("pragma", "value"),
    [("journal_mode", "wal"), ("busy_timeout", 5000), ("foreign_keys", 1), ("synchronous", 2)],
)
def test_every_connection_has_its_pragmas(database: sqlalchemy.Engine, pragma: str, value: object) -> None:
    for _ in range(2):
        database.dispose()
        with database.connect() as connection:
            assert connection.execute(text(f"PRAGMA {pragma}")).scalar() == value


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def filled(path: Path, rows: int = 1) -> Path:
    """A database of the newest schema with so many judgements, closed."""
    engine = open_database(path)
    migrate(engine)
    for _ in range(rows):
        FeedbackRepository(engine).add(feedback(comment="x" * 2000))
    engine.dispose()
    return path


def test_migration_of_nothing_makes_exactly_the_tables_of_the_models(database: sqlalchemy.Engine) -> None:
    with database.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    assert set(inspect(database).get_table_names()) == {
        "prediction",
        "feedback",
        "box",
        "outline",
        "study",
        "study_case",
        "study_answer",
        "reader",
        "assignment",
        "study_reading",
        "finding_reading",
        "event",
        "study_event",
        "consensus",
        "account",
        "sign_in_link",
        "sign_in",
        "alembic_version",
    }


def test_migrating_twice_changes_nothing_and_keeps_the_rows(database: sqlalchemy.Engine) -> None:
    insert = (
        "INSERT INTO prediction "
        "VALUES (7, :sha, 10, 20, 'm', :sha, 'q', 'f', 0, NULL, 1, 0.25, 0.5, '{}', 1, NULL)"
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
        name
        for name in columns - {"study_id"}  # of a reader study
        for word in IDENTIFYING
        if word in name.replace("image", "").split("_")
    ]


def test_a_file_that_is_no_database_is_refused_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "notes.sqlite3"
    path.write_bytes(b"these are notes, not a database, and they are long enough to have a header" * 20)
    with pytest.raises(StoreError, match=r"not a feedback database.*PATCHCLIP_DATABASE"):
        open_database(path)
    assert path.read_bytes().startswith(b"these are notes")


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_another_programs_database_is_refused_untouched(tmp_path: Path, journal: str) -> None:
    path = tmp_path / "theirs.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode={journal}")
    connection.execute("CREATE TABLE patients (name TEXT)")
    connection.commit()
    connection.close()
    before = contents(tmp_path)
    with pytest.raises(StoreError, match="not a feedback database"):
        open_database(path)
    assert contents(tmp_path) == before


def test_a_newer_schema_is_refused_with_a_sentence_untouched(tmp_path: Path) -> None:
    path = filled(tmp_path / "newer.sqlite3")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = contents(tmp_path)
    with pytest.raises(StoreError, match=r"newer version of Patch-CLIP.*PATCHCLIP_DATABASE"):
        open_database(path)
    assert contents(tmp_path) == before


def test_damaged_pages_are_noticed_at_the_start(tmp_path: Path) -> None:
    path = filled(tmp_path / "damaged.sqlite3", rows=40)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 6000] = bytes(6000)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        open_database(path)


def test_the_file_is_made_for_this_user_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = filled(tmp_path / "folder" / "feedback.sqlite3")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


OLD_ROWS = """
INSERT INTO prediction VALUES
  (1, :sha, 10, 20, 'm', :sha, 'no mass', 'mass', 1, NULL, 1, 0.25, 0.5, '{"display": {}}'),
  (2, :sha, 10, 20, 'm', :sha, 'left mass', 'mass', 0, 'left', 1, 0.5, 0.5, '{}'),
  (3, :sha, 10, 20, 'm', :sha, 'nodule', 'nodule', 0, NULL, 1, 0.5, 0.5, '{}');
INSERT INTO feedback (id, prediction_id, created_at, reader, presence, location, comment) VALUES
  (1, 1, '2025-01-02 03:04:05', 'A', 'absent', 'right', ''),
  (2, 2, '2025-01-02 03:04:06', 'A', 'present', 'partly', 'large'),
  (7, 3, '2025-01-02 03:04:07', 'B', 'unsure', NULL, '');
INSERT INTO box (feedback_id, x, y, w, h) VALUES (2, 1, 2, 3, 4), (2, 5, 5, 1, 1);
"""


def of_schema(path: Path, revision: str) -> Path:
    """A database as a version with that schema left it."""
    engine = open_database(path)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    with closing(sqlite3.connect(path)) as opened, opened:
        opened.executescript(OLD_ROWS.replace(":sha", f"'{'a' * 64}'"))
        if revision == "0002":
            opened.execute("UPDATE feedback SET key = :key WHERE id = 2", {"key": "b" * 32})
    return path


@pytest.mark.parametrize(("revision", "key"), [("0001", None), ("0002", "b" * 32)])
def test_a_database_of_an_older_schema_is_brought_up_with_its_rows(
    tmp_path: Path, revision: str, key: str | None
) -> None:
    engine = open_database(of_schema(tmp_path / "old.sqlite3", revision))
    migrate(engine)
    with engine.connect() as migrated:
        assert compare_metadata(MigrationContext.configure(migrated), Base.metadata) == []
        assert migrated.execute(text("PRAGMA foreign_key_check")).all() == []
        assert migrated.execute(text("PRAGMA foreign_keys")).scalar() == 1
        assert migrated.execute(text("SELECT id, key FROM feedback ORDER BY id")).all() == [
            (1, None),
            (2, key),
            (7, None),
        ]
    unsure, partly, correct = FeedbackRepository(engine).rows()
    assert [row["location"] for row in (correct, partly, unsure)] == ["correct", "partly", None]
    assert (correct["query_probability"], correct["finding_probability"]) == (0.25, 0.75)
    assert partly["boxes"] == [[1, 2, 3, 4], [5, 5, 1, 1]]
    assert (partly["side"], partly["comment"], partly["created_at"]) == (
        "left",
        "large",
        "2025-01-02T03:04:06+00:00",
    )
    assert all(
        (row["revision"], row["current"], row["asked"]) == (1, True, True) for row in (unsure, correct)
    )
    assert [unsure[name] for name in ("confidence", "seconds", "map_shown", "zoom")] == [None] * 4
    again = FeedbackRepository(engine).add(feedback())
    assert again.id == 8
    engine.dispose()


def test_a_database_written_before_there_were_studies_loses_nothing(tmp_path: Path) -> None:
    here = Path(__file__).parent
    path = tmp_path / "feedback.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript((here / "feedback_0003.sql").read_text(encoding="utf-8"))
    engine = open_database(path)
    migrate(engine)
    before = json.loads((here / "feedback_0003.json").read_text(encoding="utf-8"))
    assert len(before) == 5
    added = {"withdrawn": False, "execution": None}
    assert FeedbackRepository(engine).rows() == [row | added for row in before]
    new = FeedbackRepository(engine).add(feedback(key="6" * 32))
    with engine.connect() as migrated:
        assert compare_metadata(MigrationContext.configure(migrated), Base.metadata) == []
        assert migrated.execute(text("PRAGMA foreign_key_check")).all() == []
        belongs = "SELECT feedback.id, study.name FROM feedback JOIN study ON study.id = feedback.study_id"
        rows = migrated.execute(text(belongs)).all()
    assert sorted((row[0], row[1]) for row in rows) == [
        (number, "free reading") for number in (1, 2, 3, 4, 5, new.id)
    ]
    engine.dispose()


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = of_schema(tmp_path / "old.sqlite3", "0002")
    with closing(sqlite3.connect(path)) as connection:
        before = list(connection.iterdump())
    engine = open_database(path)

    def fail(*_: object, **__: object) -> None:
        raise sqlalchemy.exc.OperationalError("statement", {}, sqlite3.OperationalError("disk full"))

    monkeypatch.setattr("alembic.op.create_index", fail)
    with pytest.raises(StoreError, match="cannot be opened or migrated"):
        migrate(engine)
    engine.dispose()
    with closing(sqlite3.connect(path)) as connection:
        assert list(connection.iterdump()) == before


def test_the_newest_schema_goes_back_to_the_one_before(tmp_path: Path) -> None:
    engine = open_database(filled(tmp_path / "new.sqlite3"))
    FeedbackRepository(engine).add(
        feedback(answer=NamedFinding("cyst", False), location=None, map_shown=False)
    )
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT id, location FROM feedback")).all() == [(1, "partly")]
        assert connection.execute(text("SELECT count(*) FROM box")).scalar() == 2
    engine.dispose()


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
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0009",)]
