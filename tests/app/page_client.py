"""A browser window as the server sees it: requests with a window's token, past the page."""

from __future__ import annotations

import json
import zlib
from typing import Any
from uuid import uuid4

import numpy as np
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.api import OPTIONS_HEADER, routes
from app.guard import Windows
from app.guard.windows import HEADER
from app.people.identity import Identities, OnlyPerson
from app.service import Service
from app.uploads import Uploads


def told(content: bytes) -> dict[str, Any]:
    """A reply; of an opened study without the film that follows it."""
    if content.startswith(b"{"):
        return dict(json.loads(content))
    length = int.from_bytes(content[:4], "big")
    head = dict(json.loads(content[4 : 4 + length]))
    if "preview_bytes" not in head:
        return head
    start = 4 + length + head["preview_bytes"]
    film = int.from_bytes(content[start : start + 4], "big")
    last = dict(json.loads(content[start + 4 + film :]))
    return last if "error" in last else head | last


def film_of(content: bytes) -> np.ndarray:
    """uint16 [rows, columns], the codes that follow the reply of an opened study."""
    length = int.from_bytes(content[:4], "big")
    head = json.loads(content[4 : 4 + length])
    start = 4 + length + (head["preview_bytes"] + 4 if "preview_bytes" in head else 0)
    return codes_of(content[start:], *head["film"]["size"])


def preview_of(content: bytes) -> np.ndarray:
    """The same of the preview, of a film that has one."""
    length = int.from_bytes(content[:4], "big")
    head = json.loads(content[4 : 4 + length])
    return codes_of(content[4 + length :], *(side >> head["preview_level"] for side in head["film"]["size"]))


def codes_of(packed: bytes, rows: int, columns: int) -> np.ndarray:
    """uint16 [rows, columns], unpacked; what comes after them is left alone."""
    halves = np.frombuffer(zlib.decompressobj().decompress(packed), np.uint8).reshape(2, rows, columns)
    written = halves[0].astype(np.int64) + 256 * halves[1].astype(np.int64)
    differences = np.where(written % 2, -(written // 2) - 1, written // 2)
    return (np.cumsum(differences, axis=1) % 65536).astype(np.uint16)


def make_api(service: Service, uploads: Uploads, identities: Identities | None = None) -> Starlette:
    """The page's requests, without guard and Gradio; sign-in is off if not told otherwise."""
    return Starlette(routes=routes(service, Windows(), uploads, identities or OnlyPerson()))


class PageClient:
    """One window of a page.

    Args:
        api: what it asks.
        browser: key of the browser that it is a window of; a new one if not given.
        headers: that the browser sends with every request, such as a cookie.
    """

    def __init__(self, api: Starlette, browser: str = "", headers: dict[str, str] | None = None) -> None:
        self.client = TestClient(api, headers=headers)
        given = self.client.post("/api/window", json={"browser": browser}).json()
        self.token, self.browser = given["window"], given["browser"]
        self.status = 0  # of the last reply

    def call(self, name: str, /, **request: Any) -> dict[str, Any]:
        """A request as the page makes it; errors come back as {"error": sentence}."""
        reply = self.client.post(f"/api/{name}", json=request, headers={HEADER: self.token})
        self.status = reply.status_code
        return told(reply.content)

    def send(self, name: str, body: bytes, **options: Any) -> dict[str, Any]:
        """A request with a body of any kind; "open_upload" takes a file, and how it is to be read."""
        return told(self.fetch(name, body, **options))

    def fetch(self, name: str, body: bytes, **options: Any) -> bytes:
        """The same, of which the reply is a file."""
        headers = {HEADER: self.token} | ({OPTIONS_HEADER: json.dumps(options)} if options else {})
        reply = self.client.post(f"/api/{name}", content=body, headers=headers)
        self.status = reply.status_code
        return reply.content


def reading(study: str, **changes: Any) -> dict[str, Any]:
    """A complete reading as the page sends it."""
    filled = {
        "key": uuid4().hex,
        "study": study,
        "query": "no pneumothorax",
        "presence": "absent",
        "location": "wrong",
        "comment": "nothing there",
        "confidence": 80,
        "reader": "Dr Example",
        "seconds": 33.25,
        "map_shown": True,
        "saliency_shown": ["grad_cam"],
        "display": {"threshold": 0.35, "colours": "cividis", "zoom": 1.5},
    }
    return {**filled, **changes}
