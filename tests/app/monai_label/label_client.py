"""A client of the MONAI Label protocol, with the requests that 3D Slicer's module sends."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import quote_plus, urlencode

import requests


class RefusedError(Exception):
    """The server's status and the sentence that it gave."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"Status: {status}; Response: {text}")
        self.status, self.text = status, text


@dataclass(frozen=True)
class Answered:
    """What an inference gave: parameters, and the file with the label map under the name it came by."""

    params: dict[str, Any]
    file: bytes
    name: str
    kinds: tuple[str, ...] = ()


class LabelClient:
    """Asks a server at an address."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.headers: dict[str, str] = {}

    def sign_in(self, name: str, password: str) -> None:
        """By OAuth's password grant, where the server says that it is needed."""
        assert self.json("GET", "/auth/")["enabled"]
        form = urlencode({"username": name, "password": password, "grant_type": "password"})
        kind = {"content-type": "application/x-www-form-urlencoded"}
        token = self.json("POST", "/auth/token", data=form, headers=kind)
        self.headers["Authorization"] = f"{token['token_type']} {token['access_token']}"

    def info(self) -> dict[str, Any]:
        """What the server is."""
        return self.json("GET", "/info/")

    def create_session(self, content: bytes, name: str = "film.nii.gz") -> str:
        """Sends a film."""
        return str(self.begin_session(content, name)["session_id"])

    def begin_session(self, content: bytes, name: str = "film.nii.gz") -> dict[str, Any]:
        """The same, with all that is told."""
        return self.json("PUT", "/session/", files=[("files", (name, content))], data={"client_id": "test"})

    def upload_image(self, content: bytes, name: str) -> str:
        """Sends a film under a name of one's own."""
        reply = self.json("PUT", f"/datastore/?image={quote_plus(name)}", files={"file": (name, content)})
        return str(reply["image"])

    def infer(
        self,
        image: str = "",
        params: dict[str, Any] | None = None,
        *,
        session: str = "",
        file: bytes | None = None,
        model: str = "patch_clip",
        output: str = "",
    ) -> Answered:
        """Asks; `file` is sent along."""
        selector = f"/infer/{quote_plus(model)}?image={quote_plus(image)}"
        selector += f"&session_id={quote_plus(session)}" if session else ""
        selector += f"&output={output}" if output else ""
        parts: dict[str, Any] = {"params": (None, json.dumps({**(params or {}), "client_id": "test"}))}
        if file is not None:
            parts["file"] = ("film", file)
        reply = self._send("POST", selector, files=parts)
        kind = reply.headers["content-type"]
        if kind.startswith("application/json"):
            return Answered(reply.json(), b"", "")
        if not kind.startswith("multipart/"):
            return Answered({}, reply.content, reply.headers["content-disposition"].split('"')[1])
        return _parts(kind, reply.content)

    def json(self, method: str, selector: str, **body: Any) -> dict[str, Any]:
        """A reply that is JSON."""
        reply: dict[str, Any] = self._send(method, selector, **body).json()
        return reply

    def _send(self, method: str, selector: str, **body: Any) -> requests.Response:
        headers = {**self.headers, **body.pop("headers", {})}
        reply = requests.request(method, self.url + selector, headers=headers, timeout=60, **body)
        if reply.status_code != 200:
            raise RefusedError(reply.status_code, reply.text)
        return reply


def _parts(kind: str, content: bytes) -> Answered:
    whole = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + content, policy=policy.HTTP)
    params, image = whole.iter_parts()
    assert [part.get_param("name", header="content-disposition") for part in (params, image)] == [
        "params",
        "image",
    ]
    told, file = params.get_payload(decode=True), image.get_payload(decode=True)
    assert isinstance(told, bytes) and isinstance(file, bytes)
    kinds = (params.get_content_type(), image.get_content_type())
    return Answered(json.loads(told), file, image.get_filename() or "", kinds)
