"""Secrets that a browser keeps: made here, told by their hash alone."""

from __future__ import annotations

import hashlib
import secrets

BYTES = 32  # 256 random bits: no number of tries finds one


def new_token() -> str:
    """A secret of letters, digits, "-" and "_"."""
    return secrets.token_urlsafe(BYTES)


def digest(token: str) -> str:
    """What is stored of a secret: SHA-256 in hexadecimal, 64 characters.

    A secret of 256 random bits needs neither salt nor slowness, as a password does.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
