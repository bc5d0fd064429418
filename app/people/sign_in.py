"""Signing in: by a password or a personal link, for a time; and who a browser's secret belongs to."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, or_, select, update
from sqlalchemy.orm import Session

from app.people.accounts import Purpose
from app.people.identity import NotSignedInError, Person, Role
from app.people.names import folded
from app.people.passwords import Passwords
from app.people.records import Records, now
from app.people.tokens import digest, new_token
from app.people.tries import Tries, network_of
from app.store import StoreError
from app.store.people_models import Account, SignIn, SignInLink
from app.store.study_models import Reader
from patchclip import PatchClipError

WINDOW_S = 15 * 60.0
MOST_OF_ACCOUNT = 10  # failures within that time
MOST_OF_ADDRESS = 50  # behind a proxy all readers have one address
SEEN_EVERY = timedelta(minutes=1)  # a request need not write each time
WRONG = "Name or password is wrong, or the account is disabled; try again, or ask whoever runs this server."
NO_LINK = "This link was used already, has expired or is not whole; ask whoever runs this server for another."
WRONG_OWN = "Your current password is another; type it again."
NONE_OWN = "You have no password yet; ask whoever runs this server for a link to choose one."
NOBODY = "Nobody is signed in; sign in, then go on."
OVER = "Your sign-in has ended; sign in again, and go on where you were."


class WrongSecretError(PatchClipError):
    """A name, password or link that is none: over HTTP 403."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in that has just begun.

    Attributes:
        person: who.
        token: the secret that the browser shows from now on.
        lasts: at most.
    """

    person: Person
    token: str
    lasts: timedelta


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """What a personal link is for.

    Attributes:
        name: whose it is.
        purpose: what it lets them do.
    """

    name: str
    purpose: Purpose


class SignIns:
    """Who is signed in.

    Args:
        engine: on a migrated database.
        idle: a sign-in ends after so long without a request.
        lasts: and after so long in any case.
        passwords: how they are hashed.
        clock: the time.
        seconds: that only grow, for the count of failures.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        idle: timedelta,
        lasts: timedelta,
        passwords: Passwords | None = None,
        clock: Callable[[], datetime] = now,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._records, self._idle, self._lasts, self._clock = Records(engine), idle, lasts, clock
        self._passwords = passwords or Passwords()
        self._of_account = Tries(MOST_OF_ACCOUNT, WINDOW_S, seconds)
        self._of_address = Tries(MOST_OF_ADDRESS, WINDOW_S, seconds)

    def by_password(self, name: str, password: str, address: str) -> SignedIn:
        """Signs in.

        address: where the request comes from.

        Raises:
            WrongSecretError: name or password is wrong, or the account is disabled: nobody is told which.
            TooManyTriesError: too many have failed, of this account or from this address.
            StoreError: the database cannot be read or written.
        """
        key, network = folded(name), network_of(address)
        self._of_address.begin(network)
        self._of_account.begin(key)
        with self._records.reading() as session:
            account = session.scalar(select(Account).where(Account.folded == key))
            usable = account is not None and account.disabled_at is None
            stored = account.password_hash if account is not None and usable else None
            person = _person(account.reader) if account is not None else None
        if not self._passwords.matches(stored, password) or stored is None or person is None:
            raise WrongSecretError(WRONG)
        self._of_address.take_back(network)
        self._of_account.forget(key)
        with self._records.writing("The sign-in") as session:
            if self._passwords.is_outdated(stored):
                hashed = self._passwords.hash(password, person.name)
                session.execute(
                    update(Account).where(Account.reader_id == person.id).values(password_hash=hashed)
                )
            return self._begin(session, person)

    def change_password(self, person: Person, current: str, password: str, address: str) -> SignedIn:
        """Gives somebody who is signed in another password of their own, ends all their sign-ins and links,
        and signs in anew.

        Raises:
            WrongSecretError: the current password is wrong, or there is none.
            PasswordError: the new one cannot be one.
            TooManyTriesError: too many have failed, of this account or from this address.
        """
        key, network = folded(person.name), network_of(address)
        self._of_address.begin(network)
        self._of_account.begin(key)
        with self._records.reading() as session:
            account = session.get(Account, person.id)
            stored = account.password_hash if account is not None else None
        if not self._passwords.matches(stored, current):
            raise WrongSecretError(WRONG_OWN if stored else NONE_OWN)
        self._of_address.take_back(network)
        self._of_account.forget(key)
        hashed = self._passwords.hash(password, person.name)
        with self._records.writing("The password") as session:
            for table in (SignIn, SignInLink):
                session.execute(delete(table).where(table.reader_id == person.id))
            session.execute(
                update(Account).where(Account.reader_id == person.id).values(password_hash=hashed)
            )
            return self._begin(session, person)

    def link(self, token: str, address: str) -> LinkFacts:
        """What a link is for, without using it.

        Raises:
            WrongSecretError: it is none, was used, or has expired.
            TooManyTriesError: too many have failed from this address.
        """
        with self._counted(address), self._records.reading() as session:
            link = self._valid(session, token)
            return LinkFacts(link.reader.name, Purpose(link.purpose))

    def by_link(self, token: str, address: str) -> SignedIn:
        """Signs in; a link that is not reusable is over then.

        Raises:
            WrongSecretError: it is none, was used, has expired, or is for choosing a password.
            TooManyTriesError: too many have failed from this address.
        """
        with self._counted(address), self._records.writing("The sign-in") as session:
            link = self._valid(session, token, Purpose.SIGN_IN)
            self._use(session, link)
            return self._begin(session, _person(link.reader))

    def choose_password(self, token: str, password: str, address: str) -> SignedIn:
        """Sets the password of a link's account, ends its other sign-ins, and signs in.

        Raises:
            WrongSecretError: the link is none, was used, has expired, or is for signing in.
            PasswordError: the password cannot be one; the link stays valid.
            TooManyTriesError: too many have failed from this address.
        """
        facts = self.link(token, address)
        hashed = self._passwords.hash(password, facts.name)
        with self._counted(address), self._records.writing("The password") as session:
            link = self._valid(session, token, Purpose.PASSWORD)
            self._use(session, link)
            session.execute(delete(SignIn).where(SignIn.reader_id == link.reader_id))
            session.execute(
                update(Account).where(Account.reader_id == link.reader_id).values(password_hash=hashed)
            )
            return self._begin(session, _person(link.reader))

    def person(self, token: str) -> Person:
        """Whose browser shows this secret.

        Raises:
            NotSignedInError: nobody's, or their sign-in has ended.
            StoreError: the database cannot be read.
        """
        if not token:
            raise NotSignedInError(NOBODY)
        wanted, time = digest(token), self._clock()
        with self._records.reading() as session:
            row = session.scalar(select(SignIn).where(SignIn.token_sha256 == wanted))
            if row is None or not hmac.compare_digest(row.token_sha256, wanted):
                raise NotSignedInError(OVER)
            account = session.get(Account, row.reader_id)
            ended = time >= row.expires_at or time - row.seen_at >= self._idle
            if ended or account is None or account.disabled_at is not None:
                raise NotSignedInError(OVER)
            person, number, unseen = _person(row.reader), row.id, time - row.seen_at
        if unseen >= SEEN_EVERY:
            self._see(number, time)
        return person

    def end(self, token: str) -> None:
        """Signs out; a secret that is nobody's changes nothing."""
        with self._records.writing("The sign-out") as session:
            session.execute(delete(SignIn).where(SignIn.token_sha256 == digest(token)))

    def _see(self, number: int, time: datetime) -> None:
        try:
            with self._records.writing("The time of your request") as session:
                session.execute(update(SignIn).where(SignIn.id == number).values(seen_at=time))
        except StoreError:
            # Whoever reads on a disk that is full or locked goes on; where it stays so, the sign-in ends as
            # it would without requests, and what cannot be stored is said where it is to be stored.
            return

    def _begin(self, session: Session, person: Person) -> SignedIn:
        time, token = self._clock(), new_token()
        session.execute(
            delete(SignIn).where(or_(SignIn.expires_at <= time, SignIn.seen_at <= time - self._idle))
        )
        session.add(
            SignIn(
                reader_id=person.id,
                token_sha256=digest(token),
                created_at=time,
                seen_at=time,
                expires_at=time + self._lasts,
            )
        )
        return SignedIn(person, token, self._lasts)

    def _valid(self, session: Session, token: str, purpose: Purpose | None = None) -> SignInLink:
        wanted = digest(token)
        link = session.scalar(select(SignInLink).where(SignInLink.token_sha256 == wanted))
        if link is None or not hmac.compare_digest(link.token_sha256, wanted):
            raise WrongSecretError(NO_LINK)
        account = session.get(Account, link.reader_id)
        over = self._clock() >= link.expires_at or (link.used_at is not None and not link.reusable)
        if over or account is None or account.disabled_at is not None or purpose not in (None, link.purpose):
            raise WrongSecretError(NO_LINK)
        return link

    def _use(self, session: Session, link: SignInLink) -> None:
        """Of two at once, one alone gets through."""
        used = session.scalars(
            update(SignInLink)
            .where(SignInLink.id == link.id, or_(SignInLink.reusable, SignInLink.used_at.is_(None)))
            .values(used_at=self._clock())
            .returning(SignInLink.id)
        ).all()
        if len(used) != 1:
            raise WrongSecretError(NO_LINK)

    @contextmanager
    def _counted(self, address: str) -> Iterator[None]:
        """A failure counts against the address, anything else does not."""
        network = network_of(address)
        self._of_address.begin(network)
        try:
            yield
        except WrongSecretError:
            raise
        except PatchClipError:
            self._of_address.take_back(network)
            raise
        else:
            self._of_address.take_back(network)


def _person(reader: Reader) -> Person:
    return Person(reader.id, reader.name, Role(reader.role))
