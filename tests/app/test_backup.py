"""A copy of the database while readings are saved: whole, with all that was acknowledged; and back."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from app.__main__ import main
from app.backup import back_up, restore
from app.store import FeedbackRepository, StoreError, migrate, open_database
from tests.app.test_repository import feedback

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _own_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.__main__.signal.signal", lambda *_: None)


class Writers:
    """Threads that save readings as fast as they can; `acknowledged` are the comments of those stored."""

    def __init__(self, repository: FeedbackRepository, number: int = 3) -> None:
        self.acknowledged: list[str] = []
        self._repository, self._stop = repository, Event()
        self._threads = [Thread(target=self._write, args=(name,)) for name in range(number)]

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _write(self, name: int) -> None:
        count = 0
        while not self._stop.is_set():
            comment = f"{name} {count}"
            self._repository.add(feedback(comment=comment))
            self.acknowledged.append(comment)
            count += 1


def contents(path: Path) -> list[tuple[str, int, int]]:
    """(comment, boxes, outlines) of each reading, of a database that is whole."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        return connection.execute(
            "SELECT comment, (SELECT count(*) FROM box WHERE feedback_id = feedback.id), "
            "(SELECT count(*) FROM outline WHERE feedback_id = feedback.id) FROM feedback ORDER BY id"
        ).fetchall()


def test_copies_under_writes_are_whole_and_have_all_that_was_acknowledged_before(
    repository: FeedbackRepository, tmp_path: Path
) -> None:
    sizes = []
    with Writers(repository) as writers:
        for number in range(6):
            while len(writers.acknowledged) < 5 * (number + 1):
                time.sleep(0.01)
            before = set(writers.acknowledged)
            copy = tmp_path / f"copy-{number}.sqlite3"
            back_up(tmp_path / "feedback.sqlite3", copy)
            rows = contents(copy)
            assert before <= {comment for comment, _, _ in rows}
            assert {row[1:] for row in rows} == {(2, 2)}  # no reading without its boxes
            sizes.append(len(rows))
    assert sizes == sorted(sizes) and sizes[-1] > sizes[0]
    assert len(contents(tmp_path / "feedback.sqlite3")) == len(writers.acknowledged)


def test_a_copy_is_one_file_for_this_user_alone(repository: FeedbackRepository, tmp_path: Path) -> None:
    repository.add(feedback(comment="kept"))
    folder = tmp_path / "copies"
    folder.mkdir()
    before = os.umask(0)
    try:
        assert (
            main(["backup", str(folder / "a.sqlite3"), "--database", str(tmp_path / "feedback.sqlite3")]) == 0
        )
    finally:
        os.umask(before)
    assert [path.name for path in folder.iterdir()] == ["a.sqlite3"]
    assert stat.S_IMODE((folder / "a.sqlite3").stat().st_mode) == 0o600
    assert contents(folder / "a.sqlite3") == [("kept", 2, 2)]
    assert [path.name for path in folder.iterdir()] == ["a.sqlite3"]


def test_a_server_that_runs_goes_on_with_what_was_restored(
    repository: FeedbackRepository, tmp_path: Path
) -> None:
    path, copy = tmp_path / "feedback.sqlite3", tmp_path / "copy.sqlite3"
    repository.add(feedback(comment="before"))
    back_up(path, copy)
    repository.add(feedback(comment="after"))
    former = restore(path, copy)
    assert [row["comment"] for row in repository.rows()] == ["before"]
    repository.add(feedback(comment="went on"))
    assert [row["comment"] for row in repository.rows()] == ["went on", "before"]
    assert former is not None and [row[0] for row in contents(former)] == ["before", "after"]
    assert [row[0] for row in contents(path)] == ["before", "went on"]


def test_a_copy_becomes_a_database_where_there_is_none(
    repository: FeedbackRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.add(feedback(comment="kept"))
    copy, other = tmp_path / "copy.sqlite3", tmp_path / "elsewhere" / "new.sqlite3"
    back_up(tmp_path / "feedback.sqlite3", copy)
    assert main(["backup", str(copy), "--restore", "--database", str(other)]) == 0
    assert capsys.readouterr().out == "The database holds what copy.sqlite3 does.\n"
    engine = open_database(other)
    assert [row["comment"] for row in FeedbackRepository(engine).rows()] == ["kept"]
    engine.dispose()


def test_nothing_is_overwritten_and_nothing_foreign_is_restored(
    repository: FeedbackRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "feedback.sqlite3"
    repository.add(feedback(comment="kept"))
    taken = tmp_path / "taken"
    taken.write_text("somebody's")
    with pytest.raises(StoreError, match="taken stands already and is not overwritten"):
        back_up(path, taken)
    assert taken.read_text() == "somebody's"
    with pytest.raises(StoreError, match="no database absent"):
        back_up(tmp_path / "absent", tmp_path / "copy")
    with pytest.raises(StoreError, match=r"could not be written \(No such file"):
        back_up(path, tmp_path / "no" / "such" / "folder")
    notes = tmp_path / "notes"
    notes.write_bytes(b"these are notes, not a database, and long enough to have a header" * 20)
    newer = tmp_path / "newer.sqlite3"
    back_up(path, newer)
    with closing(sqlite3.connect(newer)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for copy, words in (
        (notes, "not a feedback database"),
        (newer, "newer version"),
        (tmp_path / "absent", "no copy absent"),
    ):
        with pytest.raises(StoreError, match=words):
            restore(path, copy)
    assert [row["comment"] for row in repository.rows()] == ["kept"]
    assert not list(tmp_path.glob("*.before-*"))
    assert main(["backup", str(taken), "--database", str(path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_damaged_database_is_not_copied_as_if_it_were_whole(tmp_path: Path) -> None:
    path = tmp_path / "damaged.sqlite3"
    engine = open_database(path)
    migrate(engine)
    for _ in range(40):
        FeedbackRepository(engine).add(feedback(comment="x" * 2000))
    engine.dispose()
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 6000] = bytes(6000)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        back_up(path, tmp_path / "copy.sqlite3")
    assert not (tmp_path / "copy.sqlite3").exists()
    assert not list(tmp_path.glob("*.writing*"))


def test_a_full_disk_leaves_no_half_copy(repository: FeedbackRepository, tmp_path: Path) -> None:
    for _ in range(30):
        repository.add(feedback(display={"colours": "x" * 100_000}))
    folder = tmp_path / "full"
    folder.mkdir()
    # A file may grow to 1 MB alone, which the system refuses as a disk that fails would.
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)); "
        "from app.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "backup", str(folder / "copy.sqlite3")]
    command += ["--database", str(tmp_path / "feedback.sqlite3")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: The copy could not be written: the disk is full")
    assert list(folder.iterdir()) == []
