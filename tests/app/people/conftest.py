"""Fixtures of people: a clock that is moved by hand, accounts, and passwords that cost little."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from app.people.accounts import Accounts
from app.people.passwords import Passwords
from app.people.sign_in import SignIns

IDLE = timedelta(minutes=30)
LASTS = timedelta(hours=8)


class Clock:
    """A time that moves only when it is told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time."""
        return self.time

    def seconds(self) -> float:
        """The same, as seconds that only grow."""
        return self.time.timestamp()

    def move(self, **by: float) -> None:
        """Lets time pass."""
        self.time += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    """The clock of accounts and sign-ins."""
    return Clock()


@pytest.fixture(scope="session")
def passwords() -> Passwords:
    """Of the lowest cost that argon2 has."""
    return Passwords(PasswordHasher.from_parameters(CHEAPEST))


@pytest.fixture
def accounts(database: sqlalchemy.Engine, passwords: Passwords, clock: Clock) -> Accounts:
    """Of an empty database."""
    return Accounts(database, passwords, clock)


@pytest.fixture
def sign_ins(database: sqlalchemy.Engine, passwords: Passwords, clock: Clock) -> SignIns:
    """Of the same database."""
    return SignIns(database, idle=IDLE, lasts=LASTS, passwords=passwords, clock=clock, seconds=clock.seconds)
