"""Roles: what each may do, and the one reader of a machine without sign-in."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from app.people.identity import NotAllowedError, OnlyPerson, Person, Role
from patchclip import PatchClipError


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.READER, {Role.READER}),
        (Role.LEAD, {Role.READER, Role.LEAD}),
        (Role.ADMIN, {Role.READER, Role.LEAD, Role.ADMIN}),
    ],
)
def test_a_role_may_do_what_those_below_it_may(role: Role, allowed: set[Role]) -> None:
    person = Person(3, "ada", role)
    assert {needed for needed in Role if person.may(needed)} == allowed
    for needed in Role:
        if needed in allowed:
            person.require(needed)
        else:
            with pytest.raises(NotAllowedError, match=f"takes the role {needed}.*yours is {role}"):
                person.require(needed)


def test_refusals_are_errors_of_ours_with_one_sentence() -> None:
    with pytest.raises(PatchClipError) as refused:
        Person(3, "ada", Role.READER).require(Role.LEAD)
    assert str(refused.value).count(".") == 1


def test_without_sign_in_everybody_is_the_one_reader_with_every_right() -> None:
    request = Request({"type": "http", "headers": [(b"cookie", b"patch-clip=forged")]})
    assert OnlyPerson().person(request) == Person(1, "reader", Role.ADMIN)
    chosen = Person(7, "reader", Role.ADMIN)
    assert OnlyPerson(chosen).person(request) is chosen
