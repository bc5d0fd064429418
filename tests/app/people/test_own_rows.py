"""With sign-in a reader sees their own rows alone, a lead everybody's, and nobody types a name."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from app.people.identity import NotAllowedError, NotSignedInError, Person, Role
from app.service import Service
from app.store import FeedbackRepository
from app.uploads import Uploads
from tests.app.page_client import PageClient, make_api, reading

PEOPLE = {
    person.name: person
    for person in (
        Person(2, "Ada", Role.READER),
        Person(3, "Ben", Role.READER),
        Person(4, "Cleo", Role.LEAD),
        Person(5, "Dan", Role.ADMIN),
    )
}


class ByHeader:
    """Believes a header, as tests may."""

    def person(self, request: Request) -> Person:
        """Whom the header names."""
        name = request.headers.get("x-name", "")
        if name == "nobody wanted":
            raise NotAllowedError("You have no account here; ask whoever runs this server.")
        if name not in PEOPLE:
            raise NotSignedInError("Sign in first.")
        return PEOPLE[name]


@pytest.fixture
def signed_api(service: Service, uploads: Path) -> Starlette:
    """The requests of the page, for people who are signed in."""
    return make_api(service, Uploads(uploads, 1_000_000), ByHeader())


def window_of(api: Starlette, name: str) -> PageClient:
    """A window of somebody."""
    return PageClient(api, headers={"x-name": name})


def rows_of(window: PageClient) -> dict[str, list[tuple[str, str]]]:
    """(reader, comment) of each row by each way to get at rows."""
    listed = window.call("history")
    exported = json.loads(window.call("export", kind="json")["text"])["feedback"]
    table = csv.DictReader(io.StringIO(window.call("export", kind="csv")["text"]))
    assert listed["total"] == len(listed["rows"])

    def pairs(rows: Any) -> list[tuple[str, str]]:
        return [(row["reader"], row["comment"]) for row in rows]

    return {"history": pairs(listed["rows"]), "json": pairs(exported), "csv": pairs(table)}


def test_rows_belong_to_whoever_is_signed_in(
    signed_api: Starlette, repository: FeedbackRepository, png: bytes
) -> None:
    for name in ("Ada", "Ben"):
        window = window_of(signed_api, name)
        study = window.send("open_upload", png)["study"]
        window.call("ask", study=study, text="no pneumothorax")
        typed = reading(study, reader="Cleo", comment=f"of {name}")
        assert window.call("save", **typed)["row"]
    assert [row["reader"] for row in repository.rows()] == ["Ben", "Ada"]
    ada, ben = ("Ada", "of Ada"), ("Ben", "of Ben")
    expected = {"Ada": [ada], "Ben": [ben], "Cleo": [ben, ada], "Dan": [ben, ada]}
    for name, rows in expected.items():
        window = window_of(signed_api, name)
        assert rows_of(window) == {"history": rows, "json": rows, "csv": rows}, name
        opened = window.send("open_upload", png)
        assert opened["judged"] == len(rows), name
        assert window.call("look", study=opened["study"])["judged"] == len(rows), name


def test_nobody_revises_anothers_reading(signed_api: Starlette, png: bytes) -> None:
    ada, cleo = window_of(signed_api, "Ada"), window_of(signed_api, "Cleo")
    rows: list[int | None] = []
    for window in (ada, cleo):
        study = window.send("open_upload", png)["study"]
        window.call("ask", study=study, text="no pneumothorax")
        changes = {"supersedes": rows[0]} if rows else {}
        reply = window.call("save", **reading(study, reader="Ada", **changes))
        rows.append(reply.get("row"))
    assert rows == [1, None]
    assert [row["reader"] for row in cleo.call("history")["rows"]] == ["Ada"]


def test_the_page_is_told_who_is_signed_in_and_where_nobody_needs_to(
    signed_api: Starlette, window: PageClient
) -> None:
    assert window_of(signed_api, "Cleo").call("start")["person"] == {"name": "Cleo", "role": "lead"}
    assert window.call("start")["person"] is None


def test_a_window_is_of_one_person_and_so_are_its_studies(signed_api: Starlette, png: bytes) -> None:
    ada = window_of(signed_api, "Ada")
    study = ada.send("open_upload", png)["study"]
    same_browser = PageClient(signed_api, browser=ada.browser, headers={"x-name": "Ben"})
    assert "no longer in memory" in same_browser.call("look", study=study)["error"]
    again = PageClient(signed_api, browser=ada.browser, headers={"x-name": "Ada"})
    assert again.call("look", study=study)["study"] == study
    ada.client.headers["x-name"] = "Ben"
    assert "not known to the server" in ada.call("look", study=study)["error"]
    assert ada.status == 401


def test_who_is_not_signed_in_gets_a_sentence_and_nothing_else(signed_api: Starlette) -> None:
    window = window_of(signed_api, "Ada")
    for name, status, reply in (
        ("", 401, {"error": "Sign in first.", "sign_in": True}),
        ("nobody wanted", 403, {"error": "You have no account here; ask whoever runs this server."}),
    ):
        window.client.headers["x-name"] = name
        for request in ("window", "start", "history", "export", "save", "open_upload"):
            assert window.call(request) == reply, (name, request)
            assert window.status == status
