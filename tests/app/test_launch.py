"""How the page is served: safe defaults, the whole behind its guard, wrong usage as a sentence."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import patchclip
from app import __main__ as command
from app.__main__ import main
from app.guard.windows import HEADER
from app.ui import PAGE
from tests.app.fake_engine import FakeEngine

VARIABLES = ("GRADIO_ANALYTICS_ENABLED", "HF_HUB_OFFLINE", "GRADIO_TEMP_DIR")
NOTICE = "Research use only, not for clinical use"


@pytest.fixture(autouse=True)
def _variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "to be replaced")
    monkeypatch.setattr("app.__main__.signal.signal", lambda *_: None)  # tests keep their own handlers


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What `python -m app` would serve, and what was so while it did."""
    seen: dict[str, Any] = {}

    def serve(app: Any, listening: socket.socket, *_: object, **__: object) -> None:
        folder = Path(os.environ["GRADIO_TEMP_DIR"])
        seen.update({name: os.environ[name] for name in VARIABLES})
        seen.update(address=listening.getsockname(), mode=folder.stat().st_mode & 0o777)
        listening.close()
        with TestClient(app, base_url="http://127.0.0.1:7999") as client:
            seen["page"] = client.get("/")
            token = client.post("/api/window").json()["window"]
            headers = {HEADER: token}
            seen["start"] = client.post("/api/start", json={}, headers=headers).json()
            seen["layout"] = client.get("/page/layout.html").text
            seen["closed"] = {
                route: client.get(route).status_code
                for route in (
                    "/config",
                    "/gradio_api/info",
                    "/gradio_api/openapi.json",
                    "/openapi.json",
                    "/docs",
                )
            }

    monkeypatch.setattr("app.serving.serve", serve)
    monkeypatch.setattr(patchclip.Engine, "from_pretrained", lambda *_, **__: FakeEngine())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        seen["port"] = probe.getsockname()[1]
    assert main(["--port", str(seen["port"]), "--database", str(tmp_path / "data" / "feedback.sqlite3")]) == 0
    yield seen


def test_it_listens_on_this_machine_alone(launched: dict[str, Any]) -> None:
    assert launched["address"] == ("127.0.0.1", launched["port"])


def test_no_analytics_no_network_and_a_private_folder_that_goes_with_the_server(
    launched: dict[str, Any],
) -> None:
    assert launched["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert launched["HF_HUB_OFFLINE"] == "1"
    assert launched["mode"] == 0o700
    assert not Path(launched["GRADIO_TEMP_DIR"]).exists()


def test_the_page_its_layout_and_its_requests_are_served(launched: dict[str, Any]) -> None:
    page = launched["page"]
    assert page.status_code == 200
    assert "page/main.js" in page.text
    # The dialog of the keys is filled from a file of its own, which two pages share.
    shown = launched["layout"] + (PAGE / "keys.html").read_text(encoding="utf-8")
    assert shown.count(NOTICE) == launched["layout"].count("<dialog") + 1
    assert 'id="pc-help-dialog"' in launched["layout"]
    assert launched["start"]["model"]["name"] == "fake-model"
    assert launched["start"]["upload_limit_mb"] == 64


def test_routes_of_gradio_that_the_page_does_not_need_are_closed(launched: dict[str, Any]) -> None:
    assert set(launched["closed"].values()) == {404}


def test_the_database_is_migrated_before_the_page_is_served(launched: dict[str, Any], tmp_path: Path) -> None:
    assert (tmp_path / "data" / "feedback.sqlite3").read_bytes().startswith(b"SQLite format 3")


def test_the_page_asks_nobody_else_and_every_colour_is_a_variable() -> None:
    suffixes = (".js", ".css", ".html")
    files = {
        path.name: path.read_text(encoding="utf-8") for path in PAGE.iterdir() if path.suffix in suffixes
    }
    assert {"main.js", "style.css", "layout.html"} <= set(files)
    variables, _, rest = files["style.css"].partition("}")
    assert "--accent: #" in variables
    del files["cornerstone.js"]  # a library's messages name addresses; the security policy lets it ask nobody
    for name, text in {**files, "style.css": rest}.items():
        assert re.search(r"https?://", text) is None, name
        assert re.findall(r"#(?:[0-9a-f]{3,4}){1,2}\b|rgba?\([\d. ,]+\)", text) == [], name


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "99999"], "port"),
        (["--checkpoint", "/no/such/folder"], "checkpoint"),
        (["--nope"], "--nope"),
    ],
)
def test_wrong_usage_ends_with_a_sentence(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([*arguments, "--database", str(tmp_path / "feedback.sqlite3")]) in (1, 2)
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert words in error


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1"])
def test_an_address_that_cannot_be_listened_on_is_a_sentence(
    host: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(patchclip.Engine, "from_pretrained", lambda *_, **__: FakeEngine())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        database = str(tmp_path / "feedback.sqlite3")
        # Beyond this machine nothing is listened on at all where nobody has to sign in.
        assert main(["account", "create", "Ada", "--link", "--database", database]) == 0
        assert main(["--host", host, "--port", port, "--database", database]) == 2
    assert f"listen on {host} port {port}" in capsys.readouterr().err


def test_gradio_is_not_imported_before_its_environment_is_set() -> None:
    code = "import app.__main__, sys; sys.exit('gradio' in sys.modules)"
    root = Path(command.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
