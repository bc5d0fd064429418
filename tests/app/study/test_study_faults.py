"""Faults of a study's database and folder: a sentence each, nothing lost, and afterwards the same request is
answered by the same server."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.study.packs import Packs
from tests.app.study.conftest import SEQUENTIAL, Bench
from tests.app.study.reader_client import ReaderClient, opinion_body, people_of, study_api
from tests.app.test_faults import FAULTS

WORDS = {  # what the reader is told to do once it is mended
    "study_open": "open it again",
    "study_answers": "ask for them again",
    "study_save": "press Save again",
}


@pytest.fixture
def anna(bench: Bench, films: Path, tmp_path: Path) -> ReaderClient:
    """The window of a reader of a sequential study of six cases, which are ready."""
    bench.make(films, SEQUENTIAL, ("anna",))
    bench.make_ready()
    return ReaderClient(study_api(bench, tmp_path, people_of(bench)), "anna")


def opinions(path: Path) -> list[tuple[str, str, int]]:
    """(key, opinion, findings) of what is stored, of a database that is whole."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute(
            "SELECT key, opinion, (SELECT count(*) FROM finding_reading WHERE reading_id = study_reading.id) "
            "FROM study_reading ORDER BY id"
        ).fetchall()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_a_sentence_and_the_same_opinion_is_stored_once_it_is_mended(
    name: str, bench: Bench, anna: ReaderClient, tmp_path: Path
) -> None:
    fault, words, readable = FAULTS[name]
    path = tmp_path / "feedback.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")  # no page is free in which an opinion would find room
    assignment = anna.call("study_worklist", study=2)["next"]
    anna.call("study_open", assignment=assignment)
    first = anna.save(assignment)
    sent = opinion_body(assignment, comment="x" * 2000)
    for finding in sent["findings"]:  # 8 KB, for which no page has room
        finding |= {
            "presence": "present",
            "boxes": [[k + 1 / 3, k + 2 / 3, 91 / 3, 97 / 3] for k in range(50)],
        }
    asked: dict[str, dict[str, Any]] = {"study_save": sent}
    if name != "full":  # what is as small as an opening finds room in pages that are there already
        asked |= {name: {"assignment": assignment} for name in ("study_open", "study_answers")}
    with fault(bench.database, path):
        for request, body in asked.items():
            error = anna.call(request, **body)["error"]
            told = words.replace("press Save again", WORDS[request])
            assert told in error and error.count("\n") == 0 and anna.status == 400, request
        listed = anna.call("study_worklist", study=2)
        assert listed["next"] == assignment if readable else words in listed["error"]
    assert anna.call("study_open", assignment=assignment)["locked"]["revision"] == first["revision"] == 1
    saved = anna.call("study_save", **sent)
    assert saved["revision"] == 2
    assert anna.call("study_save", **sent) == saved
    assert [row[1:] for row in opinions(path)] == [("first", 2)] * 2
    assert anna.call("study_answers", assignment=assignment)["answers"]


def test_a_full_study_folder_keeps_no_case_from_being_read_once_there_is_space(
    bench: Bench, films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.make(films, SEQUENTIAL, ("anna",))
    anna = ReaderClient(study_api(bench, tmp_path, people_of(bench)), "anna")
    assignment = anna.call("study_worklist", study=2)["next"]

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as fault:
        fault.setattr(Packs, "put", full)
        error = anna.call("study_open", assignment=assignment)["error"]
        assert "The study's folder cannot be written (No space left on device)" in error
    assert anna.call("study_open", assignment=assignment)["case"]
