"""Whom a request comes from, by the browser's cookie."""

from __future__ import annotations

from starlette.requests import Request

from app.people.cookie import secret_of
from app.people.identity import Person
from app.people.sign_in import SignIns

PERSON = "patch-clip person"  # of a request's scope: whom the gate has let in


class ByCookie:
    """Identities of a server that has people sign in.

    Args:
        sign_ins: who is signed in.
    """

    def __init__(self, sign_ins: SignIns) -> None:
        self._sign_ins = sign_ins

    def person(self, request: Request) -> Person:
        """Whoever is signed in at the browser.

        Raises:
            NotSignedInError: nobody.
            StoreError: the database cannot be read.
        """
        person = let_in(request)
        return self._sign_ins.person(secret_of(request)) if person is None else person


def let_in(request: Request) -> Person | None:
    """Whom the gate has let in with this request already."""
    person = request.scope.get(PERSON)
    return person if isinstance(person, Person) else None
