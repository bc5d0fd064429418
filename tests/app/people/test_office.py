"""The requests of the accounts page: what an admin does, what nobody else may, one's own password."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.api import routes
from app.guard import Windows
from app.lanes import Lane
from app.people.accounts import Accounts, Purpose
from app.people.cookie import NAME
from app.people.identity import NotSignedInError, Person, Role
from app.people.messages import SignsIn
from app.people.office import AccountsOffice
from app.people.routes import sign_in_routes
from app.people.sign_in import WRONG_OWN, SignIns, WrongSecretError
from app.people.signed_in import ByCookie
from app.people.tries import TooManyTriesError
from app.service import Service
from app.uploads import Uploads
from tests.app.page_client import PageClient
from tests.app.people.conftest import Clock
from tests.app.study.reader_client import PERSON, Headers

PASSWORD, OTHER, HERE = "correct horse battery", "staple of another", "192.0.2.1"
WEEK = timedelta(days=7)
PEOPLE = {
    "Root": Person(2, "Root", Role.ADMIN),
    "Lea": Person(3, "Lea", Role.LEAD),
    "Ada": Person(4, "Ada", Role.READER),
}
WORK: list[tuple[str, dict[str, Any]]] = [
    ("account_create", {"name": "Eve", "role": "admin"}),
    ("account_role", {"name": "Ada", "role": "admin"}),
    ("account_disable", {"name": "Ada"}),
    ("account_enable", {"name": "Ada"}),
    ("account_link", {"name": "Ada"}),
    ("account_reset", {"name": "Ada"}),
]


@pytest.fixture
def lane() -> Iterator[Lane]:
    """For what takes time."""
    lane = Lane("sign-in", 2, 8)
    yield lane
    lane.close()


@pytest.fixture
def people(accounts: Accounts) -> Accounts:
    """An admin, a lead and a reader."""
    for person in PEOPLE.values():
        accounts.create(person.name, person.role, PASSWORD)
    return accounts


def page(service: Service, folder: Path, office: AccountsOffice, name: str = "Root") -> PageClient:
    """Somebody's window."""
    uploads = Uploads(folder, 1_000_000)
    made = routes(service, Windows(), uploads, Headers(PEOPLE), accounts=office)
    return PageClient(Starlette(routes=made), headers={PERSON: name})


def offices(people: Accounts, lane: Lane, by: SignsIn = "password") -> AccountsOffice:
    """Where accounts are run."""
    return AccountsOffice(people, lane, by)


def test_an_admin_sees_and_changes_accounts(
    service: Service, uploads: Path, people: Accounts, sign_ins: SignIns, lane: Lane
) -> None:
    root = page(service, uploads, offices(people, lane))
    told = root.call("account_list")
    assert told["person"] == {"name": "Root", "role": "admin"}
    assert (told["by"], told["shortest"], told["searches"]) == ("password", 12, False)
    assert [(item["name"], item["role"], item["own"]) for item in told["accounts"]] == [
        ("Ada", "reader", False),
        ("Lea", "lead", False),
        ("Root", "admin", True),
    ]
    searching = page(service, uploads, AccountsOffice(people, lane, "password", searches=True), "Ada")
    assert searching.call("account_list")["searches"] is True
    made = root.call("account_create", name="Eve", role="reader", days=3)
    assert (made["name"], made["days"]) == ("Eve", 3)
    assert sign_ins.choose_password(made["link"], OTHER, HERE).person.name == "Eve"
    assert root.call("account_role", name="Eve", role="lead") == {}
    assert sign_ins.by_password("Eve", OTHER, HERE).person.role == Role.LEAD
    link = root.call("account_link", name="Eve")["link"]
    assert sign_ins.by_link(link, HERE).person.name == "Eve"
    with pytest.raises(WrongSecretError):
        sign_ins.by_link(link, HERE)
    assert root.call("account_disable", name="Eve") == {}
    with pytest.raises(WrongSecretError):
        sign_ins.by_password("Eve", OTHER, HERE)
    assert "disabled; enable it first" in root.call("account_link", name="Eve")["error"]
    (eve,) = [item for item in root.call("account_list")["accounts"] if item["name"] == "Eve"]
    assert (eve["disabled"], eve["signed_in"], eve["links"]) == (True, 0, 0)
    assert root.call("account_enable", name="Eve") == {}
    assert sign_ins.by_password("Eve", OTHER, HERE).person.name == "Eve"


def test_a_reset_voids_password_sign_ins_and_links(
    service: Service, uploads: Path, people: Accounts, sign_ins: SignIns, lane: Lane, clock: Clock
) -> None:
    root = page(service, uploads, offices(people, lane))
    before = sign_ins.by_password("Ada", PASSWORD, HERE)
    older = root.call("account_link", name="Ada", reusable=True)["link"]
    made = root.call("account_reset", name="Ada")
    for attempt in (
        lambda: sign_ins.by_password("Ada", PASSWORD, HERE),
        lambda: sign_ins.by_link(older, HERE),
        lambda: sign_ins.by_link(made["link"], HERE),  # it is for choosing a password
    ):
        with pytest.raises(WrongSecretError):
            attempt()
    (ada,) = [item for item in root.call("account_list")["accounts"] if item["name"] == "Ada"]
    assert (ada["has_password"], ada["signed_in"], ada["links"]) == (False, 0, 1)
    assert sign_ins.choose_password(made["link"], OTHER, HERE).token != before.token
    clock.move(days=8)
    late = root.call("account_reset", name="Ada", days=7)["link"]
    clock.move(days=7)
    with pytest.raises(WrongSecretError):
        sign_ins.choose_password(late, OTHER, HERE)


@pytest.mark.parametrize("name", ["Lea", "Ada"])
def test_nobody_else_runs_accounts_or_sees_them(
    service: Service, uploads: Path, people: Accounts, lane: Lane, name: str
) -> None:
    client = page(service, uploads, offices(people, lane), name)
    told = client.call("account_list")
    assert told["accounts"] is None and told["person"]["name"] == name
    before = people.facts()
    for request, body in WORK:
        assert "This takes the role admin" in client.call(request, **body)["error"]
        assert client.status == 403
    assert people.facts() == before


def test_no_admin_locks_themselves_out(service: Service, uploads: Path, people: Accounts, lane: Lane) -> None:
    root = page(service, uploads, offices(people, lane))
    before = people.facts()
    for request, body in (
        ("account_role", {"role": "reader"}),
        ("account_disable", {}),
        ("account_reset", {}),
    ):
        assert "your own account" in root.call(request, name=" ROOT ", **body)["error"]
    assert people.facts() == before


def test_what_makes_no_sense_is_said(service: Service, uploads: Path, people: Accounts, lane: Lane) -> None:
    root = page(service, uploads, offices(people, lane))
    for request, body, said in (
        ("account_create", {"name": "ada", "role": "reader"}, "already; choose another name"),
        ("account_create", {"name": " ", "role": "reader"}, "The name is empty"),
        ("account_create", {"name": "Eve", "role": "owner"}, "does not understand role"),
        ("account_link", {"name": "Ada", "days": 400}, "does not understand days"),
        ("account_role", {"name": "Nobody", "role": "reader"}, "There is no account named Nobody"),
    ):
        assert said in root.call(request, **body)["error"]


def test_where_people_sign_in_elsewhere_there_are_no_links(
    service: Service, uploads: Path, people: Accounts, lane: Lane
) -> None:
    root = page(service, uploads, offices(people, lane, "proxy"))
    assert root.call("account_create", name="Eve", role="reader")["link"] == ""
    for request in ("account_link", "account_reset"):
        assert "elsewhere" in root.call(request, name="Eve")["error"]
    assert root.call("account_list")["by"] == "proxy"


def test_everybody_changes_their_own_password(people: Accounts, sign_ins: SignIns, lane: Lane) -> None:
    identities = ByCookie(sign_ins)
    app = Starlette(routes=sign_in_routes(identities, sign_ins, lane))
    client = TestClient(app)
    elsewhere = sign_ins.by_password("Ada", PASSWORD, HERE)
    link = people.link("Ada", Purpose.SIGN_IN, valid=WEEK)
    assert client.post("/api/own_password", json={"current": PASSWORD, "password": OTHER}).status_code == 401
    client.post("/api/sign_in", json={"name": "ada", "password": PASSWORD})
    before = client.cookies[NAME]
    for body, said in (
        ({"current": "something else", "password": OTHER}, WRONG_OWN),
        ({"current": PASSWORD, "password": "short"}, "needs 12"),
        ({"current": PASSWORD, "password": "ada"}, "needs 12"),
    ):
        assert said in client.post("/api/own_password", json=body).json()["error"]
    assert sign_ins.by_password("Ada", PASSWORD, HERE).person.name == "Ada"
    changed = client.post("/api/own_password", json={"current": PASSWORD, "password": OTHER})
    assert changed.json() == {"name": "Ada", "role": "reader"}
    assert client.cookies[NAME] != before
    assert client.post("/api/sign_in_state", json={}).json()["person"]["name"] == "Ada"
    for token in (before, elsewhere.token):
        with pytest.raises(NotSignedInError, match="sign-in has ended"):
            sign_ins.person(token)
    for attempt in (
        lambda: sign_ins.by_password("Ada", PASSWORD, HERE),
        lambda: sign_ins.by_link(link, HERE),
    ):
        with pytest.raises(WrongSecretError):
            attempt()
    assert sign_ins.by_password("Ada", OTHER, HERE).person.name == "Ada"


def test_wrong_tries_at_ones_own_password_are_counted(people: Accounts, sign_ins: SignIns) -> None:
    ada = PEOPLE["Ada"]
    for _ in range(10):
        with pytest.raises(WrongSecretError):
            sign_ins.change_password(ada, "something else", OTHER, HERE)
    with pytest.raises(TooManyTriesError):
        sign_ins.change_password(ada, PASSWORD, OTHER, HERE)
