"""The guard, an ASGI application around another: refuses what is not the page's, hardens every response."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.guard import monai_label, mounted
from app.guard.doors import PAGES, is_open
from app.guard.headers import CLOSED, harden, page_policy, share
from app.guard.hosts import Hosts, same_origin

WRONG_HOST = (
    "This server does not answer to that name; open it by the address that it was started with, "
    "or start it with the name as --allowed-hosts."
)
WRONG_ORIGIN = "This request comes from another page; open Patch-CLIP in a window of its own."
NO_DOOR = "There is nothing here; open the page at its root address."
FORWARDED = (b"forwarded", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-prefix")


class Guard:
    """Answers only to its own names, only to its own page, and only at the doors that the page needs.

    Args:
        app: what is guarded.
        hosts: the names that it answers to.
        label_origins: of other pages, which may ask at the doors of the MONAI Label protocol.
    """

    def __init__(self, app: ASGIApp, hosts: Hosts, label_origins: Iterable[str] = ()) -> None:
        self.app, self.hosts, self._label_origins = app, hosts, frozenset(label_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection; web sockets are not spoken."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            guest = self._guest(scope)
            hardened = _Hardened(send, scope["path"], guest)
            if refusal := self._refusal(scope, guest):
                await refusal(scope, receive, hardened)
            elif guest and scope["method"] == monai_label.ASKS_FIRST:
                await Response(status_code=204)(scope, receive, hardened)
            else:
                await self.app(_cleaned(scope), receive, hardened)

    def _guest(self, scope: Scope) -> str:
        """The origin of another page that may ask what is asked here; "" where it is none such."""
        origins = Headers(scope=scope).getlist("origin")
        theirs = len(origins) == 1 and origins[0] in self._label_origins
        return origins[0] if theirs and monai_label.is_theirs(scope["path"]) else ""

    def _refusal(self, scope: Scope, guest: str) -> JSONResponse | None:
        headers = Headers(scope=scope)
        named = headers.getlist("host")
        arrived_at = scope["server"][0] if scope.get("server") else None
        if len(named) != 1 or not self.hosts.allows(named[0], arrived_at):
            return JSONResponse({"error": WRONG_HOST}, 403)
        if guest:
            asks = scope["method"] == monai_label.ASKS_FIRST or is_open(scope["method"], scope["path"])
            return None if asks else JSONResponse({"error": NO_DOOR}, 404)
        if any(not same_origin(origin, named[0]) for origin in headers.getlist("origin")):
            return JSONResponse({"error": WRONG_ORIGIN}, 403)
        if not _from_own_page(headers, scope["method"], scope["path"]):
            return JSONResponse({"error": WRONG_ORIGIN}, 403)
        if not is_open(scope["method"], scope["path"]):
            return JSONResponse({"error": NO_DOOR}, 404)
        return None


def _from_own_page(headers: Headers, method: str, path: str) -> bool:
    """Fetch metadata (W3C): what another site may do is follow a link to the page, as a window of its own."""
    if headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
        return True
    navigates = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return navigates and method == "GET" and path in PAGES


def _cleaned(scope: Scope) -> Scope:
    """Without what Gradio would believe of anybody: names of other hosts, and stored states to load."""
    dropped = FORWARDED + (
        (b"accept-encoding",) if scope["path"] in PAGES else ()
    )  # its scripts are to be read
    headers = [(name, value) for name, value in scope["headers"] if name not in dropped]
    asked = mounted.keeps_query(scope["path"]) or monai_label.is_theirs(scope["path"])
    query = scope["query_string"] if asked else b""
    return {**scope, "headers": headers, "query_string": query}


class _Hardened:
    """Sends responses on with their headers set; a page is held back until its scripts are known."""

    def __init__(self, send: Send, path: str, guest: str = "") -> None:
        self._send, self._path, self._guest = send, path, guest
        self._start: Message = {}
        self._page = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            if self._path not in PAGES:
                await self._begin(CLOSED)
        elif self._path not in PAGES or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._page += message.get("body", b"")
            if not message.get("more_body", False):
                await self._begin(page_policy(bytes(self._page)))
                await self._send({**message, "body": bytes(self._page)})

    async def _begin(self, policy: str) -> None:
        headers = MutableHeaders(raw=list(self._start["headers"]))
        lasting = self._path.startswith(("/assets/", "/static/")) or mounted.FILES.fullmatch(self._path)
        harden(headers, policy, keep=bool(lasting))
        if self._guest:
            share(headers, self._guest)
        await self._send({**self._start, "headers": headers.raw})
