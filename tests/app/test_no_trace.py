"""No patient is left behind: a name planted in every file that is sent is found nowhere afterwards."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app import planted
from tests.app.page_client import told
from tests.browser.serving import Server, free_port
from tests.tiny import tiny_checkpoint

NAME = "Zyxwvutsson^Qwertine"  # of nobody; searched for in every encoding that text is stored in
PARTS = ("Zyxwvutsson", "Qwertine")
HEADER, OPTIONS_HEADER = "x-patch-clip-window", "x-patch-clip-options"
KEY = "5" * 32

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks into Linux's /proc")


class Place:
    """Folders that hold whatever a server leaves: its home, its temporary files, its database and its log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "data" / "feedback.sqlite3"
        self.environment = {"PATCHCLIP_CHECKPOINT": str(tiny_checkpoint(folder / "model"))}
        for variable in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
            self.environment[variable] = str(folder / variable)
            (folder / variable).mkdir()

    def server(self) -> Server:
        """A server that can write nowhere else that it knows of."""
        return Server(self.database, free_port(), self.environment)

    def traces(self) -> list[str]:
        """Files in which the name stands, or that are called by it."""
        needles = [part.encode(code) for part in PARTS for code in ("utf-8", "utf-16-le", "utf-16-be")]
        found = []
        for path in (*self.folder.rglob("*"), *Path("/dev/shm").glob("*")):
            content = _content(path)
            if any(needle in content for needle in needles) or any(part in path.name for part in PARTS):
                found.append(str(path))
        return found

    def temporary(self) -> list[str]:
        """Everything that lies among the temporary files and is no empty folder."""
        return [str(path) for path in (self.folder / "TMPDIR").rglob("*") if path.is_file()]


def _content(path: Path) -> bytes:
    """Of a file; nothing of a folder, and of what another process owns or has just taken away."""
    try:
        return path.read_bytes() if path.is_file() else b""
    except (FileNotFoundError, PermissionError):
        return b""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """One place for all servers of this file, so that nothing of an earlier one is overlooked."""
    return Place(tmp_path_factory.mktemp("place"))


class Window:
    """A window of a running server."""

    def __init__(self, server: Server) -> None:
        self.url, self.port = server.url, server.port
        self.token = self._post("window", b"")["window"]

    def _post(self, name: str, body: bytes, **headers: str) -> dict[str, Any]:
        request = urllib.request.Request(f"{self.url}api/{name}", body, headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=120) as reply:
                return told(reply.read())
        except urllib.error.HTTPError as error:
            return dict(json.load(error))

    def call(self, name: str, **request: Any) -> dict[str, Any]:
        """A request as the page makes it."""
        return self._post(name, json.dumps(request).encode(), **{HEADER: self.token})

    def send(self, content: bytes) -> dict[str, Any]:
        """A file, from a client that gives its name away in every header that has room for it."""
        disposition = f'attachment; filename="{NAME}.dcm"'
        headers = {"Content-Disposition": disposition, "User-Agent": NAME, "Referer": f"{self.url}{NAME}"}
        return self._post(f"open_upload?name={NAME}", content, **{HEADER: self.token}, **headers)

    def results(self, study: str, content: bytes, *kinds: str) -> bytes:
        """The ZIP of an export."""
        options = json.dumps({"study": study, "kinds": kinds})
        headers = {HEADER: self.token, OPTIONS_HEADER: options}
        request = urllib.request.Request(f"{self.url}api/results", content, headers, method="POST")
        with urllib.request.urlopen(request, timeout=120) as reply:
            return bytes(reply.read())

    def begin(self, content: bytes) -> socket.socket:
        """Half of a file; the rest is owed."""
        head = (
            f"POST /api/open_upload HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{HEADER}: {self.token}\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.sendall(head.encode() + content[: len(content) // 2])
        return connection


def wait_for_upload(server: Server, *, under_way: bool) -> None:
    """Until the server holds a file that has no name, or none any more."""
    for _ in range(400):
        links = []
        for path in Path(f"/proc/{server.pid}/fd").iterdir():
            try:
                links.append(str(path.readlink()))
            except OSError:  # closed meanwhile
                continue
        if any("TMPDIR" in link and link.endswith("(deleted)") for link in links) is under_way:
            return
        time.sleep(0.02)
    raise AssertionError(f"an upload is {'not' if under_way else 'still'} under way")


def stop_at_once(server: Server, number: signal.Signals) -> int:
    """Told twice, as by somebody who does not wait for what is under way; returns the exit status."""
    server.signal(number)
    for _ in range(400):
        try:
            with urllib.request.urlopen(f"{server.url}healthz", timeout=10) as reply:
                live = json.load(reply)["live"]
        except urllib.error.HTTPError as error:  # 503: not ready
            live = json.load(error)["live"]
        if live == "stopping":
            return server.stop(number)
        time.sleep(0.02)
    raise AssertionError("the server does not stop")


def children(server: Server) -> list[int]:
    """The processes that a server has started."""
    tasks = Path(f"/proc/{server.pid}/task").glob("*/children")
    return [int(number) for task in tasks for number in task.read_text().split()]


def use(window: Window) -> Iterator[str]:
    """Opens, asks, compares, saves, lists and exports; gives every reply."""
    for content in (planted.dicom(NAME), planted.png(NAME), planted.jpeg(NAME)):
        opened = window.send(content)
        assert opened["size"] == [320, 300]
        yield json.dumps({**opened, "picture": ""})
        study = opened["study"]
        yield json.dumps(window.call("ask", study=study, text="effusion"))
        yield json.dumps(window.call("compare", study=study, query="effusion"))
        saved = window.call(
            "save", study=study, key=os.urandom(16).hex(), query="effusion", presence="absent", reader="R"
        )
        assert "saved" in saved
        with zipfile.ZipFile(io.BytesIO(window.results(study, b"", "coco", "csv"))) as tables:
            yield from (tables.read(name).decode() for name in tables.namelist())
        if opened["dicom"]:  # DICOM results name the patient as their film does, but leave no trace here
            with zipfile.ZipFile(io.BytesIO(window.results(study, content, "sr", "seg", "sc"))) as objects:
                assert NAME.encode() in objects.read("patch-clip_sr.dcm")
    yield json.dumps(window.call("history"))
    yield window.call("export", kind="csv")["text"]
    yield window.call("export", kind="json")["text"]


def test_after_use_errors_and_broken_off_uploads(place: Place) -> None:
    content = planted.dicom(NAME)
    assert content.count(NAME.encode()) > 500
    with place.server() as server:
        window = Window(server)
        for reply in use(window):
            assert not [part for part in PARTS if part in reply]
        assert place.traces() == []
        cut, torn = window.send(content[: len(content) // 2]), window.send(NAME.encode() * 1000)
        for refused in (cut, torn):
            assert refused["error"]
            assert not [part for part in PARTS if part in refused["error"]]
        connection = window.begin(content)
        wait_for_upload(server, under_way=True)
        assert place.traces() == []  # while it lies on the disk, nobody finds it
        connection.close()
        wait_for_upload(server, under_way=False)
        assert place.traces() == place.temporary() == []
        connection = window.begin(content)
        wait_for_upload(server, under_way=True)
        assert stop_at_once(server, signal.SIGTERM) in (0, -signal.SIGTERM)
        connection.close()
        assert not [part for part in PARTS if part in server.output]
    assert place.traces() == place.temporary() == []
    assert list((place.folder / "TMPDIR").iterdir()) == []


def test_after_a_kill_a_restart_and_an_interrupt(place: Place) -> None:
    with place.server() as server:
        window = Window(server)
        for _ in use(window):
            pass
        before = window.call("history")["rows"]
        connection = window.begin(planted.dicom(NAME))
        wait_for_upload(server, under_way=True)
        helpers = children(server)
        assert server.stop(signal.SIGKILL) == -signal.SIGKILL
        connection.close()
    assert place.traces() == place.temporary() == []
    for _ in range(200):
        if not any(Path(f"/proc/{number}").exists() for number in helpers):
            break
        time.sleep(0.05)
    assert not [number for number in helpers if Path(f"/proc/{number}").exists()]
    killed = set((place.folder / "TMPDIR").iterdir())  # an empty folder, which nobody was left to remove
    with place.server() as server:
        window = Window(server)
        assert window.call("history")["rows"] == before != []
        assert place.traces() == place.temporary() == []
        window.send(planted.png(NAME))
        connection = window.begin(planted.dicom(NAME))
        wait_for_upload(server, under_way=True)
        assert stop_at_once(server, signal.SIGINT) in (0, -signal.SIGINT, 130)
        connection.close()
    assert place.traces() == place.temporary() == []
    assert set((place.folder / "TMPDIR").iterdir()) == killed
