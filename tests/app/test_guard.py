"""The guard: its own names, its own page, its own doors; headers of every response."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app.guard import Guard, Hosts, Windows
from app.guard.doors import is_open
from app.guard.hosts import own_address, same_origin
from app.guard.windows import browser_of

SCRIPT = "window.started = {};"
OWN = "127.0.0.1:7860"


async def _page(request: Request) -> HTMLResponse:
    text = f'<script>{SCRIPT}</script><script type="module" src="page/main.js"></script>'
    return HTMLResponse(text, headers={"access-control-allow-origin": "https://evil.example"})


async def _echo(request: Request) -> JSONResponse:
    return JSONResponse({"headers": dict(request.headers), "query": request.url.query})


def client(hosts: Hosts | None = None, base_url: str = f"http://{OWN}") -> TestClient:
    """A guarded application that says what reaches it."""
    app = Starlette(
        routes=[
            Route("/", _page),
            Route("/sign-in", _page),
            Route("/page/main.js", _echo),
            Route("/api/ask", _echo, methods=["POST"]),
            Route("/config", _echo),
        ]
    )
    return TestClient(Guard(app, hosts or Hosts("127.0.0.1")), base_url=base_url)


@pytest.mark.parametrize(
    ("bound", "names", "host", "arrived_at", "allowed"),
    [
        ("127.0.0.1", (), "127.0.0.1:7860", "127.0.0.1", True),
        ("127.0.0.1", (), "localhost:7860", "127.0.0.1", True),
        ("127.0.0.1", (), "LOCALHOST", "127.0.0.1", True),
        ("127.0.0.1", (), "[::1]:7860", "127.0.0.1", True),
        ("127.0.0.1", (), "x.localhost:7860", "127.0.0.1", False),
        ("127.0.0.1", (), "localhost.:7860", "127.0.0.1", False),
        ("127.0.0.1", (), "evil.example", "127.0.0.1", False),
        ("127.0.0.1", (), "192.168.1.7:7860", "192.168.1.7", False),
        ("127.0.0.1", (), "127.0.0.1@evil.example", "127.0.0.1", False),
        ("127.0.0.1", (), "127.0.0.1/x", "127.0.0.1", False),
        ("127.0.0.1", (), "127.0.0.1:port", "127.0.0.1", False),
        ("127.0.0.1", (), "", "127.0.0.1", False),
        ("127.0.0.1", ("reading.example",), "reading.example", "127.0.0.1", True),
        ("127.0.0.1", ("Reading.example",), "reading.EXAMPLE:443", "127.0.0.1", True),
        ("127.0.0.1", ("reading.example",), "x.reading.example", "127.0.0.1", False),
        ("0.0.0.0", (), "192.168.1.7:7860", "192.168.1.7", True),
        ("0.0.0.0", (), "192.168.1.8:7860", "192.168.1.7", False),
        ("0.0.0.0", (), "evil.example", "192.168.1.7", False),
        ("0.0.0.0", (), "localhost", "127.0.0.1", True),
        ("::", (), "[fd00::7]:7860", "fd00::7", True),
        ("192.168.1.7", (), "192.168.1.7", "192.168.1.7", True),
        ("192.168.1.7", (), "localhost", "192.168.1.7", False),
    ],
)
def test_only_its_own_names_are_answered(
    bound: str, names: tuple[str, ...], host: str, arrived_at: str, allowed: bool
) -> None:
    assert Hosts(bound, names).allows(host, arrived_at) is allowed


@pytest.mark.parametrize(
    ("bound", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:7860"),
        ("reading.example", "http://reading.example:7860"),
        ("::1", "http://[::1]:7860"),
        ("0.0.0.0", "http://localhost:7860"),
        ("::", "http://localhost:7860"),
    ],
)
def test_a_server_is_reached_by_an_address_to_which_it_answers(bound: str, address: str) -> None:
    assert own_address(bound, 7860) == address
    assert Hosts(bound).allows(address.removeprefix("http://"), None)


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://127.0.0.1:7860", "127.0.0.1:7860", True),
        ("http://localhost:7860", "127.0.0.1:7860", False),
        ("http://127.0.0.1:9911", "127.0.0.1:7860", False),
        ("http://127.0.0.1", "127.0.0.1:7860", False),
        ("https://reading.example", "reading.example", True),
        ("https://reading.example", "reading.example:443", True),
        ("http://evil.example", "reading.example", False),
        ("null", "127.0.0.1:7860", False),
        ("file://", "127.0.0.1:7860", False),
        ("http://127.0.0.1:x", "127.0.0.1:7860", False),
    ],
)
def test_an_origin_is_the_very_host_and_port(origin: str, host: str, same: bool) -> None:
    assert same_origin(origin, host) is same


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({}, 200, None),
        ({"origin": f"http://{OWN}", "sec-fetch-site": "same-origin"}, 200, None),
        ({"origin": "http://evil.localhost:9911"}, 403, "another page"),
        ({"origin": "null"}, 403, "another page"),
        ({"sec-fetch-site": "cross-site"}, 403, "another page"),
        ({"sec-fetch-site": "same-site"}, 403, "another page"),
        ({"host": "x.localhost:7860"}, 403, "--allowed-hosts"),
        ({"host": "localhost."}, 403, "--allowed-hosts"),
    ],
)
def test_a_request_of_another_page_or_name_is_refused(
    headers: dict[str, str], status: int, words: str | None
) -> None:
    reply = client().post("/api/ask", json={}, headers=headers)
    assert reply.status_code == status
    assert words is None or words in reply.json()["error"]


def test_two_host_headers_are_refused() -> None:
    reply = client().post("/api/ask", headers=[("host", OWN), ("host", "evil.example")])
    assert reply.status_code == 403


NAVIGATION = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}


@pytest.mark.parametrize("path", ["/", "/sign-in"])
def test_a_link_from_elsewhere_opens_a_page_as_a_window_and_in_no_frame(path: str) -> None:
    guarded = client()
    assert guarded.get(path, headers={**NAVIGATION, "sec-fetch-dest": "document"}).status_code == 200
    assert guarded.get(path, headers={**NAVIGATION, "sec-fetch-dest": "iframe"}).status_code == 403
    away = {**NAVIGATION, "sec-fetch-dest": "document"}
    assert guarded.post("/api/ask", headers=away).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "open_"),
    [
        ("GET", "/", True),
        ("HEAD", "/", True),
        ("GET", "/sign-in", True),
        ("POST", "/sign-in", False),
        ("GET", "/sign-in/", False),
        ("POST", "/", False),
        ("GET", "/page/main.js", True),
        ("GET", "/page/eslint.config.mjs", False),
        ("GET", "/page/../service.py", False),
        ("GET", "/assets/index-DphvyggB.js", True),
        ("GET", "/assets/../../config", False),
        ("GET", "/assets/.hidden", False),
        ("GET", "/static/fonts/SourceSansPro/SourceSansPro-Regular.woff2", True),
        ("GET", "/theme.css", True),
        ("GET", "/favicon.ico", True),
        ("GET", "/config", False),
        ("GET", "/gradio_api/info", False),
        ("GET", "/gradio_api/openapi.json", False),
        ("GET", "/gradio_api/file=https://evil.example/x", False),
        ("GET", "/gradio_api/file=/etc/passwd", False),
        ("GET", "/gradio_api/proxy=https://evil.example/x", False),
        ("GET", "/gradio_api/heartbeat/x", False),
        ("GET", "/monitoring", False),
        ("POST", "/gradio_api/upload", False),
        ("POST", "/gradio_api/component_server", False),
        ("POST", "/gradio_api/queue/join", False),
        ("POST", "/api/ask", True),
        ("POST", "/api/ask/", False),
        ("GET", "/api/ask", False),
        ("OPTIONS", "/api/ask", False),
        ("PUT", "/api/ask", False),
    ],
)
def test_doors(method: str, path: str, open_: bool) -> None:
    assert is_open(method, path) is open_


def test_a_closed_door_is_a_sentence() -> None:
    reply = client().get("/config")
    assert reply.status_code == 404
    assert "root address" in reply.json()["error"]


def test_a_preflight_of_another_origin_is_not_answered() -> None:
    asked = {"origin": "http://evil.example", "access-control-request-method": "POST"}
    reply = client().options("/api/ask", headers=asked)
    assert reply.status_code == 403
    assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/page/main.js", "/config", "/assets/none.js"])
def test_every_response_is_hardened(path: str) -> None:
    headers = client().get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert ("no-store" in headers.get("cache-control", "")) is not path.startswith("/assets")
    assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/sign-in"])
def test_the_policy_of_a_page_names_its_scripts_and_compiles_nothing(path: str) -> None:
    policy: dict[str, Any] = {
        name: values.split()
        for name, _, values in (
            part.strip().partition(" ")
            for part in client().get(path).headers["content-security-policy"].split(";")
        )
    }
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert policy["script-src"] == ["'self'", f"'sha256-{digest}'"]
    assert policy["connect-src"] == ["'self'"]
    assert policy["form-action"] == ["'none'"]
    assert "'unsafe-eval'" not in str(policy)


def test_what_is_said_of_other_hosts_and_stored_states_does_not_reach_the_page() -> None:
    sent = {"x-forwarded-host": "evil.example", "forwarded": "host=evil.example", "x-real": "kept"}
    reached = client().get("/page/main.js?deep_link=x", headers=sent).json()
    assert "evil.example" not in str(reached)
    assert reached["headers"]["x-real"] == "kept"
    assert reached["query"] == ""


def test_web_sockets_are_not_spoken() -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), client().websocket_connect("/api/ask"):
        pass


def test_only_tokens_that_this_server_gave_out_are_known() -> None:
    windows, others = Windows(), Windows()
    token = windows.issue()
    assert windows.knows(token)
    assert windows.issue() != token
    key = windows.browser()
    assert not windows.knows(key)
    assert windows.browser(key) == key
    assert browser_of(windows.issue(key)) == browser_of(windows.issue(key)) != browser_of(token)
    hers, his = windows.issue(key, person=2), windows.issue(key, person=3)
    assert windows.knows(hers, 2) and not windows.knows(hers, 3) and not windows.knows(hers)
    assert browser_of(hers) != browser_of(his) and browser_of(hers) == browser_of(windows.issue(key, 2))
    for stranger in (others.browser(), key[:-1], token, "made.up", "é", ""):
        assert windows.browser(stranger) not in (stranger, key)
        assert browser_of(windows.issue(stranger)) != browser_of(windows.issue(key))
    for wrong in (
        "",
        ".",
        "x",
        token[:-1],
        token + "0",
        "other." + token.partition(".")[2],
        others.issue(),
        "é.é",
    ):
        assert not windows.knows(wrong), wrong
