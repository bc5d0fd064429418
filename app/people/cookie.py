"""The cookie that a browser is signed in by, which no script can read and no other site has sent."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

NAME = "patch-clip-sign-in"


def secret_of(request: Request) -> str:
    """The secret that the browser shows; "" where it shows none."""
    return request.cookies.get(NAME, "")


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
