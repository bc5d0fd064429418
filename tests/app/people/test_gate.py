"""The gate and the sign-in over HTTP: who is not signed in gets nothing; cookies, redirects, pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app.guard import Guard, Hosts
from app.lanes import Lane
from app.people.accounts import Accounts, Purpose
from app.people.cookie import NAME
from app.people.gate import Gate
from app.people.identity import Role
from app.people.routes import sign_in_routes
from app.people.sign_in import MOST_OF_ACCOUNT, OVER, WRONG, SignIns
from app.people.signed_in import ByCookie
from tests.app.people.conftest import LASTS, Clock

PASSWORD = "correct horse battery"
ORIGIN = "http://127.0.0.1:7860"
DONE: dict[str, object] = {}


@pytest.fixture
def client(sign_ins: SignIns, accounts: Accounts) -> Iterator[TestClient]:
    """A browser at a guarded server on which Ada has an account; redirects are not followed."""
    accounts.create("Ada", Role.LEAD, PASSWORD)
    identities, lane = ByCookie(sign_ins), Lane("sign-in", 2, 8)

    async def echo(request: Request) -> JSONResponse:
        return JSONResponse({"reached": request.url.path, "name": identities.person(request).name})

    async def file(request: Request) -> JSONResponse:
        return JSONResponse({"file": request.url.path})

    app = Starlette(
        routes=[
            *sign_in_routes(identities, sign_ins, lane),
            Route("/", echo),
            Route("/study", echo),
            Route("/api/{name}", echo, methods=["POST"]),
            Route("/page/{name}", file),
        ]
    )
    yield TestClient(
        Guard(Gate(app, identities), Hosts("127.0.0.1")), base_url=ORIGIN, follow_redirects=False
    )
    lane.close()


def sign_in(client: TestClient, password: str = PASSWORD, **headers: str) -> SimpleCookie:
    """Signs Ada in; returns the cookie as it was set."""
    reply = client.post("/api/sign_in", json={"name": "ada", "password": password}, headers=headers)
    assert reply.json() == {"name": "Ada", "role": "lead"}, reply.text
    return SimpleCookie(reply.headers["set-cookie"])


@pytest.mark.parametrize("name", ["window", "start", "ask", "save", "history", "export", "study_list"])
def test_nothing_is_answered_to_nobody(client: TestClient, name: str) -> None:
    for cookie in ({}, {NAME: ""}, {NAME: "x" * 43}, {"other": "x"}):
        client.cookies.update(cookie)
        reply = client.post(f"/api/{name}", json={})
        assert reply.status_code == 401
        assert reply.json()["sign_in"] is True
        assert "sign in" in reply.json()["error"]
        assert "reached" not in reply.text
        assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("path", "there"), [("/", "/sign-in"), ("/study", "/sign-in?next=%2Fstudy")])
def test_a_page_leads_nobody_to_the_sign_in(client: TestClient, path: str, there: str) -> None:
    reply = client.get(path)
    assert (reply.status_code, reply.headers["location"]) == (303, there)
    assert "reached" not in reply.text


def test_the_page_and_its_files_are_open_and_say_what_they_are_for(client: TestClient) -> None:
    page = client.get("/sign-in")
    assert page.status_code == 200
    assert "Research use only, not for clinical use" in page.text
    assert "<script>" not in page.text and "onclick" not in page.text
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy and "form-action 'none'" in policy
    assert client.get("/page/sign_in.js").json() == {"file": "/page/sign_in.js"}


def test_the_cookie_is_read_by_no_script_and_sent_from_no_other_site(client: TestClient) -> None:
    cookie = sign_in(client)[NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/")
    assert cookie["secure"] == ""
    assert cookie["max-age"] == str(int(LASTS.total_seconds()))
    assert len(cookie.value) >= 43


def test_over_tls_the_cookie_goes_over_tls_alone(sign_ins: SignIns, client: TestClient) -> None:
    assert sign_in(client, origin="https://127.0.0.1:7860")[NAME]["secure"] is True


def test_who_is_signed_in_gets_in_and_is_told_to_what_lies_behind(client: TestClient) -> None:
    sign_in(client)
    assert client.get("/study").json() == {"reached": "/study", "name": "Ada"}
    assert client.post("/api/ask", json={}).json() == {"reached": "/api/ask", "name": "Ada"}
    state = client.post("/api/sign_in_state", json={}).json()
    assert state == {
        "by": "password",
        "person": {"name": "Ada", "role": "lead"},
        "note": "",
        "shortest": 12,
    }


def test_signing_out_takes_the_cookie_and_what_it_opened(client: TestClient) -> None:
    token = sign_in(client)[NAME].value
    reply = client.post("/api/sign_out", json={})
    assert reply.json() == {}
    gone = SimpleCookie(reply.headers["set-cookie"])[NAME]
    assert (gone.value, gone["max-age"], gone["httponly"], gone["samesite"]) == ("", "0", True, "strict")
    client.cookies.set(NAME, token)
    assert client.post("/api/ask", json={}).json() == {"error": OVER, "sign_in": True}


def test_signing_in_again_ends_the_sign_in_before(client: TestClient) -> None:
    first = sign_in(client)[NAME].value
    second = sign_in(client)[NAME].value
    assert first != second
    client.cookies.clear()
    client.cookies.set(NAME, first)
    assert client.post("/api/ask", json={}).status_code == 401


def test_what_is_wrong_sets_no_cookie_and_is_refused_after_too_many(client: TestClient, clock: Clock) -> None:
    for _ in range(MOST_OF_ACCOUNT):
        reply = client.post("/api/sign_in", json={"name": "Ada", "password": "wrong password"})
        assert (reply.status_code, reply.json()) == (403, {"error": WRONG})
        assert "set-cookie" not in reply.headers
    reply = client.post("/api/sign_in", json={"name": "Ada", "password": PASSWORD})
    assert reply.status_code == 429
    assert "Too many tries" in reply.json()["error"]
    clock.move(minutes=15)
    sign_in(client)


def test_another_page_signs_nobody_in(client: TestClient) -> None:
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        reply = client.post("/api/sign_in", json={"name": "Ada", "password": PASSWORD}, headers=headers)
        assert reply.status_code == 403
        assert "another page" in reply.json()["error"]
        assert "set-cookie" not in reply.headers


def test_links_over_http(client: TestClient, accounts: Accounts) -> None:
    link = accounts.link("Ada", Purpose.SIGN_IN, valid=timedelta(days=1))
    asked = client.post("/api/sign_in_link", json={"link": link}).json()
    assert asked == {"name": "Ada", "chooses_password": False}
    assert client.post("/api/sign_in_by_link", json={"link": link}).json()["name"] == "Ada"
    assert client.get("/").json()["name"] == "Ada"
    client.cookies.clear()
    again = client.post("/api/sign_in_by_link", json={"link": link})
    assert again.status_code == 403
    assert "used already" in again.json()["error"]
    chooses = accounts.link("Ada", Purpose.PASSWORD, valid=timedelta(days=1))
    assert client.post("/api/sign_in_link", json={"link": chooses}).json()["chooses_password"] is True
    short = client.post("/api/choose_password", json={"link": chooses, "password": "short"})
    assert "needs 12" in short.json()["error"]
    chosen = {"link": chooses, "password": "another one entirely"}
    assert client.post("/api/choose_password", json=chosen).json() == {"name": "Ada", "role": "lead"}
    assert client.get("/").json()["name"] == "Ada"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("sign_in", {"name": "Ada"}),
        ("sign_in", {"name": "Ada", "password": PASSWORD, "role": "admin"}),
        ("sign_in", {"name": "Ada", "password": "x" * 2001}),
        ("sign_in_by_link", {"link": 7}),
        ("sign_out", {"name": "Ada"}),
    ],
)
def test_what_the_page_does_not_send_is_one_sentence(
    client: TestClient, name: str, body: dict[str, object]
) -> None:
    reply = client.post(f"/api/{name}", json=body)
    assert reply.status_code == 400
    assert "reload the page" in reply.json()["error"]
    assert PASSWORD not in reply.text
