"""Killed while it saves (kill -9): every acknowledged reading is there, none twice, the file is whole."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.app.study.conftest import SEQUENTIAL, Bench

ROOT = Path(__file__).resolve().parents[3]
KILLS = 5
SAVING = """
import os, random, signal, sys, time
from datetime import UTC, datetime
from pathlib import Path
from app.store import open_database
from app.study.readings import Readings
from app.study.said import FindingSaid, NewReading
from app.study.studies import Studies

path, acknowledged, kills = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])

parent = os.getpid()

def save(seed):
    keys = random.Random(seed)
    readings = Readings(Studies(open_database(path)))
    with acknowledged.open("a", buffering=1) as file:
        while os.getppid() == parent:
            key = f"{keys.getrandbits(128):032x}"
            said = [FindingSaid(label, "present", 50) for label in ("Effusion", "Pleural_Thickening")]
            new = NewReading(1, "first", key, said, "", False, 1, datetime.now(UTC))
            for _ in range(2):  # as a page does that lost the answer
                readings.add(2, new)
            file.write(key + "\\n")

for kill in range(kills):
    before = acknowledged.stat().st_size
    child = os.fork()
    if child == 0:
        save(kill)
        os._exit(0)
    while acknowledged.stat().st_size == before:
        time.sleep(0.005)
    time.sleep(random.Random(kill).random() / 10)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


def test_no_acknowledged_reading_is_lost_or_double(bench: Bench, films: Path, tmp_path: Path) -> None:
    bench.make(films, SEQUENTIAL, ("anna",))
    bench.database.dispose()
    path, acknowledged = tmp_path / "feedback.sqlite3", tmp_path / "acknowledged"
    acknowledged.touch()
    subprocess.run(
        [sys.executable, "-c", SAVING, str(path), str(acknowledged), str(KILLS)],
        check=True,
        cwd=ROOT,
        timeout=900,
    )
    told = acknowledged.read_text().splitlines()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        keys = [key for (key,) in connection.execute("SELECT key FROM study_reading")]
        revisions = [row for (row,) in connection.execute("SELECT revision FROM study_reading ORDER BY id")]
        halves = connection.execute(
            "SELECT count(*) FROM study_reading WHERE (SELECT count(*) FROM finding_reading "
            "WHERE reading_id = study_reading.id) != 2"
        ).fetchone()
    assert len(told) >= KILLS
    assert len(set(keys)) == len(keys)
    assert set(told) <= set(keys)
    assert len(keys) - len(told) <= KILLS  # stored, and killed before it was said
    assert revisions == list(range(1, len(revisions) + 1))
    assert halves == (0,)
