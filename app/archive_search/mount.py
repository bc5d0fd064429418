"""The archive search on the server: a Gradio application of its own, behind the same sign-in."""

from __future__ import annotations

import gradio as gr
from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import Route

from app.guard.mounted import ARCHIVE_SEARCH
from app.mounting import LINKS, mount
from app.settings import Settings


def mount_search(app: Starlette, page: gr.Blocks, settings: Settings) -> None:
    """Mounts its page, or the one that says that no archive is set, on an application.

    `app.insights.mount.Allowed` must stand before it.
    """
    app.routes.append(Route(ARCHIVE_SEARCH, RedirectResponse(f"{ARCHIVE_SEARCH}/", 307)))
    mount(app, page, ARCHIVE_SEARCH, settings, LINKS)
