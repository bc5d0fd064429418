"""Whether people sign in is decided by address, accounts and hook; what is unsafe does not start."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.orm import Session
from starlette.requests import Request

from app.__main__ import main
from app.people.accounts import Accounts
from app.people.hook import ByHook
from app.people.identity import NotSignedInError, OnlyPerson, Person, Role
from app.people.signed_in import ByCookie
from app.people.start import is_loopback, people_of
from app.settings import Settings, UsageError
from app.store.study_models import Reader


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.7", False),
        ("reading.example", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_what_only_this_machine_reaches(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_on_this_machine_with_one_reader_nobody_signs_in(database: sqlalchemy.Engine) -> None:
    people = people_of(Settings(), database)
    assert isinstance(people.identities, OnlyPerson)
    assert (people.sign_in, people.sign_ins, people.note) == (False, None, "")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "reading.example"])
def test_no_other_address_is_served_without_an_account(
    host: str, database: sqlalchemy.Engine, accounts: Accounts
) -> None:
    with pytest.raises(UsageError, match="python -m app account create NAME --role admin") as refused:
        people_of(Settings(host=host), database)
    assert host in str(refused.value)
    accounts.create("Ada", Role.ADMIN)
    accounts.disable("Ada")
    with pytest.raises(UsageError):
        people_of(Settings(host=host), database)
    accounts.enable("Ada")
    assert people_of(Settings(host=host), database).sign_in


def test_the_server_does_not_start_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("app.__main__.signal.signal", lambda *_: None)  # tests keep their own handlers
    for name in ("GRADIO_ANALYTICS_ENABLED", "HF_HUB_OFFLINE", "GRADIO_TEMP_DIR"):
        monkeypatch.setenv(name, "to be replaced")
    database = str(tmp_path / "feedback.sqlite3")
    assert main(["--host", "0.0.0.0", "--database", database]) == 2
    error = capsys.readouterr().err
    assert error.startswith(
        "error: Patch-CLIP does not listen on 0.0.0.0 while anybody could read everything"
    )
    assert error.count("\n") == 1


def test_with_an_account_people_sign_in_here_too(database: sqlalchemy.Engine, accounts: Accounts) -> None:
    accounts.create("Ada", Role.ADMIN)
    people = people_of(Settings(), database)
    assert isinstance(people.identities, ByCookie)
    assert people.sign_ins is not None
    assert people.note == ""


def add_reader(database: sqlalchemy.Engine, name: str) -> int:
    """A reader as a study makes one; its row."""
    with Session(database) as session, session.begin():
        row = Reader(name=name, role="reader", created_at=datetime.now(UTC))
        session.add(row)
        session.flush()
        return row.id


def test_the_one_reader_of_a_study_needs_no_sign_in_and_several_are_told_apart(
    database: sqlalchemy.Engine,
) -> None:
    request = Request({"type": "http", "headers": []})
    assert people_of(Settings(), database).identities.person(request) == Person(1, "reader", Role.ADMIN)
    number = add_reader(database, "Ben")
    assert people_of(Settings(), database).identities.person(request) == Person(number, "Ben", Role.ADMIN)
    add_reader(database, "Cleo")
    people = people_of(Settings(), database)
    assert isinstance(people.identities, ByCookie)
    assert "several readers and none has an account" in people.note
    with pytest.raises(NotSignedInError):
        people.identities.person(request)


def test_disabled_accounts_leave_sign_in_on(database: sqlalchemy.Engine, accounts: Accounts) -> None:
    accounts.create("reader", Role.ADMIN)
    accounts.disable("reader")
    assert people_of(Settings(), database).sign_in


def test_a_proxys_sign_in_serves_any_address(database: sqlalchemy.Engine) -> None:
    settings = Settings(host="0.0.0.0", auth_dependency="tests.app.people.test_hook:named_by_header")
    people = people_of(settings, database)
    assert isinstance(people.identities, ByHook)
    assert people.sign_in
    assert people.sign_ins is None
