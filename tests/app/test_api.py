"""Requests over HTTP: tokens, limits, and every error as one sentence with a status."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from starlette.applications import Starlette

from app.endpoints import LARGEST_BODY
from app.guard.windows import HEADER
from app.requests import MOST_BOXES
from app.service import Service
from app.store import FeedbackRepository
from tests.app.page_client import PageClient

REQUESTS = ("start", "open_upload", "open_example", "ask", "compare", "save", "history", "export")
KEY = "a" * 32


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("token", [None, "", "made.up", "é"])
def test_no_request_is_answered_without_a_token(api: Starlette, name: str, token: str | None) -> None:
    window = PageClient(api)
    headers = {} if token is None else {HEADER.encode(): token.encode("latin-1")}
    reply = window.client.post(f"/api/{name}", json={}, headers=headers)
    assert reply.status_code == 401
    assert "not known" in reply.json()["error"]


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("ask", b"", "cannot read"),
        ("ask", b"not json", "cannot read"),
        ("ask", b"\xff\xfe", "cannot read"),
        ("ask", b"[" * 100_000, "cannot read"),
        ("ask", b"1" * 5000, "cannot read"),
        ("ask", b"[]", "cannot read"),
        ("ask", b'{"study": "x"}', "text"),
        ("ask", b'{"study": "x", "text": 1}', "text"),
        ("ask", b'{"study": "x", "text": "mass", "more": 1}', "does not know a part"),
        ("ask", b'{"study": "x", "text": "mass \\ud83d"}', "half of a character"),
        ("ask", json.dumps({"study": "x", "text": "m" * 30_000}).encode(), "20000 characters"),
        ("compare", b'{"study": "x"}', "query"),
        ("open_example", b'{"name": 7}', "name"),
        ("export", b'{"kind": "xlsx"}', "'csv' or 'json'"),
        ("save", b'{"study": "x"}', "key"),
        ("save", b'{"study": "x", "key": "1"}', "key"),
        ("save", json.dumps({"key": KEY, "boxes": [[1, 2, 3]]}).encode(), "drawn box"),
        ("save", json.dumps({"key": KEY, "boxes": [["a", 2, 3, 4]]}).encode(), "drawn box"),
        ("save", f'{{"key": "{KEY}", "boxes": [[1, 2, 3, NaN]]}}'.encode(), "drawn box"),
        ("save", json.dumps({"key": KEY, "boxes": [[1, 2, 3, 4]] * (MOST_BOXES + 1)}).encode(), "100 boxes"),
        ("save", json.dumps({"key": KEY, "display": {"note": "x" * 5000}}).encode(), "does not know a part"),
        ("save", json.dumps({"key": KEY, "display": {"colours": "x" * 5000}}).encode(), "display"),
        ("save", json.dumps({"key": KEY, "display": {"opacity": 7}}).encode(), "display"),
        ("save", b'{"key": "' + KEY.encode() + b'", "comment": "\\ud83d"}', "half of a character"),
    ],
)
def test_what_the_page_does_not_send_is_one_sentence(
    window: PageClient, name: str, body: bytes, words: str
) -> None:
    error = window.send(name, body)["error"]
    assert window.status == 400
    assert words in error
    assert error.endswith(".")
    assert "\n" not in error


def test_a_request_without_bounds_is_refused(window: PageClient) -> None:
    error = window.send("ask", b'{"text": "' + b"x" * LARGEST_BODY + b'"}')["error"]
    assert window.status == 413
    assert "larger" in error


def test_a_file_above_the_limit_is_refused(window: PageClient) -> None:
    error = window.send("open_upload", bytes(1_000_001))["error"]
    assert window.status == 413
    assert "larger than 1 MB" in error
    assert "DICOM" in window.send("open_upload", bytes(1_000_000))["error"]


def test_what_nobody_foresaw_is_logged_by_kind_and_place_alone(
    window: PageClient, service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("Mustermann, Erika")

    monkeypatch.setattr(FeedbackRepository, "rows", fail)
    with caplog.at_level(logging.ERROR):
        error = window.call("history")["error"]
    assert window.status == 500
    assert "log says where" in error
    assert "history failed: ZeroDivisionError at test_api.py" in caplog.text
    assert "Mustermann" not in caplog.text + error
