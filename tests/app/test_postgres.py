"""A PostgreSQL server's database: its schema, its faults as sentences, its copies; no password is shown."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pg8000
import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import text

from app.__main__ import main
from app.backup import back_up, closing_engine, restore
from app.settings import Settings, read_settings
from app.store import FeedbackRepository, NamedFinding, StoreError, migrate, open_database
from app.store.models import Base
from app.store.schema import configuration
from tests.app.postgres import PASSWORD, USER, Server
from tests.app.test_database import OLD_ROWS
from tests.app.test_repository import feedback, finding


@pytest.fixture
def url(postgres: Server) -> Iterator[SecretStr]:
    """Of a database of the newest schema."""
    with postgres.database() as name:
        yield postgres.url(name)


def to_schema(engine: sqlalchemy.Engine, revision: str, *, back: bool = False) -> None:
    """Migrates to a schema of before, upwards or back."""
    config = configuration()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if back else command.upgrade)(config, revision)


def test_the_migrations_make_the_tables_of_the_models_and_bring_old_rows_along(postgres: Server) -> None:
    with postgres.database("template0") as name, closing_engine(open_database(postgres.url(name))) as engine:
        to_schema(engine, "0002")
        rows = OLD_ROWS.replace(":sha", f"'{'a' * 64}'")
        for column in ("'no mass', 'mass', 1, NULL, 1", "'left mass', 'mass', 0, 'left', 1"):
            rows = rows.replace(column, column.replace(", 1", ", true").replace(", 0", ", false"))
        rows = rows.replace("'nodule', 'nodule', 0, NULL, 1", "'nodule', 'nodule', false, NULL, true")
        with engine.begin() as connection:
            for statement in rows.split(";\n"):
                if statement.strip():
                    connection.exec_driver_sql(statement)
            for table in ("prediction", "feedback"):  # their numbers were given by hand
                connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
                )
        migrate(engine)
        migrate(engine)
        with engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        repository = FeedbackRepository(engine)
        unsure, partly, correct = repository.rows()
        assert [row["location"] for row in (correct, partly, unsure)] == ["correct", "partly", None]
        assert partly["boxes"] == [[1, 2, 3, 4], [5, 5, 1, 1]]
        assert (partly["side"], partly["created_at"]) == ("left", "2025-01-02T03:04:06+00:00")
        assert all(
            (row["revision"], row["current"], row["asked"]) == (1, True, True) for row in (unsure, correct)
        )
        assert repository.add(feedback()).id == 8
        repository.add(feedback(answer=NamedFinding("cyst", False), location=None, map_shown=False))
        to_schema(engine, "0002", back=True)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT id, location FROM feedback ORDER BY id")).all() == [
                (1, "right"), (2, "partly"), (7, None), (8, "partly"),
            ]  # fmt: skip


def test_texts_of_the_longest_kind_are_stored(url: SecretStr) -> None:
    with closing_engine(open_database(url)) as engine:
        repository = FeedbackRepository(engine)
        repository.add(
            feedback(
                answer=finding(query="q" * 5000, finding="ü" * 500),
                model_name="m" * 300, reader="r" * 80, comment="ж" * 2000,
            )
        )  # fmt: skip
        (row,) = repository.rows()
        assert [len(row[name]) for name in ("query", "finding", "model_name", "comment")] == [
            5000,
            500,
            300,
            2000,
        ]
        with pytest.raises(StoreError, match="a sign that cannot be seen"):
            repository.add(feedback(comment="a\0b"))


def test_a_server_that_goes_and_comes_back_is_a_sentence_and_used_again(
    postgres: Server, url: SecretStr, caplog: pytest.LogCaptureFixture
) -> None:
    with closing_engine(open_database(url)) as engine, caplog.at_level(logging.DEBUG):
        repository = FeedbackRepository(engine)
        repository.add(feedback(comment="before"))
        postgres.stop()
        try:
            for use in (lambda: repository.add(feedback(key="a" * 32)), repository.rows, repository.count):
                with pytest.raises(
                    StoreError, match=r"server does not answer.*(Save|try) again\.$"
                ) as raised:
                    use()
                assert PASSWORD not in str(raised.value) and "\n" not in str(raised.value)
            with pytest.raises(StoreError, match=r"cannot be opened.*server does not answer.*start again"):
                open_database(url)
        finally:
            postgres.start()
        repository.add(feedback(key="a" * 32, comment="after"))
        assert [row["comment"] for row in repository.rows()] == ["after", "before"]
        assert PASSWORD not in repr(engine.url) + repr(engine.pool) + caplog.text


def test_a_connection_that_is_cut_in_the_middle_is_a_sentence(url: SecretStr) -> None:
    with closing_engine(open_database(url)) as engine:
        repository = FeedbackRepository(engine)

        @sqlalchemy.event.listens_for(engine, "before_cursor_execute")
        def _cut(connection: sqlalchemy.Connection, cursor: object, statement: str, *_: object) -> None:
            if armed and statement.startswith("INSERT INTO feedback"):
                armed.clear()
                other.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )

        armed: list[bool] = []
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as other:
            armed.append(True)
            with pytest.raises(StoreError, match=r"could not be saved: .*Save again"):
                repository.add(feedback(key="a" * 32))
            assert not armed
        assert repository.count() == 0
        repository.add(feedback(key="a" * 32))
        assert repository.count() == 1


@pytest.mark.parametrize(
    ("change", "back", "words"),
    [
        (
            "UPDATE alembic_version SET version_num = '9999'",
            "UPDATE alembic_version SET version_num = '{head}'",
            "A newer version of Patch-CLIP has changed",
        ),
        (
            "ALTER DATABASE {name} SET default_transaction_read_only = on",
            "ALTER DATABASE {name} RESET default_transaction_read_only",
            "server is read-only; make it writable, then press Save again",
        ),
        (f"ALTER USER {USER} PASSWORD 'another'", "", "refuses user or password"),
    ],
    ids=["newer", "read-only", "password"],
)
def test_a_fault_of_the_server_is_a_sentence_and_mended_without_a_restart(
    postgres: Server, change: str, back: str, words: str
) -> None:
    with postgres.database() as name, closing_engine(open_database(postgres.url(name))) as engine:
        repository = FeedbackRepository(engine)
        head = sorted(repository_heads(engine))[-1]
        with closing(
            pg8000.connect(user=USER, password=PASSWORD, host="127.0.0.1", port=postgres.port, database=name)
        ) as other:
            other.autocommit = True
            cursor = other.cursor()
            cursor.execute(change.format(name=name))
            engine.dispose()  # as after a while without requests
            try:
                for _ in range(2):
                    with pytest.raises(StoreError, match=words) as raised:
                        repository.add(feedback(key="a" * 32))
                    assert PASSWORD not in str(raised.value)
            finally:
                cursor.execute("SET default_transaction_read_only = off")
                cursor.execute(
                    back.format(name=name, head=head) or f"ALTER USER {USER} PASSWORD '{PASSWORD}'"
                )
            engine.dispose()
        repository.add(feedback(key="a" * 32))
        assert repository.count() == 1


def repository_heads(engine: sqlalchemy.Engine) -> list[str]:
    """The schema that a database has."""
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())


def test_a_lock_that_another_holds_is_waited_for_and_then_a_sentence(url: SecretStr) -> None:
    with closing_engine(open_database(url)) as engine:

        @sqlalchemy.event.listens_for(engine, "checkout")
        def _impatient(connection: pg8000.Connection, *_: object) -> None:
            connection.cursor().execute("SET lock_timeout = 50")

        repository = FeedbackRepository(engine)
        with engine.connect() as other:
            other.execute(text("LOCK TABLE feedback IN ACCESS EXCLUSIVE MODE"))
            with pytest.raises(StoreError, match=r"busy; press Save again in a moment"):
                repository.add(feedback())
        repository.add(feedback())


def test_what_is_not_ours_or_newer_is_refused_untouched(postgres: Server) -> None:
    for statements, words in (
        (["CREATE TABLE patients (name text)"], "holds other tables than those of Patch-CLIP"),
        (["CREATE TABLE alembic_version (version_num text)"], "holds other tables"),
    ):
        with postgres.database("template0") as name:
            for statement in statements:
                postgres.run(statement, name)
            with pytest.raises(StoreError, match=words):
                open_database(postgres.url(name))
    with postgres.database() as name:
        postgres.run("UPDATE alembic_version SET version_num = '9999'", name)
        with pytest.raises(StoreError, match=r"written by a newer version.*PATCHCLIP_DATABASE"):
            open_database(postgres.url(name))
    with (
        postgres.database("template0", "ENCODING 'LATIN1' LOCALE 'C'") as name,
        pytest.raises(StoreError, match=r"encoding is LATIN1"),
    ):
        open_database(postgres.url(name))
    with pytest.raises(StoreError, match="no database of that name"):
        open_database(postgres.url("nowhere"))
    with pytest.raises(StoreError, match="refuses user or password") as raised:
        open_database(postgres.url("postgres", "wrong-and-secret"))
    assert "wrong-and-secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("postgresql+psycopg://u:hush@h/n", "brings its own, pg8000"),
        ("postgresql://u:hush@h:port/n", "no URL"),
        ("postgresql://u:hush@h", "name is missing"),
        ("postgresql://h/n", "user or the database's name is missing"),
        ("postgresql://u:hush@h/n?sslmode=maybe", "sslmode is one of"),
        ("postgresql://u:hush@h/n?sslrootcert=/no/such/file", "no file as its sslrootcert"),
        ("postgresql://u:hush@h/n?options=x", "sslmode, sslrootcert and host alone"),
        ("mysql://u:hush@h/n", "database"),
    ],
)
def test_an_address_that_makes_no_sense_is_one_sentence_without_it(
    given: str, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.__main__.signal.signal", lambda *_: None)  # tests keep their own handlers
    assert main(["study", "list", "--database", given]) in (1, 2)
    error = capsys.readouterr().err
    assert words in error and "hush" not in error
    assert error.count("\n") == 1


def test_a_url_is_a_setting_that_shows_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATCHCLIP_DATABASE", "postgresql://u:hush@h/n")
    settings = read_settings([])
    assert isinstance(settings.database, SecretStr)
    assert settings.database.get_secret_value() == "postgresql://u:hush@h/n"
    assert "hush" not in repr(settings) + str(settings) + settings.model_dump_json()
    assert settings.study_files == tmp_path / ".local/share/patch-clip/studies"
    assert isinstance(Settings(database=tmp_path / "file").database, Path)


def test_rows_go_from_a_file_to_a_server_and_back_and_count_on(
    postgres: Server, url: SecretStr, tmp_path: Path
) -> None:
    path = tmp_path / "feedback.sqlite3"
    with closing_engine(open_database(path)) as engine:
        migrate(engine)
        before = FeedbackRepository(engine)
        first = before.add(feedback(comment="'; DROP TABLE feedback; --"))
        before.add(feedback(comment="revised", supersedes=first.id))
        before.withdraw(2, "Dr Example", "b" * 32)
        with engine.begin() as connection:
            for statement in (
                "INSERT INTO study VALUES "
                "(2, 's', '/f', 't', 'd', '{\"a\": \"b\"}', 'm', 'e', '2026-01-01', NULL)",
                "INSERT INTO study_case VALUES (3, 2, 1, 'i', 4, 5, '{}', '{}')",
                "INSERT INTO assignment VALUES (4, 3, 1, 'aided', 1, 1, '{}', NULL)",
                "INSERT INTO event VALUES (5, 4, 'zoom', '{\"zoom\": 1.5}', '2026-01-01')",
            ):
                connection.exec_driver_sql(statement)
        rows = before.rows()
    back_up(path, tmp_path / "copy.sqlite3")
    with closing_engine(open_database(url)) as engine:
        served = FeedbackRepository(engine)
        served.add(feedback(comment="there before"))
        former = restore(url, tmp_path / "copy.sqlite3")
        assert served.rows() == rows
        with pytest.raises(sqlalchemy.exc.DBAPIError, match="never changed"), engine.begin() as connection:
            connection.exec_driver_sql("TRUNCATE event")
        assert served.add(feedback(comment="new")).id == 4
        assert former is not None
        with closing_engine(open_database(former)) as file:
            assert [row["comment"] for row in FeedbackRepository(file).rows()] == ["there before"]
        newest = served.rows()
        back_up(url, tmp_path / "of_server.sqlite3")
    with pytest.raises(StoreError, match="stands already"):
        back_up(url, tmp_path / "of_server.sqlite3")
    restore(path, tmp_path / "of_server.sqlite3")
    with closing_engine(open_database(path)) as engine:
        assert FeedbackRepository(engine).rows() == newest
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT id, detail FROM event").all() == [(5, '{"zoom": 1.5}')]
            assert connection.exec_driver_sql("SELECT findings FROM study WHERE id = 2").all() == [
                ('{"a": "b"}',)
            ]
    assert (tmp_path / "of_server.sqlite3").stat().st_mode & 0o777 == 0o600
