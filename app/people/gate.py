"""The gate, an ASGI application around another: without sign-in one gets to the sign-in page alone."""

from __future__ import annotations

from urllib.parse import quote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.guard.doors import API, FILES, PAGES
from app.guard.monai_label import WITHOUT_SIGN_IN
from app.people.identity import Identities, NotAllowedError, NotSignedInError
from app.people.signed_in import PERSON
from patchclip import PatchClipError

SIGN_IN = "/sign-in"
REQUESTS = frozenset(
    API + name
    for name in ("sign_in_state", "sign_in", "sign_in_link", "sign_in_by_link", "choose_password", "sign_out")
)
"""What may be asked before anybody is signed in."""


class Gate:
    """Lets in who is signed in, and says so to what lies behind.

    Files that are the same for everybody are open: the style and scripts of the pages.

    Args:
        app: what lies behind.
        identities: who asks.
    """

    def __init__(self, app: ASGIApp, identities: Identities) -> None:
        self.app, self._identities = app, identities

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] != "http" or _is_open(scope["path"]):
            await self.app(scope, receive, send)
            return
        try:
            # A database that is slow just now holds up nobody else.
            person = await to_thread.run_sync(self._identities.person, Request(scope))
        except PatchClipError as error:
            await _refusal(scope, error)(scope, receive, send)
        else:
            await self.app({**scope, PERSON: person}, receive, send)


def _is_open(path: str) -> bool:
    open_to_all = path == SIGN_IN or path in REQUESTS or path in WITHOUT_SIGN_IN
    return open_to_all or FILES.fullmatch(path) is not None


def _refusal(scope: Scope, error: PatchClipError) -> Response:
    path, known = scope["path"], isinstance(error, NotSignedInError | NotAllowedError)
    if scope["method"] in ("GET", "HEAD") and path in PAGES and known:
        # The page there says what is the matter.
        there = SIGN_IN if path == "/" else f"{SIGN_IN}?next={quote(path, safe='')}"
        return RedirectResponse(there, 303)
    if isinstance(error, NotSignedInError):
        return JSONResponse({"error": str(error), "sign_in": True}, 401)
    return JSONResponse({"error": str(error)}, 403 if isinstance(error, NotAllowedError) else 503)
