"""The archive search on the server: a Gradio application of its own, behind the same sign-in."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import Route

from app.archive_search.desk import SearchDesk
from app.archive_search.page import search_page
from app.guard.mounted import ARCHIVE_SEARCH
from app.mounting import LINKS, mount
from app.settings import Settings


def mount_search(app: Starlette, desk: SearchDesk, settings: Settings) -> None:
    """Mounts the page on an application; `app.insights.mount.Allowed` must stand before it."""
    app.routes.append(Route(ARCHIVE_SEARCH, RedirectResponse(f"{ARCHIVE_SEARCH}/", 307)))
    mount(app, search_page(desk), ARCHIVE_SEARCH, settings, LINKS)
