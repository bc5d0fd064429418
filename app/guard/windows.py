"""Tokens of browser windows: a request without one that this server gave out is not answered."""

from __future__ import annotations

import hmac
import secrets

HEADER = "x-patch-clip-window"


class Windows:
    """Gives each browser window a token that nobody can guess or make up; it lives as long as the server.

    A token tells the browser, too: windows of one browser reach the same studies, those of others never do.
    A browser shows its own key, which its pages alone can read, and gets a new one where it has none.
    It tells the person, too: whoever signs in next at the same browser reaches nothing of the one before.
    A page of another origin cannot read the reply that holds either, nor send the header that carries it.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def browser(self, key: str = "") -> str:
        """The key of a browser: the one it shows, if this server gave it out, or a new one."""
        return key if self._is_ours(key, "browser") else self._sealed(secrets.token_urlsafe(18), "browser")

    def issue(self, browser: str = "", person: int = 1) -> str:
        """A new window's token.

        Args:
            browser: key of the window's browser; a window without one has no other window's studies.
            person: who is signed in there, by their row; the first where sign-in is off.
        """
        owner = f"{self.browser(browser).partition('.')[0]}~{person}"
        return self._sealed(f"{owner}:{secrets.token_urlsafe(18)}", "window")

    def knows(self, token: str, person: int = 1) -> bool:
        """Whether this server gave the token out, to a window of that person."""
        return self._is_ours(token, "window") and browser_of(token).endswith(f"~{person}")

    def _sealed(self, name: str, kind: str) -> str:
        return f"{name}.{self._seal(name, kind)}"

    def _is_ours(self, text: str, kind: str) -> bool:
        name, _, seal = text.partition(".")
        return hmac.compare_digest(seal.encode(), self._seal(name, kind).encode())

    def _seal(self, name: str, kind: str) -> str:
        return hmac.new(self._key, f"{kind} {name}".encode(), "sha256").hexdigest()


def browser_of(token: str) -> str:
    """The browser and person that a window's token was given to."""
    return token.partition(":")[0]
