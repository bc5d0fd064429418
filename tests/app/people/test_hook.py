"""A proxy's single sign-on: a function of the deployer's names the person; nobody else gets in."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app.lanes import Lane
from app.people.accounts import Accounts
from app.people.gate import Gate
from app.people.hook import ByHook, load
from app.people.identity import Role
from app.people.routes import sign_in_routes
from app.settings import UsageError

BOTH_DATABASES = True


def named_by_header(request: Request) -> Any:
    """As a deployer would write it."""
    return request.headers.get("x-remote-user")


def fails(request: Request) -> str:
    """As a deployer would not."""
    raise KeyError("a secret of the deployer's")


NOT_CALLABLE = "text"


def client(
    database: sqlalchemy.Engine, *, new_readers: bool, name_of: Callable[[Request], Any] = named_by_header
) -> TestClient:
    """A browser behind the proxy."""
    identities = ByHook(name_of, database, new_readers=new_readers)

    async def echo(request: Request) -> JSONResponse:
        person = identities.person(request)
        return JSONResponse({"name": person.name, "role": person.role})

    routes = [
        *sign_in_routes(identities, None, Lane("sign-in", 1, 1)),
        Route("/", echo),
        Route("/api/ask", echo, methods=["POST"]),
    ]
    return TestClient(Gate(Starlette(routes=routes), identities), follow_redirects=False)


def ask(browser: TestClient, name: str | None) -> tuple[int, dict[str, Any]]:
    """Status and reply of a request that the proxy lets through."""
    headers = {} if name is None else {"x-remote-user": name}
    reply = browser.post("/api/ask", json={}, headers=headers)
    return reply.status_code, reply.json()


def test_whom_the_proxy_names_is_signed_in_under_their_role(
    database: sqlalchemy.Engine, accounts: Accounts
) -> None:
    accounts.create("Ada", Role.LEAD)
    browser = client(database, new_readers=False)
    assert ask(browser, "ADA ") == (200, {"name": "Ada", "role": "lead"})
    status, reply = ask(browser, None)
    assert (status, reply["sign_in"]) == (401, True)
    assert "Your site's sign-in has named nobody" in reply["error"]
    assert ask(browser, "")[0] == 401


def test_a_name_that_nobody_has_is_refused_or_a_new_reader(
    database: sqlalchemy.Engine, accounts: Accounts
) -> None:
    status, reply = ask(client(database, new_readers=False), "Eve")
    assert status == 403
    assert reply == {"error": "Eve has no account here; ask whoever runs this server for one."}
    assert accounts.facts() == []
    browser = client(database, new_readers=True)
    for _ in range(2):
        assert ask(browser, "Eve") == (200, {"name": "Eve", "role": "reader"})
    assert [(item.name, item.role, item.has_password) for item in accounts.facts()] == [
        ("Eve", Role.READER, False)
    ]


def test_a_new_reader_is_added_once_however_many_requests_come_at_once(
    database: sqlalchemy.Engine, accounts: Accounts
) -> None:
    hook = ByHook(named_by_header, database, new_readers=True)
    request = Request({"type": "http", "headers": [(b"x-remote-user", b"Eve")]})
    with ThreadPoolExecutor(8) as pool:
        people = set(pool.map(hook.person, [request] * 16))
    assert len(people) == 1
    assert len(accounts.facts()) == 1


def test_a_disabled_account_is_refused_here_too(database: sqlalchemy.Engine, accounts: Accounts) -> None:
    accounts.create("Ada", Role.READER)
    accounts.disable("Ada")
    status, reply = ask(client(database, new_readers=True), "Ada")
    assert status == 403
    assert "is disabled" in reply["error"]


def test_a_function_that_fails_or_returns_no_name_lets_nobody_in(database: sqlalchemy.Engine) -> None:
    status, reply = ask(client(database, new_readers=True, name_of=fails), "Ada")
    assert status == 503
    assert "has failed (KeyError)" in reply["error"] and "secret" not in reply["error"]
    status, reply = ask(client(database, new_readers=True, name_of=lambda request: 7), "Ada")
    assert status == 503
    assert "returns no name" in reply["error"]


def test_the_sign_in_page_has_no_form_of_ours_then(database: sqlalchemy.Engine) -> None:
    browser = client(database, new_readers=False)
    assert browser.get("/").headers["location"] == "/sign-in"
    state = browser.post("/api/sign_in_state", json={}, headers={"x-remote-user": "Eve"}).json()
    assert (state["by"], state["person"]) == ("proxy", None)
    assert state["note"] == "Eve has no account here; ask whoever runs this server for one."
    for name, body in (("sign_in", {"name": "Eve", "password": "x"}), ("sign_out", {})):
        reply = browser.post(f"/api/{name}", json=body)
        assert reply.status_code == 403
        assert "your site's own sign-in" in reply.json()["error"]


def test_the_function_is_loaded_by_its_name() -> None:
    assert load(f"{__name__}:named_by_header") is named_by_header


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("no_such_module:function", "cannot be loaded (ModuleNotFoundError)"),
        (f"{__name__}:no_such_function", "cannot be loaded (AttributeError)"),
        ("nothing", "cannot be loaded"),
        (":", "cannot be loaded"),
        (f"{__name__}:NOT_CALLABLE", "is no function"),
    ],
)
def test_what_cannot_be_loaded_is_wrong_usage(reference: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        load(reference)
    assert words in str(refused.value)
