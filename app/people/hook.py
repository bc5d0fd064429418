"""A proxy's single sign-on: a function of the deployer's tells who asks."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine, select
from starlette.requests import Request

from app.people.identity import NotAllowedError, NotSignedInError, Person, Role
from app.people.names import folded, written
from app.people.records import Records, now
from app.people.signed_in import let_in
from app.settings import UsageError
from app.store.people_models import Account
from app.store.study_models import Reader
from patchclip import PatchClipError

NameOf = Callable[[Request], str | None]
NOBODY = "Your site's sign-in has named nobody; sign in there, then reload the page."


class HookError(PatchClipError):
    """The deployer's function has failed."""


def load(reference: str) -> NameOf:
    """The function that "module:function" names.

    Raises:
        UsageError: there is none.
    """
    module, _, name = reference.partition(":")
    try:
        function: NameOf = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(
            f"The sign-in function {reference!r} cannot be loaded ({type(error).__name__}); "
            "name it as module:function, in a module that Python finds."
        ) from error
    if not callable(function):
        raise UsageError(f"{reference!r} is no function; name one that takes a request and returns a name.")
    return function


class ByHook:
    """Identities of a server behind a proxy that has people sign in.

    Args:
        name_of: takes the Starlette request, returns the person's name, or None where nobody is signed in.
        engine: on a migrated database.
        new_readers: whether a name that nobody has becomes a reader; refused otherwise.
        clock: the time.
    """

    def __init__(
        self, name_of: NameOf, engine: Engine, *, new_readers: bool, clock: Callable[[], datetime] = now
    ) -> None:
        self._name_of, self._records = name_of, Records(engine)
        self._new_readers, self._clock = new_readers, clock

    def person(self, request: Request) -> Person:
        """Whoever the proxy says.

        Raises:
            NotSignedInError: nobody is signed in there.
            NotAllowedError: the name is nobody's here, or the account is disabled.
            HookError: the function has failed.
            StoreError: the database cannot be read or written.
        """
        known = let_in(request)
        if known is not None:
            return known
        name = self._ask(request)
        with self._records.reading() as session:
            found = session.execute(
                select(Account.disabled_at, Reader).join(Reader).where(Account.folded == folded(name))
            ).first()
            if found is not None:
                if found[0] is not None:
                    raise NotAllowedError(f"The account of {name} is disabled; ask whoever runs this server.")
                return Person(found[1].id, found[1].name, Role(found[1].role))
        if not self._new_readers:
            raise NotAllowedError(f"{name} has no account here; ask whoever runs this server for one.")
        return self._add(name)

    def _ask(self, request: Request) -> str:
        try:
            name = self._name_of(request)
        except Exception as error:  # whatever the deployer's code raises, nobody is let in
            raise HookError(
                f"The sign-in function of this server has failed ({type(error).__name__}); "
                "ask whoever runs it."
            ) from error
        if name is None or name == "":
            raise NotSignedInError(NOBODY)
        if not isinstance(name, str):
            raise HookError("The sign-in function of this server returns no name; ask whoever runs it.")
        return written(name)

    def _add(self, name: str) -> Person:
        with self._records.writing("The new reader") as session:
            # Two requests at once: the other one has added them.
            account = session.scalar(select(Account).where(Account.folded == folded(name)))
            reader = account.reader if account else None
            if reader is None:
                reader = session.scalar(select(Reader).where(Reader.name == name))
            if reader is None:
                reader = Reader(name=name, role=Role.READER, created_at=self._clock())
                session.add(reader)
                session.flush()
            if account is None:
                session.add(Account(reader_id=reader.id, folded=folded(name), password_hash=None))
            return Person(reader.id, reader.name, Role(reader.role))
