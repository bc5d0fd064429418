"""Killed while saving: every reading called saved is there, once, and the file is whole.

Free readings fifty times; a server of a study five times, and fifty with `make kills`.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMES, SHORT = 50, 5


def test_fifty_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite3"
    command = [sys.executable, "-m", "tests.load.kills", str(path), str(TIMES), "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    acknowledged = done.stdout.splitlines()
    assert len(acknowledged) > TIMES
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        rows = connection.execute(
            "SELECT comment, (SELECT count(*) FROM box WHERE feedback_id = feedback.id), "
            "(SELECT count(*) FROM outline WHERE feedback_id = feedback.id) FROM feedback"
        ).fetchall()
    stored = Counter(comment for comment, _, _ in rows)
    assert [comment for comment in acknowledged if comment not in stored] == []
    assert set(stored.values()) == {1}
    assert {row[1:] for row in rows} == {(2, 2)}
    # What was being saved as the process was killed may be there; no more than one of each.
    assert 0 <= len(stored) - len(acknowledged) <= TIMES


def test_a_killed_server_loses_and_doubles_nothing_of_a_study() -> None:
    """At least one kill takes an answer, so that the same key is saved again and once; chance decides how
    many do, so a run in which none did is repeated."""
    for seed in ("7", "8", "9"):
        command = [sys.executable, "-m", "tests.load.study_kills", "--times", str(SHORT), "--seed", seed]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        told = json.loads(done.stdout)
        assert told["kills"] == SHORT and told["whole"]
        assert {told[name] for name in ("lost", "doubled", "strange", "broken")} == {0}
        assert told["stored"] == told["acknowledged"] >= SHORT
        if told["sent_again"]:
            return
    raise AssertionError("no kill in three runs took an answer")
