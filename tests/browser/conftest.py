"""Browser tests: the real server in a process of its own, a real Chromium that may ask nobody else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.settings import Settings
from patchclip import Engine
from tests.browser.serving import Server, free_port

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

expect.set_options(timeout=20_000)  # what a machine with other work on both cores may need for an answer


def chromium() -> str | None:
    """Where it is, by any of its names; best without windows of its own, which cost more than most pages."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Debian's Chromium; its absence is a failure in continuous integration and a skip elsewhere."""
    found = chromium()
    if found is None:
        reason = "Chromium is missing; install it with: sudo apt-get install chromium-headless-shell"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return {"executable_path": found, "args": list(FLAGS)}


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    """The smallest screen that the page is made for."""
    return {"viewport": {"width": 1366, "height": 768}, "accept_downloads": True}


@pytest.fixture(scope="session")
def server(
    browser_type_launch_args: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """One server for the tests that need no other; files above 1 MB are refused."""
    folder = tmp_path_factory.mktemp("server")
    with Server(folder / "feedback.sqlite3", free_port(), {"PATCHCLIP_UPLOAD_LIMIT_MB": "1"}) as running:
        yield running


@pytest.fixture
def requests(context: BrowserContext) -> Iterator[list[str]]:
    """Every address that the page asks for; none may lie outside this machine."""
    seen: list[str] = []
    context.on("request", lambda request: seen.append(request.url))
    yield seen
    assert [url for url in seen if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))] == []


@pytest.fixture
def troubles(page: Page) -> Iterator[list[str]]:
    """Errors of the page's own script; there may be none."""
    seen: list[str] = []
    page.on("pageerror", lambda error: seen.append(str(error)))
    yield seen
    assert seen == []


@pytest.fixture
def opened(page: Page, server: Server, requests: list[str], troubles: list[str]) -> Page:
    """The page, ready."""
    return server.visit(page)


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The same checkpoint as the server's, as an independent witness of what the page must show."""
    return Engine.from_pretrained(Settings().checkpoint)


@pytest.fixture
def dicom(tmp_path: Path) -> Path:
    """A drawn chest as DICOM, made out to a person."""
    from tests.browser.drawn_chest import write_dicom

    return write_dicom(tmp_path / "Mustermann_Erika_19520817.dcm")
