"""The watch, an ASGI application around another: times requests, answers who watches, ends without loss."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Collection
from ipaddress import ip_address

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.guard.doors import API, FILES, HEALTH, METRICS, PAGES
from app.watching.drain import STOPPING, Drain
from app.watching.health import Health
from app.watching.logs import FIELDS
from app.watching.metrics import TYPE, Metrics
from app.watching.note import NOTE, Note

HANDED_ON = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
NOT_FOR_YOU = (
    "The figures of this server are for programs on its own machine; from elsewhere, set "
    "PATCHCLIP_METRICS_TOKEN and send it as a bearer token."
)
MOUNTED = re.compile(r"/(insights|endpoints)(?:/|$)")
LASTING = re.compile(r"/gradio_api/(?:queue/data|heartbeat)")
"""Streams that end when the browser goes: nothing is lost with them."""
LOG = logging.getLogger(__name__)


class Watch:
    """Answers /healthz and /metrics, and counts what the application behind it does.

    Args:
        app: what lies behind.
        health, metrics, drain: of the server.
        names: of the page's requests; every other one counts as "other".
        token: that /metrics asks for; "" for connections from this machine alone that no proxy handed on.
    """

    def __init__(
        self,
        app: ASGIApp,
        health: Health,
        metrics: Metrics,
        drain: Drain,
        names: Collection[str],
        token: str = "",
    ) -> None:
        self.app, self._health, self._metrics, self._drain = app, health, metrics, drain
        self._names, self._token = frozenset(names), token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["path"] == HEALTH:
            await (await self._told())(scope, receive, send)
        elif scope["path"] == METRICS:
            await (await self._figures(Request(scope)))(scope, receive, send)
        elif self._drain.has_begun:
            await self._timed(_refuse, scope, receive, send)
        elif LASTING.search(scope["path"]):
            await self.app(scope, receive, send)
        else:
            with self._drain.request():
                await self._timed(self.app, scope, receive, send)

    async def _told(self) -> Response:
        facts = await to_thread.run_sync(self._health.facts)
        return JSONResponse(facts.to_dict(), 200 if facts.ready == "yes" else 503)

    async def _figures(self, request: Request) -> Response:
        if not self._may_see(request):
            return JSONResponse({"error": NOT_FOR_YOU}, 403)
        return Response(await to_thread.run_sync(self._metrics.text), media_type=TYPE)

    def _may_see(self, request: Request) -> bool:
        headers: Headers = request.headers
        if self._token:
            given = headers.get("authorization", "")
            return secrets.compare_digest(given.encode(), f"Bearer {self._token}".encode())
        if request.client is None or any(name in headers for name in HANDED_ON):
            return False
        try:
            return ip_address(request.client.host).is_loopback
        except ValueError:
            return False

    async def _timed(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        note = Note()
        NOTE.set(note)
        status = 500  # where nothing is sent at all
        started = time.perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        try:
            await app(scope, receive, sending)
        finally:
            endpoint, seconds = self._endpoint(scope["path"]), time.perf_counter() - started
            self._metrics.answered(endpoint, seconds, status, note.error)
            fields: dict[str, str | float] = {
                "endpoint": endpoint,
                "status": status,
                "ms": round(seconds * 1000, 1),
            }
            if note.error:
                fields["error"] = note.error
            LOG.info("request", extra={FIELDS: fields})

    def _endpoint(self, path: str) -> str:
        if path.startswith(API):
            name = path.removeprefix(API)
            return name if name in self._names else "other"
        if path in PAGES:
            return "page"
        mounted = MOUNTED.match(path)
        if mounted:
            return mounted[1]
        return "file" if FILES.fullmatch(path) else "other"


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse({"error": STOPPING}, 503, headers={"retry-after": "10"})(scope, receive, send)
