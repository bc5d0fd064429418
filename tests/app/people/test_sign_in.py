"""Signing in by password and link, for a time; what is wrong says nothing of what is right."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from sqlalchemy import text

from app.people.accounts import Accounts, Purpose
from app.people.identity import NotSignedInError, Person, Role
from app.people.passwords import PasswordError, Passwords
from app.people.sign_in import MOST_OF_ACCOUNT, MOST_OF_ADDRESS, WRONG, SignedIn, SignIns, WrongSecretError
from app.people.tries import TooManyTriesError
from app.store import StoreError
from tests.app.people.conftest import IDLE, LASTS, Clock

BOTH_DATABASES = True
PASSWORD = "correct horse battery"
WEEK = timedelta(days=7)
HERE = "192.0.2.1"


@pytest.fixture
def ada(accounts: Accounts) -> Person:
    """Somebody with an account."""
    return accounts.create("Ada", Role.LEAD, PASSWORD)


def test_name_and_password_sign_in(sign_ins: SignIns, ada: Person) -> None:
    signed = sign_ins.by_password(" ADA ", PASSWORD, HERE)
    assert (signed.person, signed.lasts) == (ada, LASTS)
    assert sign_ins.person(signed.token) == ada
    other = sign_ins.by_password("Ada", PASSWORD, HERE)
    assert other.token != signed.token
    assert len(signed.token) >= 43  # 256 bits
    assert sign_ins.person(other.token) == ada


@pytest.mark.parametrize(
    ("name", "password"), [("Ada", PASSWORD + "!"), ("Eve", PASSWORD), ("Ada", ""), ("", "")]
)
def test_what_is_wrong_is_not_told(sign_ins: SignIns, ada: Person, name: str, password: str) -> None:
    with pytest.raises(WrongSecretError) as refused:
        sign_ins.by_password(name, password, HERE)
    assert str(refused.value) == WRONG


def test_a_disabled_account_and_one_without_a_password_sound_the_same(
    sign_ins: SignIns, accounts: Accounts, ada: Person
) -> None:
    accounts.create("Ben", Role.READER)
    signed = sign_ins.by_password("Ada", PASSWORD, HERE)
    accounts.disable("Ada")
    for name in ("Ada", "Ben"):
        with pytest.raises(WrongSecretError) as refused:
            sign_ins.by_password(name, PASSWORD, HERE)
        assert str(refused.value) == WRONG
    with pytest.raises(NotSignedInError, match="sign-in has ended"):
        sign_ins.person(signed.token)


@pytest.mark.parametrize("token", ["", "x", "é", "\ud83d", "a" * 43])
def test_a_secret_that_is_nobodys(sign_ins: SignIns, ada: Person, token: str) -> None:
    sign_ins.by_password("Ada", PASSWORD, HERE)
    with pytest.raises(NotSignedInError, match="sign in"):
        sign_ins.person(token)
    sign_ins.end(token)


def test_a_sign_in_ends_without_requests(sign_ins: SignIns, ada: Person, clock: Clock) -> None:
    token = sign_ins.by_password("Ada", PASSWORD, HERE).token
    for _ in range(4):
        clock.move(minutes=29)
        assert sign_ins.person(token) == ada
    clock.move(seconds=IDLE.total_seconds() - 1)
    assert sign_ins.person(token) == ada
    clock.move(seconds=IDLE.total_seconds())
    with pytest.raises(NotSignedInError, match="sign-in has ended; sign in again"):
        sign_ins.person(token)


def test_a_sign_in_ends_however_busy_it_is(sign_ins: SignIns, ada: Person, clock: Clock) -> None:
    token = sign_ins.by_password("Ada", PASSWORD, HERE).token
    for _ in range(23):
        clock.move(minutes=20)
        assert sign_ins.person(token) == ada
    clock.move(minutes=20)  # eight hours since it began
    with pytest.raises(NotSignedInError, match="has ended"):
        sign_ins.person(token)


def test_signing_out_ends_this_browser_alone(sign_ins: SignIns, ada: Person) -> None:
    here, there = (sign_ins.by_password("Ada", PASSWORD, HERE).token for _ in range(2))
    sign_ins.end(here)
    with pytest.raises(NotSignedInError):
        sign_ins.person(here)
    assert sign_ins.person(there) == ada


def test_another_password_signs_out_everywhere(sign_ins: SignIns, accounts: Accounts, ada: Person) -> None:
    token = sign_ins.by_password("Ada", PASSWORD, HERE).token
    accounts.set_password("ada", "another one entirely")
    with pytest.raises(NotSignedInError):
        sign_ins.person(token)
    with pytest.raises(WrongSecretError):
        sign_ins.by_password("Ada", PASSWORD, HERE)
    assert sign_ins.by_password("Ada", "another one entirely", HERE).person == ada


def test_another_role_holds_from_the_next_request_on(
    sign_ins: SignIns, accounts: Accounts, ada: Person
) -> None:
    token = sign_ins.by_password("Ada", PASSWORD, HERE).token
    accounts.set_role("Ada", Role.READER)
    assert sign_ins.person(token).role is Role.READER


def test_ended_sign_ins_are_swept_away(
    sign_ins: SignIns, ada: Person, clock: Clock, database: sqlalchemy.Engine
) -> None:
    for _ in range(5):
        sign_ins.by_password("Ada", PASSWORD, HERE)
    clock.move(hours=9)
    sign_ins.by_password("Ada", PASSWORD, HERE)
    with database.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM sign_in")).scalar() == 1


def test_an_outdated_hash_is_made_anew_with_the_right_password(
    sign_ins: SignIns, database: sqlalchemy.Engine, accounts: Accounts, clock: Clock
) -> None:
    old = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    Accounts(database, old, clock).create("Ada", Role.READER, PASSWORD)
    stored = text("SELECT password_hash FROM account")
    with database.connect() as connection:
        assert ",t=2," in connection.execute(stored).scalar_one()
    for _ in range(2):
        sign_ins.by_password("Ada", PASSWORD, HERE)
        with database.connect() as connection:
            assert f",t={CHEAPEST.time_cost}," in connection.execute(stored).scalar_one()


def test_failures_are_counted_by_account_whatever_the_address(
    sign_ins: SignIns, accounts: Accounts, ada: Person, clock: Clock
) -> None:
    ben = accounts.create("Ben", Role.READER, PASSWORD)
    for number in range(MOST_OF_ACCOUNT):
        with pytest.raises(WrongSecretError):
            sign_ins.by_password("Ada" if number % 2 else " aDA", "wrong password", f"192.0.2.{number}")
    with pytest.raises(TooManyTriesError, match="try again in 15 minutes"):
        sign_ins.by_password("Ada", PASSWORD, "192.0.2.200")
    assert sign_ins.by_password("Ben", PASSWORD, "192.0.2.200").person == ben
    clock.move(minutes=15)
    assert sign_ins.by_password("Ada", PASSWORD, "192.0.2.200").person == ada
    for _ in range(MOST_OF_ACCOUNT - 1):  # what came before is forgotten
        with pytest.raises(WrongSecretError):
            sign_ins.by_password("Ada", "wrong password", "192.0.2.200")
    assert sign_ins.by_password("Ada", PASSWORD, "192.0.2.200").person == ada


def test_failures_are_counted_by_address_whatever_is_tried(
    sign_ins: SignIns, accounts: Accounts, ada: Person, clock: Clock
) -> None:
    link = accounts.link("Ada", Purpose.SIGN_IN, valid=WEEK)
    for number in range(MOST_OF_ADDRESS):
        with pytest.raises(WrongSecretError):
            if number % 2:
                sign_ins.by_password(f"name {number}", "wrong password", HERE)
            else:
                sign_ins.link(f"guess {number}", HERE)
    for tried in (
        lambda: sign_ins.by_password("Ada", PASSWORD, HERE),
        lambda: sign_ins.by_link(link, HERE),
        lambda: sign_ins.link(link, HERE),
        lambda: sign_ins.choose_password(link, PASSWORD, HERE),
    ):
        with pytest.raises(TooManyTriesError):
            tried()
    assert sign_ins.by_link(link, "192.0.2.2").person == ada
    clock.move(minutes=15)
    assert sign_ins.by_password("Ada", PASSWORD, HERE).person == ada


def test_signing_in_often_is_no_failure(sign_ins: SignIns, ada: Person) -> None:
    for _ in range(MOST_OF_ADDRESS + 5):
        assert sign_ins.by_password("Ada", PASSWORD, HERE).person == ada


def test_a_link_signs_in_once(sign_ins: SignIns, accounts: Accounts, ada: Person) -> None:
    link = accounts.link("Ada", Purpose.SIGN_IN, valid=WEEK)
    facts = sign_ins.link(link, HERE)
    assert (facts.name, facts.purpose) == ("Ada", Purpose.SIGN_IN)
    signed = sign_ins.by_link(link, HERE)
    assert sign_ins.person(signed.token) == ada
    for again in (lambda: sign_ins.by_link(link, HERE), lambda: sign_ins.link(link, HERE)):
        with pytest.raises(WrongSecretError, match="used already, has expired"):
            again()


def test_of_two_at_once_a_link_lets_in_one(sign_ins: SignIns, accounts: Accounts, ada: Person) -> None:
    link = accounts.link("Ada", Purpose.SIGN_IN, valid=WEEK)

    def attempt(_: int) -> bool:
        try:
            return isinstance(sign_ins.by_link(link, HERE), SignedIn)
        except (WrongSecretError, StoreError):
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(16))) == 1


def test_a_reusable_link_signs_in_until_it_expires(
    sign_ins: SignIns, accounts: Accounts, ada: Person, clock: Clock
) -> None:
    link = accounts.link("Ada", Purpose.SIGN_IN, valid=WEEK, reusable=True)
    tokens = {sign_ins.by_link(link, HERE).token for _ in range(3)}
    assert len(tokens) == 3
    clock.move(days=7)
    with pytest.raises(WrongSecretError, match="has expired"):
        sign_ins.by_link(link, HERE)


def test_a_link_lets_its_owner_choose_a_password(sign_ins: SignIns, accounts: Accounts, ada: Person) -> None:
    before = sign_ins.by_password("Ada", PASSWORD, HERE)
    link = accounts.link("Ada", Purpose.PASSWORD, valid=WEEK)
    with pytest.raises(WrongSecretError):
        sign_ins.by_link(link, HERE)
    with pytest.raises(PasswordError, match="needs 12"):
        sign_ins.choose_password(link, "short", HERE)
    signed = sign_ins.choose_password(link, "another one entirely", HERE)
    assert sign_ins.person(signed.token) == ada
    with pytest.raises(NotSignedInError):
        sign_ins.person(before.token)
    with pytest.raises(WrongSecretError):
        sign_ins.choose_password(link, "yet another password", HERE)
    assert sign_ins.by_password("Ada", "another one entirely", HERE).person == ada
    plain = accounts.link("Ada", Purpose.SIGN_IN, valid=WEEK)
    with pytest.raises(WrongSecretError):
        sign_ins.choose_password(plain, "yet another password", HERE)


@pytest.mark.sqlite
def test_a_database_that_cannot_be_written_keeps_nobody_out_who_is_in(
    sign_ins: SignIns, ada: Person, clock: Clock, tmp_path: Path, database: sqlalchemy.Engine
) -> None:
    token = sign_ins.by_password("Ada", PASSWORD, HERE).token
    with database.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=20")
    with sqlite3.connect(tmp_path / "feedback.sqlite3", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        clock.move(minutes=10)
        assert sign_ins.person(token) == ada
        with pytest.raises(
            StoreError, match="The sign-in could not be saved: the database is busy; try again"
        ):
            sign_ins.by_password("Ada", PASSWORD, HERE)
        other.execute("ROLLBACK")
    other.close()
    clock.move(minutes=25)  # since the request before, 35 since the last one that could be noted
    with pytest.raises(NotSignedInError):
        sign_ins.person(token)
    assert sign_ins.by_password("Ada", PASSWORD, HERE).person == ada


@pytest.mark.sqlite
def test_nobody_is_let_in_by_a_file_that_is_no_longer_the_databases(
    sign_ins: SignIns, accounts: Accounts, ada: Person, database: sqlalchemy.Engine, tmp_path: Path
) -> None:
    """As of other stores: SQLite would go on with a file that has no name any more."""
    signed = sign_ins.by_password("Ada", PASSWORD, HERE)
    file, aside = Path(str(database.url.database)), tmp_path / "aside"
    file.rename(aside)
    for replaced in (False, True):
        if replaced:
            file.write_bytes(aside.read_bytes())
        for attempt in (
            lambda: sign_ins.person(signed.token),
            lambda: sign_ins.by_password("Ada", PASSWORD, HERE),
            lambda: accounts.create("Eve", Role.ADMIN, PASSWORD),
            lambda: accounts.facts(),
            lambda: sign_ins.end(signed.token),
        ):
            with pytest.raises(StoreError, match="removed or replaced"):
                attempt()
    aside.rename(file)
    assert sign_ins.person(signed.token) == ada
