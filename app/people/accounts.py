"""Accounts: who may sign in, with which role, and by which personal links."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Engine, delete, func, or_, select
from sqlalchemy.orm import Session

from app.people.identity import ONLY, Person, Role
from app.people.names import folded, written
from app.people.passwords import Passwords
from app.people.records import Records, now
from app.people.tokens import digest, new_token
from app.store.people_models import Account, SignIn, SignInLink
from app.store.study_models import Assignment, Reader
from patchclip import PatchClipError


class AccountError(PatchClipError):
    """There is no such account, or there is one already."""


class Purpose(StrEnum):
    """What a personal link is for."""

    SIGN_IN = "sign-in"
    PASSWORD = "password"
    """To choose one, and to be signed in with it."""


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What is told of an account.

    Attributes:
        name: of the reader.
        role: theirs.
        has_password: whether one was chosen.
        disabled: whether signing in is refused.
        links: that are still valid.
        signed_in: at how many browsers.
    """

    name: str
    role: Role
    has_password: bool
    disabled: bool
    links: int
    signed_in: int


class Accounts:
    """All accounts of a database.

    Args:
        engine: on a migrated database.
        passwords: how they are hashed.
        clock: the time.
    """

    def __init__(
        self, engine: Engine, passwords: Passwords | None = None, clock: Callable[[], datetime] = now
    ) -> None:
        self._records, self._clock = Records(engine), clock
        self._passwords = passwords or Passwords()

    def count(self) -> int:
        """How many there are that may sign in."""
        with self._records.reading() as session:
            usable = select(func.count(Account.reader_id)).where(Account.disabled_at.is_(None))
            return int(session.scalar(usable) or 0)

    def any(self) -> bool:
        """Whether there is one, disabled or not."""
        with self._records.reading() as session:
            return session.scalar(select(Account.reader_id).limit(1)) is not None

    def only_reader(self) -> Person | None:
        """The one reader of a server without sign-in; None where there are several to be told apart.

        It is the one that a study names, or, where none does, the one that every database has.
        """
        with self._records.reading() as session:
            others = session.scalars(select(Reader).where(Reader.id != ONLY.id).limit(2)).all()
            first = select(Assignment.id).where(Assignment.reader_id == ONLY.id).limit(1)
            if not others:
                return ONLY
            if len(others) > 1 or session.scalar(first) is not None:
                return None
            return Person(others[0].id, others[0].name, Role.ADMIN)

    def facts(self) -> list[AccountFacts]:
        """In the order of their names."""
        time = self._clock()
        with self._records.reading() as session:
            accounts = session.scalars(select(Account).join(Reader).order_by(Reader.name)).all()
            return [
                AccountFacts(
                    name=account.reader.name,
                    role=Role(account.reader.role),
                    has_password=account.password_hash is not None,
                    disabled=account.disabled_at is not None,
                    links=_number(session, SignInLink, account, SignInLink.expires_at > time, _unused()),
                    signed_in=_number(session, SignIn, account, SignIn.expires_at > time),
                )
                for account in accounts
            ]

    def create(self, name: str, role: Role, password: str | None = None) -> Person:
        """Makes one, of a new reader or of one that a study has named.

        password: or None, where it is chosen later, by a link.

        Raises:
            AccountError: there is one of that name, or a reader whose name is written otherwise.
            WrongNameError, PasswordError: what was given cannot be one.
            StoreError: the database cannot be written.
        """
        text = written(name)
        hashed = None if password is None else self._passwords.hash(password, text)
        with self._records.writing("The account") as session:
            if session.scalar(select(Account).where(Account.folded == folded(text))) is not None:
                raise AccountError(f"There is an account named {text} already; choose another name.")
            others = session.scalars(select(Reader)).all()
            alike = [reader for reader in others if folded(reader.name) == folded(text)]
            same = next((reader for reader in alike if reader.name == text), None)
            if alike and same is None:
                raise AccountError(f"There is a reader named {alike[0].name}; write the name as it is there.")
            reader = same or Reader(name=text, created_at=self._clock())
            reader.role = role
            session.add(reader)
            session.flush()
            session.add(Account(reader_id=reader.id, folded=folded(text), password_hash=hashed))
            return Person(reader.id, reader.name, role)

    def set_role(self, name: str, role: Role) -> None:
        """Gives another role, from the next request on.

        Raises:
            AccountError: there is no such account.
        """
        with self._records.writing("The role") as session:
            _find(session, name).reader.role = role

    def disable(self, name: str) -> None:
        """Ends every sign-in and link of an account, and refuses new ones; readings stay.

        Raises:
            AccountError: there is no such account.
        """
        with self._records.writing("The account") as session:
            account = _find(session, name)
            account.disabled_at = self._clock()
            session.execute(delete(SignIn).where(SignIn.reader_id == account.reader_id))
            session.execute(delete(SignInLink).where(SignInLink.reader_id == account.reader_id))

    def enable(self, name: str) -> None:
        """Lets an account sign in again that was disabled.

        Raises:
            AccountError: there is no such account.
        """
        with self._records.writing("The account") as session:
            _find(session, name).disabled_at = None

    def reset(self, name: str, *, valid: timedelta) -> str:
        """Voids an account's password and ends its sign-ins and links.

        Returns:
            The secret of a link by which its owner chooses another password, told this once.

        Raises:
            AccountError: there is no such account, or it is disabled.
        """
        with self._records.writing("The account") as session:
            account = _usable(session, name)
            account.password_hash = None
            for table in (SignIn, SignInLink):
                session.execute(delete(table).where(table.reader_id == account.reader_id))
            return self._add_link(session, account, Purpose.PASSWORD, valid, reusable=False)

    def set_password(self, name: str, password: str) -> None:
        """Gives another password, and ends every sign-in of the account.

        Raises:
            AccountError: there is no such account.
            PasswordError: it cannot be one.
        """
        hashed = self._passwords.hash(password, name)
        with self._records.writing("The password") as session:
            account = _find(session, name)
            account.password_hash = hashed
            session.execute(delete(SignIn).where(SignIn.reader_id == account.reader_id))

    def link(self, name: str, purpose: Purpose, *, valid: timedelta, reusable: bool = False) -> str:
        """The secret of a new personal link, which is told this once.

        Raises:
            AccountError: there is no such account, or it is disabled.
        """
        with self._records.writing("The link") as session:
            return self._add_link(session, _usable(session, name), purpose, valid, reusable=reusable)

    def _add_link(
        self, session: Session, account: Account, purpose: Purpose, valid: timedelta, *, reusable: bool
    ) -> str:
        token, time = new_token(), self._clock()
        session.execute(delete(SignInLink).where(SignInLink.expires_at <= time))
        session.add(
            SignInLink(
                reader_id=account.reader_id,
                token_sha256=digest(token),
                purpose=purpose,
                reusable=reusable,
                created_at=time,
                expires_at=time + valid,
            )
        )
        return token


def _find(session: Session, name: str) -> Account:
    account = session.scalar(select(Account).where(Account.folded == folded(name)))
    if account is None:
        raise AccountError(
            f"There is no account named {written(name)}; python -m app account list names those there are."
        )
    return account


def _usable(session: Session, name: str) -> Account:
    account = _find(session, name)
    if account.disabled_at is not None:
        raise AccountError(f"The account of {account.reader.name} is disabled; enable it first.")
    return account


def _unused() -> ColumnElement[bool]:
    return or_(SignInLink.reusable, SignInLink.used_at.is_(None))


def _number(
    session: Session,
    table: type[SignInLink] | type[SignIn],
    account: Account,
    *conditions: ColumnElement[bool],
) -> int:
    wanted = select(func.count(table.id)).where(table.reader_id == account.reader_id, *conditions)
    return int(session.scalar(wanted) or 0)
