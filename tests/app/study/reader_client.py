"""Readers as the server sees them: requests over HTTP, past the page, each with all bytes that came back."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import sqlalchemy
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from app.api import routes
from app.guard import Windows
from app.guard.windows import HEADER
from app.models.in_use import InUse
from app.people.identity import NotSignedInError, Person, Role
from app.service import Service
from app.store import FeedbackRepository
from app.study.creations import ENDED
from app.uploads import Uploads
from patchclip import Engine
from tests.app.fake_engine import FakeEngine
from tests.app.page_client import told
from tests.app.study.conftest import Bench

PERSON = "x-test-person"


class Headers:
    """Identities of a test: who asks says so in a header."""

    def __init__(self, people: Mapping[str, Person]) -> None:
        self._people = people

    def person(self, request: Request) -> Person:
        """By the header's name."""
        name = request.headers.get(PERSON, "")
        if name not in self._people:
            raise NotSignedInError("Sign in first.")
        return self._people[name]


def study_api(bench: Bench, folder: Path, people: Mapping[str, Person]) -> Starlette:
    """The server's requests, without guard and Gradio."""
    service = Service(
        InUse(cast(Engine, FakeEngine())),
        FeedbackRepository(bench.database),
        study_memory_mb=50,
        upload_limit_mb=1,
    )
    service.lanes.close()
    uploads = Uploads(folder, 1_000_000)
    return Starlette(routes=routes(service, Windows(), uploads, Headers(people), bench.server))


def people_of(bench: Bench, **roles: Role) -> dict[str, Person]:
    """Everybody of a bench, by name."""
    return people_in(bench.database, **roles)


def people_in(database: sqlalchemy.Engine, **roles: Role) -> dict[str, Person]:
    """Everybody of a database, by name."""
    with database.connect() as connection:
        rows = connection.exec_driver_sql("SELECT id, name FROM reader").all()
    return {name: Person(number, name, roles.get(name, Role.READER)) for number, name in rows}


class ReaderClient:
    """One window of a reader's."""

    def __init__(self, api: Starlette, name: str) -> None:
        self.client = TestClient(api, headers={PERSON: name})
        self.token = self.client.post("/api/window", json={}).json()["window"]
        self.status = 0  # of the last reply
        self.received = b""  # headers and bodies of all replies

    def call(self, request: str, **body: Any) -> dict[str, Any]:
        """A request; errors come back as {"error": sentence}, of a film its head."""
        reply = self.client.post(f"/api/{request}", json=body, headers={HEADER: self.token})
        self.status = reply.status_code
        self.received += json.dumps(dict(reply.headers)).encode() + reply.content
        return told(reply.content)

    def save(self, assignment: int, opinion: str = "first", **changes: Any) -> dict[str, Any]:
        """Saves an opinion on the two findings of the study."""
        return self.call("study_save", **opinion_body(assignment, opinion, **changes))


def ended(admin: ReaderClient, creation: int) -> dict[str, Any]:
    """How the making of a study ended."""
    for _ in range(2000):
        told = admin.call("study_creations")["creations"]
        (state,) = [item for item in told if item["creation"] == creation]
        if state["state"] in ENDED:
            return dict(state)
        time.sleep(0.01)
    raise AssertionError("the study is still being made")


def opinion_body(assignment: int, opinion: str = "first", **changes: Any) -> dict[str, Any]:
    """A whole opinion as the page sends it."""
    body = {
        "assignment": assignment,
        "opinion": opinion,
        "key": uuid4().hex,
        "findings": [
            {"label": "Effusion", "presence": "present", "confidence": 70, "boxes": [[10, 20, 30, 40]]},
            {"label": "Pleural_Thickening", "presence": "absent", "confidence": None},
        ],
        "comment": "",
        "unreadable": False,
        "active_ms": 4200,
        "opened_at": "2026-01-02T03:04:05+01:00",
    }
    return {**body, **changes}
