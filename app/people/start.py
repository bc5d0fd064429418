"""Whether people sign in at this server, and how: decided once, when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address

from sqlalchemy import Engine

from app.people.accounts import Accounts
from app.people.hook import ByHook, load
from app.people.identity import Identities, OnlyPerson
from app.people.messages import SignsIn
from app.people.sign_in import SignIns
from app.people.signed_in import ByCookie
from app.settings import Settings, UsageError

NO_ACCOUNT = (
    "Patch-CLIP does not listen on {host} while anybody could read everything: make an account first, with "
    "python -m app account create NAME --role admin, or name your proxy's sign-in with --auth-dependency."
)
SEVERAL = (
    "Sign-in is on, since the database has several readers and none has an account; "
    "make one with python -m app account create NAME --role admin."
)


@dataclass(frozen=True, slots=True)
class People:
    """How the server tells who asks.

    Attributes:
        identities: by which it does.
        sign_ins: of its own accounts; None where sign-in is off or another program's.
        accounts: all of the database; None for a server whose page has none of them.
        note: what whoever starts the server should know; "" for nothing.
    """

    identities: Identities
    sign_ins: SignIns | None = None
    accounts: Accounts | None = None
    note: str = ""

    @property
    def by(self) -> SignsIn:
        """How people sign in."""
        return "password" if self.sign_ins else "proxy" if self.sign_in else "nobody"

    @property
    def sign_in(self) -> bool:
        """Whether anybody has to."""
        return not isinstance(self.identities, OnlyPerson)


def people_of(settings: Settings, engine: Engine) -> People:
    """By the deployer's function, by accounts, or not at all: on this machine alone, with one reader.

    Raises:
        UsageError: another address is to be listened on and nobody would have to sign in; or the function
            cannot be loaded.
        StoreError: the database cannot be read.
    """
    accounts = Accounts(engine)
    if settings.auth_dependency:
        name_of = load(settings.auth_dependency)
        hook = ByHook(name_of, engine, new_readers=settings.auth_new_readers)
        return People(hook, accounts=accounts)
    if not is_loopback(settings.host) and not accounts.count():
        raise UsageError(NO_ACCOUNT.format(host=settings.host))
    note = "" if accounts.any() else SEVERAL
    only = accounts.only_reader()
    if note and only is not None:
        return People(OnlyPerson(only), accounts=accounts)
    sign_ins = SignIns(
        engine,
        idle=timedelta(minutes=settings.sign_in_idle_minutes),
        lasts=timedelta(hours=settings.sign_in_hours),
    )
    return People(ByCookie(sign_ins), sign_ins, accounts, note)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
