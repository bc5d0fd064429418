"""What the pages of sign-in and accounts send, and what they are answered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from app.people.identity import Role
from app.replies import PersonReply, Reply
from app.requests import Message

LONGEST_DAYS = 365
Secret = Annotated[str, StringConstraints(max_length=2000)]
Days = Annotated[int, Field(ge=1, le=LONGEST_DAYS)]
SignsIn = Literal["password", "proxy", "nobody"]
"""How people sign in: with a password here, at another program, or not at all."""


class SignInRequest(Message):
    """A name and its password."""

    name: Secret
    password: Secret


class PersonalLinkRequest(Message):
    """The secret of a personal link."""

    link: Secret


class ChoosePasswordRequest(PersonalLinkRequest):
    """A new password, by a link that lets its owner choose one."""

    password: Secret


class OwnPasswordRequest(Message):
    """A new password in the place of one's own."""

    current: Secret
    password: Secret


class AccountRequest(Message):
    """An account by its name."""

    name: Secret


class NewAccountRequest(AccountRequest):
    """A new account; `days` is how long the link is valid by which its password is chosen."""

    role: Role
    days: Days = 7


class RoleRequest(AccountRequest):
    """Another role for an account."""

    role: Role


class LinkRequest(AccountRequest):
    """A personal link of an account, once or as often as wanted until it expires."""

    days: Days = 7
    reusable: bool = False


class SignInStateReply(Reply):
    """What the sign-in page shows.

    `by` is "password", or "proxy" where another program has people sign in; `note` is why somebody whom it
    names is not let in; `shortest` is how many characters a password needs.
    """

    by: str
    person: PersonReply | None
    note: str
    shortest: int


class LinkReply(Reply):
    """Whose a personal link is, and whether it is for choosing a password."""

    name: str
    chooses_password: bool


class AccountReply(Reply):
    """An account: `links` that are valid, `signed_in` at how many browsers; `own`: of whoever asks."""

    name: str
    role: str
    has_password: bool
    disabled: bool
    links: int
    signed_in: int
    own: bool


class AccountsReply(Reply):
    """Who asks; `accounts` is null for whoever is no admin. `shortest` as of `SignInStateReply`,
    `searches` as of `app.replies.StartReply`."""

    person: PersonReply
    by: SignsIn
    shortest: int
    searches: bool
    accounts: list[AccountReply] | None


class LinkMadeReply(Reply):
    """The secret of a new personal link, told this once, and its days; "" where people sign in elsewhere."""

    name: str
    link: str
    days: int
