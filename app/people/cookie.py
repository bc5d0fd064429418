"""The secret that one is signed in by: a cookie that no script can read, or a program's bearer token."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

NAME = "patch-clip-sign-in"


def secret_of(request: Request) -> str:
    """The secret that a browser or a program shows; "" where it shows none.

    A program shows it as a bearer token (RFC 6750), which no page of another origin can have a browser send.
    """
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return request.cookies.get(NAME, "") or (token.strip() if kind.lower() == "bearer" else "")


def hand_over(response: Response, request: Request, token: str, lasts: timedelta) -> None:
    """Gives the browser the secret, for so long at most (RFC 6265bis).

    The page says itself whether it came over TLS: what a proxy says of it is not believed.
    """
    response.set_cookie(
        NAME,
        token,
        max_age=int(lasts.total_seconds()),
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )


def take_away(response: Response, request: Request) -> None:
    """Has the browser forget it."""
    response.delete_cookie(NAME, path="/", secure=_is_secure(request), httponly=True, samesite="strict")


def _is_secure(request: Request) -> bool:
    return urlsplit(request.headers.get("origin", "")).scheme == "https"
