"""Faults of the store over HTTP: a sentence each, nothing lost, and afterwards the request is answered."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import event

from app.store import FeedbackRepository
from tests.app.page_client import PageClient, reading

Fault = Callable[[sqlalchemy.Engine, Path], AbstractContextManager[None]]


@contextmanager
def pragma(engine: sqlalchemy.Engine, words: str, back: str) -> Iterator[None]:
    """Every connection has a setting meanwhile."""
    now = {"words": words}

    @event.listens_for(engine, "checkout")
    def _set(connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA {now['words']}")

    yield
    now["words"] = back


@contextmanager
def full(engine: sqlalchemy.Engine, path: Path) -> Iterator[None]:
    """SQLite gives the very error of a full disk where a database has as many pages as it may."""
    with pragma(engine, "max_page_count=1", "max_page_count=1000000"):
        yield


@contextmanager
def read_only(engine: sqlalchemy.Engine, path: Path) -> Iterator[None]:
    """And that of a file that may not be written."""
    with pragma(engine, "query_only=1", "query_only=0"):
        yield


@contextmanager
def locked(engine: sqlalchemy.Engine, path: Path) -> Iterator[None]:
    """Another program writes and does not end."""
    with (
        pragma(engine, "busy_timeout=20", "busy_timeout=5000"),
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def newer(engine: sqlalchemy.Engine, path: Path) -> Iterator[None]:
    """Another version has migrated the database meanwhile."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        (before,) = other.execute("SELECT version_num FROM alembic_version").fetchone()
        other.execute("UPDATE alembic_version SET version_num = '9999'")
        yield
        other.execute("UPDATE alembic_version SET version_num = ?", (before,))


@contextmanager
def away(engine: sqlalchemy.Engine, path: Path) -> Iterator[None]:
    """Somebody has moved the file."""
    path.rename(path.with_name("moved"))
    yield
    path.with_name("moved").rename(path)


FAULTS: dict[str, tuple[Fault, str, bool]] = {  # words, and whether what is stored can be read meanwhile
    "full": (full, "the disk is full; free some space, then press Save again", True),
    "locked": (locked, "the database is busy; press Save again in a moment", True),
    "read-only": (read_only, "the database may not be written; make its file and folder writable", True),
    "newer": (newer, "A newer version of Patch-CLIP has changed the feedback database", False),
    "away": (away, "was removed or replaced while the server was running", False),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_a_sentence_and_the_same_request_is_stored_once_it_is_mended(
    name: str,
    window: PageClient,
    repository: FeedbackRepository,
    database: sqlalchemy.Engine,
    tmp_path: Path,
    study: str,
    png: bytes,
) -> None:
    fault, words, readable = FAULTS[name]
    window.call("ask", study=study, text="no pneumothorax")
    before = window.call("save", **reading(study, comment="before"))["row"]
    # Larger than the pages that are free already.
    polygon = {"kind": "polygon", "points": [[k + 0.5, k + 0.25] for k in range(200)]}
    sent = reading(study, comment="meanwhile", presence="present", shapes=[polygon] * 40)
    with fault(database, tmp_path / "feedback.sqlite3"):
        for _ in range(2):
            error = window.call("save", **sent)["error"]
            assert words in error and error.count("\n") == 0
            assert window.status == 400
        history = window.call("history")
        if readable:
            assert [row["comment"] for row in history["rows"]] == ["before"]
        else:
            assert words in history["error"]
        # Looking and asking need no database.
        assert window.call("ask", study=study, text="mass")["answers"]
        opened = window.send("open_upload", png)
        counted = window.call("judged", reader=sent["reader"], images=[opened["sha256"]])
        assert counted == {"judged": [1]} if readable else words in counted["error"]
    saved = window.call("save", **sent)
    assert saved["row"] > before
    assert window.call("save", **sent) == saved
    assert [row["comment"] for row in repository.rows()] == [sent["comment"], "before"]
    with closing(sqlite3.connect(tmp_path / "feedback.sqlite3")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
