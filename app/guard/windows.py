"""Tokens of browser windows: a request without one that this server gave out is not answered."""

from __future__ import annotations

import hmac
import secrets

HEADER = "x-patch-clip-window"


class Windows:
    """Gives each browser window a name that nobody can guess or make up; it lives as long as the server.

    A page of another origin cannot read the reply that holds it, nor send the header that carries it.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def issue(self) -> str:
        """A new window's token."""
        name = secrets.token_urlsafe(18)
        return f"{name}.{self._seal(name)}"

    def knows(self, token: str) -> bool:
        """Whether this server gave the token out."""
        name, _, seal = token.partition(".")
        return hmac.compare_digest(seal.encode(), self._seal(name).encode())

    def _seal(self, name: str) -> str:
        return hmac.new(self._key, name.encode(), "sha256").hexdigest()
