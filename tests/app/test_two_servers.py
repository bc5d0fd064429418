"""Two whole servers on one PostgreSQL: they start at once on a schema that is one behind, and are used at
once; what one stores the other has, and who signs in at one is signed in at both."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
import sqlalchemy
from alembic import command
from sqlalchemy import text

from app.backup import closing_engine
from app.guard.windows import HEADER
from app.people.accounts import Accounts
from app.people.cookie import NAME as COOKIE
from app.people.identity import Role
from app.store import FeedbackRepository, open_database
from app.store.schema import configuration, known_revisions
from app.study.cli import main as study
from app.study.creations import ENDED
from patchclip.image.synthetic import synthetic_radiograph
from tests.app.postgres import Server as Postgres
from tests.batch.archives import films
from tests.browser.serving import Server, free_port
from tests.load.reader import LoadReader
from tests.tiny import tiny_checkpoint

PASSWORD = "a password of two servers"
READERS = tuple(f"Reader {number}" for number in range(4))
LEAD = "Lead"
CASES, READINGS = 1, 2
LONGEST_S = 900.0
PROTOCOL = """
title = "Read at two servers"
findings = ["Effusion"]
arms = ["sequential"]
maps = { A = "patch" }
seed = 7
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """Both servers, and the database that they share."""

    servers: tuple[Server, Server]
    engine: sqlalchemy.Engine


class Person:
    """Somebody at one server.

    Args:
        cookie: of a sign-in at any of them; signs in by password if not given.
    """

    def __init__(self, server: Server, name: str, cookie: str = "") -> None:
        self._client = httpx.Client(base_url=server.url, timeout=LONGEST_S)
        if cookie:
            self._client.cookies.set(COOKIE, cookie)
        else:
            self.call("sign_in", name=name, password=PASSWORD)
        self._client.headers[HEADER] = self.call("window")["window"]

    @property
    def cookie(self) -> str:
        """Of the sign-in."""
        return str(self._client.cookies[COOKIE])

    def call(self, request: str, /, **data: Any) -> dict[str, Any]:
        """A request; `status` is that of the reply."""
        reply = self._client.post(f"/api/{request}", json=data)
        self.status = reply.status_code
        return dict(reply.json())

    def close(self) -> None:
        """Closes its connections."""
        self._client.close()


@pytest.fixture
def person() -> Iterator[Callable[..., Person]]:
    """Makes people, who leave at the end of a test."""
    with ExitStack() as stack:
        yield lambda *about: stack.enter_context(closing(Person(*about)))


@pytest.fixture(scope="module")
def pair(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Started at the same time, with accounts, a study of all readers, and one migration still to do."""
    folder = tmp_path_factory.mktemp("two")
    checkpoint = tiny_checkpoint(folder / "model")
    films(folder / "cases" / "films", CASES, size=200)
    (folder / "protocol.toml").write_text(PROTOCOL, encoding="utf-8")
    with postgres.database() as name, closing_engine(open_database(postgres.url(name))) as engine:
        url = postgres.url(name).get_secret_value()
        accounts = Accounts(engine)
        for reader in READERS:
            accounts.create(reader, Role.READER, PASSWORD)
        accounts.create(LEAD, Role.LEAD, PASSWORD)
        flags = ["--cases", str(folder / "cases" / "films"), "--protocol", str(folder / "protocol.toml")]
        flags += ["--readers", ",".join(READERS), "--database", url, "--checkpoint", str(checkpoint)]
        assert study(["create", "of all", *flags, "--study-folder", str(folder / "ready")]) == 0
        config = configuration()
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "-1")
        environment = {
            "PATCHCLIP_DATABASE": url,
            "PATCHCLIP_CHECKPOINT": str(checkpoint),
            "PATCHCLIP_STUDY_FOLDER": str(folder / "ready"),
            "PATCHCLIP_STUDY_CASES": str(folder / "cases"),
        }
        first, second = (Server(folder / str(number), free_port(), environment) for number in (1, 2))
        with ExitStack() as stack:
            for server in (first, second):
                server.start()
                stack.push(server.__exit__)
            for server in (first, second):
                server.ready(LONGEST_S)
            yield Pair((first, second), engine)


def test_both_migrate_at_once_and_it_is_done_once(pair: Pair) -> None:
    with pair.engine.connect() as connection:
        versions = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    assert list(versions) == [max(known_revisions())]
    for server in pair.servers:
        assert httpx.get(server.url + "healthz", timeout=60).json()["live"] == "yes"
        assert "Traceback" not in server.output


def test_a_sign_in_at_one_holds_at_both_and_ends_at_both(pair: Pair, person: Callable[..., Person]) -> None:
    here = person(pair.servers[0], LEAD)
    there = person(pair.servers[1], LEAD, here.cookie)
    assert there.call("start")["person"] == {"name": LEAD, "role": "lead"}
    there.call("sign_out")
    here.call("history")
    assert here.status == 401


def test_what_readers_save_at_both_at_once_is_there_once_and_seen_at_both(
    pair: Pair, person: Callable[..., Person]
) -> None:
    """Films and cases of a study, each reader at one server; both servers make the same cases ready."""
    done, opened = Event(), dict[str, str]()
    films_of = [film(number) for number in range(len(READERS))]
    readers = [
        LoadReader(pair.servers[number % 2].url, name, PASSWORD, films_of[number], 0, number, opened)
        for number, name in enumerate(READERS)
    ]
    threads = [Thread(target=reader.run, args=(done,)) for reader in readers]
    for thread in threads:
        thread.start()
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end and not all(
        len(reader.record.acknowledged) >= READINGS and len(reader.record.opinions) == 2 * CASES
        for reader in readers
    ):
        time.sleep(0.05)
    done.set()
    for thread in threads:
        thread.join(LONGEST_S)
    for reader in readers:
        assert reader.record.troubles == reader.record.crossings == reader.record.unanswered == []
        assert len(reader.record.acknowledged) >= READINGS and len(reader.record.opinions) == 2 * CASES
    acknowledged = {(reader.name, said) for reader in readers for said in reader.record.acknowledged}
    stored = Counter((row["reader"], row["comment"]) for row in FeedbackRepository(pair.engine).rows())
    assert set(stored) == acknowledged and set(stored.values()) == {1}
    with pair.engine.connect() as connection:
        keys = connection.execute(text("SELECT key FROM study_reading")).scalars().all()
        answers = connection.execute(text("SELECT count(*) FROM study_answer")).scalar()
    assert sorted(keys) == sorted(key for reader in readers for key in reader.record.opinions)
    assert answers == CASES  # of one finding, although both servers make the cases ready
    here, there = (person(server, LEAD).call("history") for server in pair.servers)
    assert here == there and here["total"] == len(acknowledged)
    assert {row["reader"] for row in here["rows"]} == set(READERS)


def test_studies_that_are_made_at_both_at_once_are_listed_at_both_and_a_name_is_taken_once(
    pair: Pair, person: Callable[..., Person]
) -> None:
    people = [person(server, LEAD) for server in pair.servers]
    body = {"folder": "films", "protocol": PROTOCOL, "readers": [LEAD]}
    with ThreadPoolExecutor(2) as pool:
        begun = list(pool.map(lambda lead: lead.call("study_create", name="both", **body), people))
    ended = [made(lead, reply) for lead, reply in zip(people, begun, strict=True)]
    assert sorted(item.get("state", "refused") for item in ended) in (["failed", "made"], ["made", "refused"])
    assert next(item["error"] for item in ended if item.get("state") != "made").count("already") == 1
    for number, lead in enumerate(people):
        ended.append(made(lead, lead.call("study_create", name=f"at server {number}", **body)))
    studies = {item["study"] for item in ended if item.get("state") == "made"}
    assert len(studies) == 3
    here, there = (lead.call("study_list")["studies"] for lead in people)
    assert here == there and {item["study"] for item in here} > studies
    for server in pair.servers:
        assert "Traceback" not in server.output and "failed:" not in server.output


def made(lead: Person, begun: dict[str, Any]) -> dict[str, Any]:
    """How the making of a study ended; the reply itself where it was refused at once."""
    if "creation" not in begun:
        return begun
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end:
        told = {item["creation"]: item for item in lead.call("study_creations")["creations"]}
        if told[begun["creation"]]["state"] in ENDED:
            return dict(told[begun["creation"]])
        time.sleep(0.05)
    raise AssertionError("the study was not made in time")


def film(number: int) -> bytes:
    """One of its own for each reader, as PNG."""
    drawn = synthetic_radiograph("effusion", size=200, seed=number + 1).pixels
    done, encoded = cv2.imencode(".png", np.round(drawn * 255).astype(np.uint8))
    assert done
    return encoded.tobytes()
