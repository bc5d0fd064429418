"""A soak: so many readers for so long at a real server; what was lost, crossed, slow or leaked."""

from __future__ import annotations

import io
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import cv2
import httpx
import numpy as np

from app.people.accounts import Accounts
from app.people.cookie import NAME as COOKIE
from app.people.identity import Role
from app.store import migrate, open_database
from app.study.cli import main as study
from patchclip.image.synthetic import synthetic_radiograph
from tests.browser.serving import Server, free_port
from tests.load.reader import LoadReader, Record
from tests.load.window import BrowserReader

PROTOCOL = """
title = "A soak"
findings = ["Effusion", "Nodule"]
arms = ["sequential"]
maps = { A = "patch" }
seed = 7
"""
SAMPLE_S = 1.0
CACHED_P95_S = 1.0
GROWTH = 1.10  # of the memory, from the second quarter of the time to the last
FLAT_FROM_MINUTES = 2.0  # in less time a process has not yet got what it needs


@dataclass(frozen=True, slots=True)
class SoakPlan:
    """What is to be done: each reader reads films of their own, and cases of one study of all.

    Attributes:
        readers: how many, at once, each a program of its own pace.
        browsers: how many more readers, each with a real browser.
        minutes: how long.
        pause_s: how long each looks between two requests, on average.
        film_px: height and width of the films.
        cases: of the study.
    """

    readers: int = 32
    minutes: float = 20.0
    pause_s: float = 10.0
    film_px: int = 1024
    cases: int = 100
    browsers: int = 2

    @property
    def people(self) -> int:
        """All readers."""
        return self.readers + self.browsers


@dataclass(frozen=True, slots=True)
class SoakResult:
    """What came of it.

    Attributes:
        record: as JSON.
        failures: what must not be, a sentence each; none if all is well.
    """

    record: dict[str, Any]
    failures: tuple[str, ...]


def soak(plan: SoakPlan, folder: Path) -> SoakResult:
    """Runs a server on an empty database below a folder, has it used, stops it, and counts."""
    database = folder / "feedback.sqlite3"
    password = "a password of the soak"
    _make_accounts(database, plan.people, password)
    _make_study(database, folder, plan)
    memory: list[float] = []
    with Server(database, free_port()) as server:
        stop, studies = Event(), dict[str, str]()
        readers: list[LoadReader | BrowserReader] = [
            LoadReader(server.url, _name(k), password, _film(k, plan.film_px), plan.pause_s, k, studies)
            for k in range(plan.readers)
        ]
        readers += [
            _window(server.url, _name(k), password, folder, plan) for k in range(plan.readers, plan.people)
        ]
        threads = [Thread(target=reader.run, args=(stop,)) for reader in readers]
        for thread in threads:
            thread.start()
        end = time.monotonic() + plan.minutes * 60
        while time.monotonic() < end and any(thread.is_alive() for thread in threads):
            memory.append(resident_mb(server.pid))
            time.sleep(SAMPLE_S)
        stop.set()
        for thread in threads:
            thread.join()
        output = server.output
    return _result(plan, [reader.record for reader in readers], memory, database, output)


def resident_mb(pid: int) -> float:
    """Memory that a process and its children hold, in MB; pages that they share count for each."""
    total = 0
    for process in (pid, *_children(pid)):
        try:
            pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
        except (OSError, IndexError):
            continue  # it has ended meanwhile
        total += pages * 4096
    return total / 1e6


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            found += [int(child) for child in (task / "children").read_text(encoding="ascii").split()]
        except OSError:
            continue  # a thread that has ended
    return found


def _name(number: int) -> str:
    return f"Reader {number + 1:02d}"


def _make_accounts(database: Path, number: int, password: str) -> None:
    engine = open_database(database)
    migrate(engine)
    accounts = Accounts(engine)
    for k in range(number):
        accounts.create(_name(k), Role.READER, password)
    engine.dispose()


def _window(url: str, name: str, password: str, folder: Path, plan: SoakPlan) -> BrowserReader:
    """Somebody with a browser, who is signed in."""
    with httpx.Client(base_url=url) as client:
        client.post("/api/sign_in", json={"name": name, "password": password}).raise_for_status()
        cookie = client.cookies[COOKIE]
    film = folder / f"{name}.png"
    film.write_bytes(_film(500 + int(name[-2:]), plan.film_px))
    return BrowserReader(url, name, (COOKIE, cookie), film, plan.pause_s)


def _make_study(database: Path, folder: Path, plan: SoakPlan) -> None:
    """In two opinions, of all readers."""
    films = folder / "films"
    films.mkdir()
    for k in range(plan.cases):
        (films / f"{k}.png").write_bytes(_film(1000 + k, plan.film_px))
    (folder / "protocol.toml").write_text(PROTOCOL, encoding="utf-8")
    names = ",".join(_name(k) for k in range(plan.people))
    command = ["create", "soak", "--cases", str(films), "--protocol", str(folder / "protocol.toml")]
    command += ["--readers", names, "--database", str(database)]
    with redirect_stdout(io.StringIO()) as said:
        status = study(command)
    if status != 0:
        raise RuntimeError(f"the study could not be made: {said.getvalue()}")


def _film(number: int, size: int) -> bytes:
    drawn = synthetic_radiograph("effusion", size=size, seed=number + 1).pixels
    done, encoded = cv2.imencode(".png", (np.clip(drawn, 0, 1) * 255).astype(np.uint8))
    assert done
    return encoded.tobytes()


def _result(
    plan: SoakPlan, records: Sequence[Record], memory: Sequence[float], database: Path, output: str
) -> SoakResult:
    seconds: dict[str, list[float]] = {}
    for record in records:
        for kind, taken in record.seconds.items():
            seconds.setdefault(kind, []).extend(taken)
    acknowledged = [
        (_name(k), said)
        for k, record in enumerate(records)
        for said in (*record.acknowledged, *record.opinions)
    ]
    unanswered = {(_name(k), text) for k, record in enumerate(records) for text in record.unanswered}
    stored, whole = _stored(database)
    lost = set(acknowledged) - set(stored)
    doubled = [row for row, count in Counter(stored).items() if count > 1]
    strange = set(stored) - set(acknowledged) - unanswered
    troubles = [trouble for record in records for trouble in record.troubles]
    crossings = [crossing for record in records for crossing in record.crossings]
    growth = _growth(memory)
    p95 = _percentile(seconds.get("cached ask", []), 95)
    failures = [
        *troubles,
        *crossings,
        *([f"{len(lost)} acknowledged readings are lost"] if lost else []),
        *([f"{len(doubled)} readings are stored twice"] if doubled else []),
        *([f"{len(strange)} readings are stored that nobody saved under that name"] if strange else []),
        *([] if whole else ["the database is not whole"]),
        *([] if acknowledged else ["nothing was saved"]),
        *(["something is in the server's log"] if "failed:" in output or "Traceback" in output else []),
    ]
    if p95 is None or p95 >= CACHED_P95_S:
        failures.append(f"the p95 of a cached query is {p95} s, and the limit is {CACHED_P95_S} s")
    if plan.minutes >= FLAT_FROM_MINUTES and growth > GROWTH:
        failures.append(f"the memory has grown {growth:.2f} times")
    return SoakResult(
        {
            "readers": plan.readers,
            "browsers": plan.browsers,
            "cores": len(os.sched_getaffinity(0)),
            "minutes": plan.minutes,
            "requests": sum(len(taken) for taken in seconds.values()),
            "told_to_come_again": sum(record.busy for record in records),
            "readings_acknowledged": len(acknowledged),
            "of_which_in_the_study": sum(len(record.opinions) for record in records),
            "readings_lost": len(lost),
            "readings_doubled": len(doubled),
            "cross_talk": len(strange) + len(crossings),
            "database_whole": whole,
            "seconds": {
                kind: {
                    "n": len(taken),
                    "p50": _percentile(taken, 50),
                    "p95": _percentile(taken, 95),
                    "most": round(max(taken), 3),
                }
                for kind, taken in sorted(seconds.items())
            },
            "memory_mb": _quarters(memory),
            "memory_growth": round(growth, 3),
            "failures": failures,
        },
        tuple(failures),
    )


def _stored(database: Path) -> tuple[list[tuple[str, str]], bool]:
    """(reader, comment) of each reading, (reader, key) of each opinion; whether the database is whole."""
    with closing(sqlite3.connect(database)) as connection:
        whole = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        readings = connection.execute("SELECT reader, comment FROM feedback").fetchall()
        opinions = connection.execute(
            "SELECT reader.name, study_reading.key FROM study_reading "
            "JOIN assignment ON assignment.id = assignment_id JOIN reader ON reader.id = reader_id"
        ).fetchall()
        return [*readings, *opinions], whole


def _growth(memory: Sequence[float]) -> float:
    """Memory in the last quarter of the time, as a multiple of that in the second."""
    quarter = len(memory) // 4
    if not quarter:
        return 1.0
    return float(np.median(memory[-quarter:]) / np.median(memory[quarter : 2 * quarter]))


def _quarters(memory: Sequence[float]) -> list[int]:
    """The middle value of each quarter of the time, in MB."""
    return [round(float(np.median(part))) for part in np.array_split(memory, 4) if len(part)]


def table(record: dict[str, Any]) -> str:
    """A run in Markdown: what was counted, and how long each kind of request took."""
    counted = {
        "readers, of whom with a browser": f"{record['readers'] + record['browsers']}, {record['browsers']}",
        "minutes, cores": f"{record['minutes']:g}, {record['cores']}",
        "requests; told to come again": f"{record['requests']}; {record['told_to_come_again']}",
        "readings acknowledged, of which in the study": (
            f"{record['readings_acknowledged']}, {record['of_which_in_the_study']}"
        ),
        "lost; doubled; cross-talk": (
            f"{record['readings_lost']}; {record['readings_doubled']}; {record['cross_talk']}"
        ),
        "memory by quarter of the time, MB": ", ".join(map(str, record["memory_mb"])),
        "memory, last quarter to second": f"{record['memory_growth']:.2f}",
        "database whole": "yes" if record["database_whole"] else "no",
        "amiss": str(len(record["failures"])),
    }
    lines = ["| counted | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in counted.items())]
    lines += ["", "| request | n | median s | p95 s | most s |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {kind} | {row['n']} | {row['p50']:.3f} | {row['p95']:.3f} | {row['most']:.3f} |"
        for kind, row in record["seconds"].items()
    ]
    return "\n".join(lines) + "\n"


def _percentile(taken: Sequence[float], percent: float) -> float | None:
    return round(float(np.percentile(taken, percent)), 3) if taken else None
