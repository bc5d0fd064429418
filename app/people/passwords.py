"""Passwords: what may be one, and telling the right one from a wrong one."""

from __future__ import annotations

import unicodedata
from threading import Lock

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.people.names import folded
from app.people.tokens import new_token
from patchclip import PatchClipError

SHORTEST = 12  # characters; NIST SP 800-63B asks for length alone, and for no mixture of signs
LONGEST = 1024


class PasswordError(PatchClipError):
    """What was chosen cannot be a password."""


class Passwords:
    """Hashes by Argon2id with the second parameters of RFC 9106, section 4 (64 MiB, three passes).

    Args:
        hasher: another one, with other parameters; stored hashes of the former stay valid.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobodys = ""
        self._making = Lock()

    def hash(self, password: str, name: str) -> str:
        """What is stored of a password that somebody chose.

        Raises:
            PasswordError: it is too short, too long, or the name itself.
        """
        text = _plain(password)
        if len(text) < SHORTEST:
            raise PasswordError(
                f"The password has {len(text)} characters and needs {SHORTEST}; a few words make a good one."
            )
        if len(text) > LONGEST:
            raise PasswordError(f"The password has more than {LONGEST} characters; shorten it.")
        if folded(text) == folded(name):
            raise PasswordError("The password is the name; choose another.")
        return self._hasher.hash(text)

    def matches(self, stored: str | None, password: str) -> bool:
        """Whether it is the right one.

        It takes as long where nothing is stored, so that time tells nobody which names have accounts.
        """
        text = _plain(password)
        if len(text) > LONGEST:
            text = ""  # not worth the time; no password is empty
        try:
            right = self._hasher.verify(stored or self._of_nobody(), text)
        except (VerificationError, InvalidHashError):
            return False
        return right and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether it was hashed with other parameters than those of today."""
        return self._hasher.check_needs_rehash(stored)

    def _of_nobody(self) -> str:
        with self._making:
            if not self._nobodys:
                self._nobodys = self._hasher.hash(new_token())
            return self._nobodys


def _plain(password: str) -> str:
    """The same however a keyboard composes its signs (NIST SP 800-63B, 3.1.1.2)."""
    if any("\ud800" <= sign <= "\udfff" for sign in password):
        return ""
    return unicodedata.normalize("NFKC", password)
