"""A server that is killed while readers save: python -m tests.load.study_kills [--times N] [--seed N].

One process imports everything; another one, forked from it and without threads, forks the servers, which
answer the page's own requests over HTTP until they are killed (SIGKILL) in the middle of saves. The socket is
shared, so that who asks meanwhile is answered by the next server; a save without an answer is sent again by
the same key, as the page does. Prints what became of it as JSON; the status is 1 if a reading was lost or
doubled.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import sqlite3
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, NoReturn, cast

import httpx
import uvicorn
from starlette.applications import Starlette

from app.api import routes
from app.guard import Windows
from app.guard.windows import HEADER
from app.lanes import Lanes
from app.models.in_use import InUse
from app.service import Service
from app.store import FeedbackRepository, migrate, open_database
from app.study.cases import Cases, NewCase, Place
from app.study.making import make_study
from app.study.server import model_of, study_server
from app.study.studies import Studies
from app.uploads import Uploads
from patchclip import Engine
from tests.app.fake_engine import FakeEngine
from tests.app.study.reader_client import PERSON, Headers, opinion_body, people_in

PROTOCOL = """
title = "Saved, and killed"
findings = ["Effusion", "pleural thickening"]
arms = ["unaided"]
"""
READERS = ("anna", "ben")
FILMS = 3
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Killed:
    """What became of it.

    Attributes:
        kills: how often a server was killed.
        acknowledged: opinions that were called saved.
        sent_again: saves whose answer a kill took, which were sent again by the same key.
        stored: rows.
        lost, doubled, strange: acknowledged ones without a row, keys with several, rows that nobody sent.
        broken: rows without both of their findings, or of another reader, or revisions out of order.
        whole: what SQLite says of the file.
        seconds: all of it took.
    """

    kills: int
    acknowledged: int
    sent_again: int
    stored: int
    lost: int
    doubled: int
    strange: int
    broken: int
    whole: bool
    seconds: float

    @property
    def good(self) -> bool:
        """Whether nothing was lost, doubled or broken."""
        return self.whole and not (self.lost or self.doubled or self.strange or self.broken)


class Saver:
    """A reader who says something else of their cases again and again.

    Args:
        url: of the server.
        name: of the reader.
        seed: of the keys.
    """

    def __init__(self, url: str, name: str, seed: int) -> None:
        self.name, self.acknowledged, self.sent_again = name, list[str](), 0
        self.trouble: str | None = None
        self._random, self._url, self._lock = random.Random(seed), url, Lock()

    def count(self) -> int:
        """How many opinions were called saved so far."""
        with self._lock:
            return len(self.acknowledged)

    def run(self, stop: Event) -> None:
        """Saves until told to stop."""
        try:
            with httpx.Client(base_url=self._url, headers={PERSON: self.name}, timeout=PATIENCE_S) as client:
                self._save_on(client, stop)
        except Exception as error:  # in a thread of its own: told by whoever waits for it
            self.trouble = f"{self.name} stopped: {type(error).__name__}: {error}"

    def _save_on(self, client: httpx.Client, stop: Event) -> None:
        self._window(client)
        listed = _answer(self._until_answered(client, "study_worklist", {"study": 2}))
        assignments = [item["assignment"] for item in listed["items"]]
        while not stop.is_set():
            key = f"{self._random.getrandbits(128):032x}"
            said = opinion_body(self._random.choice(assignments), key=key)
            _answer(self._until_answered(client, "study_save", said))
            with self._lock:
                self.acknowledged.append(key)

    def _until_answered(self, client: httpx.Client, request: str, body: dict[str, Any]) -> httpx.Response:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                reply = client.post(f"/api/{request}", json=body, headers={HEADER: self._token})
                if reply.status_code != 401:
                    return reply
                self._window(client)  # the token was a server's that was killed since
            except httpx.TransportError:
                if time.monotonic() > until:
                    raise
                self.sent_again += request == "study_save"
                self._window(client)

    def _window(self, client: httpx.Client) -> None:
        """A token of the server that answers now."""
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._token = str(_answer(client.post("/api/window", json={}))["window"])
                return
            except httpx.TransportError:
                if time.monotonic() > until:
                    raise


def kill_while_saving(folder: Path, times: int, seed: int) -> Killed:
    """Makes a study in an empty folder, has two readers save, and kills the server so many times.

    Raises:
        RuntimeError: a reader could not go on, or a server ended by itself.
    """
    began, chance = time.monotonic(), random.Random(seed)
    database = folder / "feedback.sqlite3"
    _wait_whole(_fork(lambda: _make(database, folder)))
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        savers = [Saver(url, name, seed + k) for k, name in enumerate(READERS)]
        stop = Event()
        servers = _Servers(database, folder, listening)  # before there are threads
        threads = [Thread(target=saver.run, args=(stop,)) for saver in savers]
        for thread in threads:
            thread.start()
        try:
            for number in range(times):
                _wait_for(savers, sum(saver.count() for saver in savers) + chance.randint(1, 6))
                time.sleep(chance.uniform(0, 0.03))
                if number == times - 1:
                    stop.set()
                servers.kill()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            servers.end()
    troubles = [saver.trouble for saver in savers if saver.trouble]
    if troubles:
        raise RuntimeError("; ".join(troubles))
    return _counted(database, savers, times, time.monotonic() - began)


def _answer(reply: httpx.Response) -> dict[str, Any]:
    """What was answered.

    Raises:
        ValueError: an error was.
    """
    if reply.status_code != 200:
        raise ValueError(f"answered with {reply.status_code}: {reply.text[:200]}")
    return dict(reply.json())


def _make(database: Path, folder: Path) -> None:
    """A database with a study of two readers, of films that nobody opens."""
    opened, engine = open_database(database), cast(Engine, FakeEngine())
    migrate(opened)
    films = tuple(NewCase(Place(f"{number}.png"), f"{number:064x}", (96, 96)) for number in range(FILMS))
    make_study(Studies(opened), model_of(engine), "killed", PROTOCOL, Cases(folder, films), READERS)
    opened.dispose()


def _serve(database: Path, folder: Path, listening: socket.socket) -> None:
    """The page's requests, without Gradio: what is saved is stored as it is by the whole server."""
    opened, engine = open_database(database), cast(Engine, FakeEngine())
    service = Service(InUse(engine), FeedbackRepository(opened), study_memory_mb=50, upload_limit_mb=1)
    studies = study_server(opened, engine, None, folder / "ready", None, Lanes())
    uploads = Uploads(folder, 1_000_000)
    asked = routes(service, Windows(), uploads, Headers(people_in(opened)), studies)
    config = uvicorn.Config(Starlette(routes=asked), log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])


class _Servers:
    """A process without threads that has one server run after another: each byte that it is sent has it kill
    the one that runs and fork the next."""

    def __init__(self, database: Path, folder: Path, listening: socket.socket) -> None:
        read, self._write = os.pipe()
        self._answers, write = os.pipe()
        self._process = _fork(lambda: self._keep(database, folder, listening, read, write))
        os.close(read)
        os.close(write)

    def kill(self) -> None:
        """The server is killed, and the next one begins.

        Raises:
            RuntimeError: it had ended by itself.
        """
        os.write(self._write, b"k")
        if os.read(self._answers, 1) != b"k":
            raise RuntimeError("a server ended by itself")

    def end(self) -> None:
        """The last server is killed."""
        os.close(self._write)
        os.waitpid(self._process, 0)
        os.close(self._answers)

    def _keep(self, database: Path, folder: Path, listening: socket.socket, read: int, write: int) -> None:
        os.close(self._write)
        while True:
            child = _fork(lambda: _serve(database, folder, listening))
            told = os.read(read, 1)
            _kill(child)
            if not told:
                return
            os.write(write, b"k")


def _fork(work: Callable[[], None]) -> int:
    """A process that does this and ends, with status 0 if it could; nothing of its parent's is tidied up."""
    child = os.fork()
    if child:
        return child
    _end(work)


def _end(work: Callable[[], None]) -> NoReturn:
    status = 1
    try:
        work()
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(status)


def _wait_whole(child: int) -> None:
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError("the study could not be made")


def _kill(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
        raise RuntimeError(f"a server ended by itself, with status {status}")


def _wait_for(savers: list[Saver], count: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while sum(saver.count() for saver in savers) < count:
        if time.monotonic() > until or any(saver.trouble for saver in savers):
            raise RuntimeError(f"nothing is saved any more: {[saver.trouble for saver in savers]}")
        time.sleep(0.002)


def _counted(database: Path, savers: list[Saver], times: int, seconds: float) -> Killed:
    told = {key: saver.name for saver in savers for key in saver.acknowledged}
    with closing(sqlite3.connect(database)) as connection:
        whole = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        whole &= connection.execute("PRAGMA foreign_key_check").fetchall() == []
        rows = connection.execute(
            "SELECT study_reading.key, reader.name, assignment_id, revision, "
            "(SELECT count(*) FROM finding_reading WHERE reading_id = study_reading.id) FROM study_reading "
            "JOIN assignment ON assignment.id = assignment_id JOIN reader ON reader.id = reader_id "
            "ORDER BY study_reading.id"
        ).fetchall()
    keys = Counter(key for key, *_ in rows)
    revisions: dict[int, list[int]] = {}
    for _, _, assignment, revision, _ in rows:
        revisions.setdefault(assignment, []).append(revision)
    return Killed(
        kills=times,
        acknowledged=len(told),
        sent_again=sum(saver.sent_again for saver in savers),
        stored=len(rows),
        lost=len(told.keys() - keys.keys()),
        doubled=sum(count > 1 for count in keys.values()),
        strange=len(keys.keys() - told.keys()),
        broken=sum(count != 2 or told.get(key, name) != name for key, name, _, _, count in rows)
        + sum(item != list(range(1, len(item) + 1)) for item in revisions.values()),
        whole=whole,
        seconds=round(seconds, 1),
    )


def main() -> int:
    """Runs it, and prints what became of it."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.load.study_kills", description="A server that is killed while readers save."
    )
    parser.add_argument("--times", type=int, default=50, help="how often it is killed (50)")
    parser.add_argument("--seed", type=int, default=7, help="of when it is (7)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="patch-clip-kills-") as folder:
        killed = kill_while_saving(Path(folder), options.times, options.seed)
    print(json.dumps(asdict(killed), indent=1))
    return 0 if killed.good else 1


if __name__ == "__main__":
    sys.exit(main())
