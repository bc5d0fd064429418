"""The office of whoever runs accounts: listing, adding, roles, links; and everybody's own password."""

from __future__ import annotations

from datetime import timedelta

from app.lanes import Lane
from app.people.accounts import AccountError, AccountFacts, Accounts, Purpose
from app.people.identity import Person, Role
from app.people.messages import (
    AccountReply,
    AccountRequest,
    AccountsReply,
    LinkMadeReply,
    LinkRequest,
    NewAccountRequest,
    RoleRequest,
    SignsIn,
)
from app.people.names import folded
from app.people.passwords import SHORTEST
from app.replies import DoneReply, PersonReply
from app.requests import EmptyRequest

OWN = "This is your own account; have another admin do it, so that you do not lock yourself out."
PROXY = "People sign in to this server elsewhere; a link would lead nowhere."


class AccountsOffice:
    """Answers the page of accounts; each method takes the person who asks.

    Args:
        accounts: of the database.
        lane: hashing a password takes time and 64 MiB.
        by: how people sign in.
        searches: whether the server has an archive to search in words.
    """

    def __init__(self, accounts: Accounts, lane: Lane, by: SignsIn, searches: bool = False) -> None:
        self._accounts, self._lane, self._by, self._searches = accounts, lane, by, searches

    async def list(self, person: Person, request: EmptyRequest) -> AccountsReply:
        """Who asks, and for an admin all accounts."""
        facts = await self._lane.run(self._accounts.facts) if person.may(Role.ADMIN) else None
        return AccountsReply(
            person=PersonReply(name=person.name, role=person.role),
            by=self._by,
            shortest=SHORTEST,
            searches=self._searches,
            accounts=None if facts is None else [_told(item, person) for item in facts],
        )

    async def create(self, person: Person, request: NewAccountRequest) -> LinkMadeReply:
        """Makes an account; its owner chooses the password by the link, which is told this once.

        Raises:
            NotAllowedError: the person is no admin.
            AccountError, WrongNameError, StoreError: it cannot be made.
        """
        person.require(Role.ADMIN)

        def make() -> LinkMadeReply:
            made = self._accounts.create(request.name, request.role)
            if self._by == "proxy":
                return LinkMadeReply(name=made.name, link="", days=0)
            link = self._accounts.link(made.name, Purpose.PASSWORD, valid=timedelta(days=request.days))
            return LinkMadeReply(name=made.name, link=link, days=request.days)

        return await self._lane.run(make)

    async def set_role(self, person: Person, request: RoleRequest) -> DoneReply:
        """Gives another role.

        Raises:
            NotAllowedError: the person is no admin.
            AccountError: there is no such account, or it is their own.
        """
        self._require(person, request.name)
        await self._lane.run(lambda: self._accounts.set_role(request.name, request.role))
        return DoneReply()

    async def disable(self, person: Person, request: AccountRequest) -> DoneReply:
        """Ends an account's sign-ins and links, and refuses new ones; its readings stay.

        Raises:
            NotAllowedError, AccountError: as of `set_role`.
        """
        self._require(person, request.name)
        await self._lane.run(lambda: self._accounts.disable(request.name))
        return DoneReply()

    async def enable(self, person: Person, request: AccountRequest) -> DoneReply:
        """Lets an account sign in again.

        Raises:
            NotAllowedError: the person is no admin.
            AccountError: there is no such account.
        """
        person.require(Role.ADMIN)
        await self._lane.run(lambda: self._accounts.enable(request.name))
        return DoneReply()

    async def link(self, person: Person, request: LinkRequest) -> LinkMadeReply:
        """A personal link, which is told this once: whoever has it is its owner.

        Raises:
            NotAllowedError: the person is no admin.
            AccountError: there is no such account, it is disabled, or people sign in elsewhere.
        """
        person.require(Role.ADMIN)
        self._require_links()
        valid = timedelta(days=request.days)
        link = await self._lane.run(
            lambda: self._accounts.link(request.name, Purpose.SIGN_IN, valid=valid, reusable=request.reusable)
        )
        return LinkMadeReply(name=request.name, link=link, days=request.days)

    async def reset(self, person: Person, request: LinkRequest) -> LinkMadeReply:
        """Voids an account's password, sign-ins and links; by the new link its owner chooses a password.

        Raises:
            NotAllowedError: the person is no admin.
            AccountError: there is no such account, it is disabled, their own, or people sign in elsewhere.
        """
        self._require(person, request.name)
        self._require_links()
        valid = timedelta(days=request.days)
        link = await self._lane.run(lambda: self._accounts.reset(request.name, valid=valid))
        return LinkMadeReply(name=request.name, link=link, days=request.days)

    def _require_links(self) -> None:
        if self._by == "proxy":
            raise AccountError(PROXY)

    @staticmethod
    def _require(person: Person, name: str) -> None:
        person.require(Role.ADMIN)
        if folded(name) == folded(person.name):
            raise AccountError(OWN)


def _told(facts: AccountFacts, person: Person) -> AccountReply:
    return AccountReply(
        name=facts.name,
        role=facts.role,
        has_password=facts.has_password,
        disabled=facts.disabled,
        links=facts.links,
        signed_in=facts.signed_in,
        own=facts.name == person.name,
    )
