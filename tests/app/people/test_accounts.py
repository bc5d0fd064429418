"""Accounts: made of new readers or of those that a study named, told, disabled; names that are alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy
from sqlalchemy.orm import Session

from app.people.accounts import AccountError, AccountFacts, Accounts, Purpose
from app.people.identity import Role
from app.people.names import WrongNameError
from app.people.sign_in import SignIns, WrongSecretError
from app.store.study_models import Reader
from tests.app.people.conftest import Clock

BOTH_DATABASES = True
PASSWORD = "correct horse battery"
WEEK = timedelta(days=7)


def test_an_account_is_told_as_it_is(accounts: Accounts, sign_ins: SignIns, clock: Clock) -> None:
    assert accounts.facts() == []
    assert accounts.count() == 0
    accounts.create(" Ada   Lovelace ", Role.ADMIN, PASSWORD)
    accounts.create("Ben", Role.READER)
    accounts.link("ben", Purpose.PASSWORD, valid=WEEK)
    used = accounts.link("Ben", Purpose.SIGN_IN, valid=WEEK)
    sign_ins.by_link(used, "")
    accounts.link("Ben", Purpose.SIGN_IN, valid=timedelta(minutes=1))
    clock.move(minutes=2)
    assert accounts.facts() == [
        AccountFacts("Ada Lovelace", Role.ADMIN, True, False, 0, 0),
        AccountFacts("Ben", Role.READER, False, False, 1, 1),
    ]
    assert accounts.count() == 2
    accounts.set_role("BEN", Role.LEAD)
    accounts.disable("ada lovelace")
    ada, ben = accounts.facts()
    assert (ada.disabled, ben.role) == (True, Role.LEAD)
    assert accounts.count() == 1
    accounts.enable("Ada Lovelace")
    assert accounts.count() == 2


def test_a_reader_that_a_study_named_gets_the_account(
    accounts: Accounts, database: sqlalchemy.Engine
) -> None:
    with Session(database) as session, session.begin():
        session.add(Reader(id=40, name="Dr Example", role="reader", created_at=datetime.now(UTC)))
    with pytest.raises(AccountError, match="reader named Dr Example; write the name as it is there"):
        accounts.create("DR EXAMPLE", Role.READER)
    person = accounts.create("Dr Example", Role.LEAD, PASSWORD)
    assert (person.id, person.name, person.role) == (40, "Dr Example", Role.LEAD)
    with Session(database) as session:
        assert [row.name for row in session.query(Reader).order_by(Reader.id)] == ["reader", "Dr Example"]


@pytest.mark.parametrize("name", ["Müller", "MÜLLER", "Mu\u0308ller", " müller "])
def test_no_two_accounts_have_names_that_look_alike(accounts: Accounts, name: str) -> None:
    accounts.create("Müller", Role.READER)
    with pytest.raises(AccountError, match="already"):
        accounts.create(name, Role.ADMIN)
    assert [(item.name, item.role) for item in accounts.facts()] == [("Müller", Role.READER)]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("  ", "is empty"),
        ("x" * 81, "81 characters and the limit is 80"),
        ("a\x00b", "cannot be seen"),
        ("a\u200bb", "cannot be seen"),
        ("\ud83d", "half of a character"),
    ],
)
def test_what_is_no_name_is_one_sentence(accounts: Accounts, name: str, words: str) -> None:
    with pytest.raises(WrongNameError, match=words):
        accounts.create(name, Role.READER)
    assert accounts.facts() == []


def test_there_must_be_one_to_change_it(accounts: Accounts) -> None:
    for change in (
        lambda: accounts.disable("Nemo"),
        lambda: accounts.enable("Nemo"),
        lambda: accounts.set_role("Nemo", Role.LEAD),
        lambda: accounts.set_password("Nemo", PASSWORD),
        lambda: accounts.link("Nemo", Purpose.SIGN_IN, valid=WEEK),
    ):
        with pytest.raises(AccountError, match="no account named Nemo; python -m app account list"):
            change()


@pytest.mark.sqlite
def test_no_secret_lies_in_the_database(
    accounts: Accounts, sign_ins: SignIns, database: sqlalchemy.Engine
) -> None:
    accounts.create("Ada", Role.READER, PASSWORD)
    link = accounts.link("Ada", Purpose.SIGN_IN, valid=WEEK)
    signed = sign_ins.by_password("Ada", PASSWORD, "")
    with database.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        dump = "\n".join(raw.iterdump())
    assert "argon2id" in dump
    for secret in (PASSWORD, link, signed.token):
        assert secret not in dump


def test_a_disabled_account_gets_no_link_and_loses_those_it_has(
    accounts: Accounts, sign_ins: SignIns
) -> None:
    accounts.create("Ada", Role.READER)
    link = accounts.link("Ada", Purpose.SIGN_IN, valid=WEEK, reusable=True)
    accounts.disable("Ada")
    with pytest.raises(AccountError, match="disabled; enable it first"):
        accounts.link("Ada", Purpose.SIGN_IN, valid=WEEK)
    accounts.enable("Ada")
    with pytest.raises(WrongSecretError, match="link"):
        sign_ins.by_link(link, "")
