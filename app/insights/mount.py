"""Insights, endpoints and models on the server: Gradio applications, each for those whose role allows it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.guard.mounted import ARCHIVE_SEARCH, ENDPOINTS, INSIGHTS, MODELS
from app.insights.desk import InsightsDesk
from app.insights.endpoints import Backend, endpoints_page
from app.insights.page import HEAD, insights_page
from app.models.desk import ModelsDesk
from app.models.page import models_page
from app.models.shelf import Shelf
from app.mounting import LINKS, mount
from app.people.identity import Identities, NotAllowedError, NotSignedInError, Role
from app.settings import Settings
from patchclip import PatchClipError

ROLES = {
    INSIGHTS: Role.LEAD,
    ENDPOINTS: Role.READER,
    MODELS: Role.LEAD,
    ARCHIVE_SEARCH: Role.READER,
}
BASE64 = 1.4
"""Bytes of a film's text beside those of its file, with room for the rest of the request."""
TOO_LARGE = "The request is larger than this server takes; send one film."


def mount_insights(
    app: Starlette,
    backend: Backend,
    settings: Settings,
    folder: Path,
    shelf: Shelf,
    pages: Collection[str],
) -> None:
    """Mounts all on an application; `Allowed` must stand before it.

    folder: a private one, of which nothing is left when the program ends.
    pages: that they lead to, see `app.mounting.heading`.
    """
    desk = InsightsDesk(backend.source, folder)
    file = settings.database if isinstance(settings.database, Path) else None
    models = ModelsDesk(shelf, backend.source, file, settings.teach_data)
    for path, blocks, head in (
        (INSIGHTS, insights_page(desk, backend.identities, pages), LINKS + HEAD),
        (ENDPOINTS, endpoints_page(backend), None),
        (MODELS, models_page(models, pages), LINKS),
    ):
        app.routes.append(Route(path, RedirectResponse(f"{path}/", 307)))
        mount(app, blocks, path, settings, head)


class Allowed:
    """Lets pass what is asked of the mounted applications by who has the role, in a body not too large.

    Args:
        app: with what is mounted.
        identities: who asks.
        largest_film: bytes.
    """

    def __init__(self, app: ASGIApp, identities: Identities, largest_film: int) -> None:
        self.app, self._identities = app, identities
        self._largest = int(largest_film * BASE64)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection; all but those of the mounted applications pass as they are."""
        role = next((role for path, role in ROLES.items() if _is_below(scope, path)), None)
        if role is None:
            await self.app(scope, receive, send)
            return
        try:
            person = await to_thread.run_sync(self._identities.person, Request(scope))
            person.require(role)
        except PatchClipError as error:
            status = {NotSignedInError: 401, NotAllowedError: 403}.get(type(error), 503)
            await JSONResponse({"error": str(error)}, status)(scope, receive, send)
            return
        stated = Request(scope).headers.get("content-length", "0")
        if not stated.isdecimal() or int(stated) > self._largest:
            await JSONResponse({"error": TOO_LARGE}, 413)(scope, receive, send)
            return
        await self.app(scope, _Limited(receive, self._largest), send)


class _Limited:
    """Receives a body of so many bytes; a longer one of untold length ends as if its sender had left."""

    def __init__(self, receive: Receive, largest: int) -> None:
        self._receive, self._left = receive, largest

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        return message if self._left >= 0 else {"type": "http.disconnect"}


def _is_below(scope: Scope, path: str) -> bool:
    asked: str = scope.get("path", "")
    return bool(scope["type"] == "http" and (asked == path or asked.startswith(f"{path}/")))
