"""Passwords: hashed by Argon2id, told apart, refused where they are weak."""

from __future__ import annotations

import re
import time

import argon2
import pytest

from app.people.passwords import PasswordError, Passwords

LONG = "correct horse battery"


def test_what_is_stored_is_argon2id_with_a_salt_of_its_own(passwords: Passwords) -> None:
    first, second = passwords.hash(LONG, "Ada"), passwords.hash(LONG, "Ada")
    assert first != second
    assert first.startswith("$argon2id$v=19$")
    assert LONG not in first
    assert argon2.PasswordHasher().verify(first, LONG)
    assert passwords.matches(first, LONG) and passwords.matches(second, LONG)
    assert not passwords.matches(first, LONG + " ")
    assert not passwords.matches(first, "")


def test_the_cost_is_that_of_the_standard() -> None:
    stored = Passwords().hash(LONG, "Ada")
    cost = re.fullmatch(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$.*", stored)
    assert cost and [int(part) for part in cost.groups()] == [65536, 3, 4]  # RFC 9106, section 4


def test_a_hash_of_another_cost_is_still_right_and_called_outdated(passwords: Passwords) -> None:
    cheap = passwords.hash(LONG, "Ada")
    assert Passwords().matches(cheap, LONG)
    assert Passwords().is_outdated(cheap)
    assert not passwords.is_outdated(cheap)


def test_where_nothing_is_stored_nothing_is_right_and_it_takes_as_long(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []
    true = passwords._hasher.verify

    def verify(stored: str, text: str) -> bool:
        verified.append(stored)
        return true(stored, text)

    monkeypatch.setattr(passwords, "_hasher", _Watched(passwords._hasher, verify))
    assert not passwords.matches(None, LONG)
    stored = passwords.hash(LONG, "Ada")
    assert not passwords.matches(stored, "wrong password here")
    cost = [text.split("$")[3] for text in verified]
    assert len(cost) == 2 and cost[0] == cost[1]  # the same work, whether or not there is an account


class _Watched:
    def __init__(self, hasher: argon2.PasswordHasher, verify: object) -> None:
        self.hash, self.verify = hasher.hash, verify


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("", "has 0 characters and needs 12"),
        ("eleven char", "has 11 characters and needs 12"),
        ("x" * 1025, "more than 1024"),
        ("ada lovelace III", "password is the name"),
        ("half \ud83d of a character", "needs 12"),
    ],
)
def test_what_is_no_password_is_one_sentence(passwords: Passwords, password: str, words: str) -> None:
    with pytest.raises(PasswordError, match=words):
        passwords.hash(password, "Ada  Lovelace III")


def test_it_is_the_same_however_a_keyboard_composes_its_signs(passwords: Passwords) -> None:
    stored = passwords.hash("Müller liest Röntgen", "Ada")
    assert passwords.matches(stored, "Mu\u0308ller liest Ro\u0308ntgen")


def test_a_text_without_end_costs_no_time(passwords: Passwords) -> None:
    stored = passwords.hash(LONG, "Ada")
    started = time.process_time()
    assert not passwords.matches(stored, "x" * 2_000_000)
    assert time.process_time() - started < 2


def test_what_is_stored_and_no_hash_is_right_for_nobody(passwords: Passwords) -> None:
    assert not passwords.matches("not a hash", LONG)
