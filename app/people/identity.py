"""Who asks: a person with a role, and what gives the person of a request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from starlette.requests import Request

from patchclip import PatchClipError


class NotSignedInError(PatchClipError):
    """Nobody is signed in: over HTTP 401."""


class NotAllowedError(PatchClipError):
    """The person's role does not allow it: over HTTP 403."""


class Role(StrEnum):
    """What a person may do; each role may do what those before it may."""

    READER = "reader"
    """Reads, and sees their own rows alone."""
    LEAD = "lead"
    """Leads studies: sees everybody's rows."""
    ADMIN = "admin"
    """Makes studies and accounts, too."""


RANKS = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who reads.

    Attributes:
        id: of their row in the table `reader`.
        name: unique, and what their readings are stored under.
        role: what they may do.
    """

    id: int
    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether they may do what that role may."""
        return RANKS[self.role] >= RANKS[role]

    def require(self, role: Role) -> None:
        """Lets pass who may do what that role may.

        Raises:
            NotAllowedError: they may not.
        """
        if not self.may(role):
            raise NotAllowedError(
                f"This takes the role {role} or a higher one, and yours is {self.role}; "
                "ask whoever runs this server."
            )


ONLY = Person(1, "reader", Role.ADMIN)
"""The reader that every database has, for a server without sign-in."""


class Identities(Protocol):
    """Tells the person of a request."""

    def person(self, request: Request) -> Person:
        """Who asks.

        Raises:
            NotSignedInError: nobody is signed in, or no longer.
        """
        ...


class OnlyPerson:
    """Sign-in is off, on this machine alone: whoever asks is the one reader, and everything is theirs.

    Args:
        person: the one reader.
    """

    def __init__(self, person: Person = ONLY) -> None:
        self._person = person

    def person(self, request: Request) -> Person:
        """The one reader, whatever the request."""
        return self._person
