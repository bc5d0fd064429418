"""A real server that is told to stop while readings are saved: each acknowledged one is there."""

from __future__ import annotations

import http.client
import json
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from app.guard.windows import HEADER
from app.watching.drain import STOPPING
from tests.app.page_client import reading, told
from tests.browser.serving import Server, free_port
from tests.tiny import tiny_checkpoint


class Window:
    """One of the page, past the browser; each request has a connection of its own."""

    def __init__(self, port: int) -> None:
        self._port, self._headers = port, {"content-type": "application/json"}
        self._headers[HEADER] = self.call("window")[1]["window"]

    def call(self, name: str, body: bytes | None = None, /, **asked: Any) -> tuple[int, dict[str, Any]]:
        """Status and reply."""
        status, content = self.fetch("POST", f"/api/{name}", body or json.dumps(asked).encode())
        return status, told(content)

    def fetch(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and content."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        with closing(connection):
            connection.request(method, path, body, self._headers)
            reply = connection.getresponse()
            return reply.status, reply.read()


def test_a_server_told_to_stop_finishes_its_saves_and_says_so(tmp_path: Path, png: bytes) -> None:
    settings = {
        "PATCHCLIP_CHECKPOINT": str(tiny_checkpoint(tmp_path / "tiny")),
        "PATCHCLIP_LOG_FORMAT": "json",
    }
    database = tmp_path / "data" / "feedback.sqlite3"
    with Server(database, free_port(), settings) as server:
        window = Window(server.port)
        study = window.call("open_upload", png)[1]["study"]
        named = {"query": "", "finding": "cyst", "location": "", "map_shown": False, "saliency_shown": []}

        def save(comment: str) -> tuple[str, int, dict[str, Any]]:
            return comment, *window.call("save", **reading(study, comment=comment, **named))

        assert save("before")[1] == 200
        assert b"patchclip_readings_saved_total" in window.fetch("GET", "/metrics")[1]
        with (
            closing(sqlite3.connect(database, isolation_level=None)) as other,
            ThreadPoolExecutor(8) as pool,
        ):
            other.execute("BEGIN IMMEDIATE")
            saving = [pool.submit(save, f"under way {number}") for number in range(8)]
            while b'patchclip_lane_waiting{lane="store"} 4.0' not in window.fetch("GET", "/metrics")[1]:
                time.sleep(0.02)  # until four of them are at the database, and four wait for their turn
            server.signal(signal.SIGTERM)
            while json.loads(window.fetch("GET", "/healthz")[1])["live"] != "stopping":
                time.sleep(0.02)
            assert window.call("history") == (503, {"error": STOPPING})
            late = save("late")
            assert late[1:] == (503, {"error": STOPPING})
            assert not any(item.done() for item in saving)
            other.execute("ROLLBACK")
            acknowledged = [item.result() for item in saving]
        assert [status for _, status, _ in acknowledged] == [200] * 8
        assert server.wait() in (0, -signal.SIGTERM)
        output = server.output
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = dict(connection.execute("SELECT comment, id FROM feedback").fetchall())
    assert rows == {"before": 1, **{comment: reply["row"] for comment, _, reply in acknowledged}}
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert {"save", "history"} <= {line.get("endpoint") for line in lines}
    assert not [word for word in ("under way", "cyst", "Dr Example", study) if word in output]
