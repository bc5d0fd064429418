"""How a Gradio page is put under a path: without anything of Gradio that asks others or keeps a record."""

from __future__ import annotations

import gradio as gr
from starlette.applications import Starlette

from app.settings import Settings


def mount(app: Starlette, blocks: gr.Blocks, path: str, settings: Settings, head: str | None = None) -> None:
    """Mounts a page; of this machine's files it gives none.

    head: of the page, beside Gradio's own.
    """
    gr.mount_gradio_app(
        app,
        blocks,
        path=path,
        server_name=settings.host,
        server_port=settings.port,
        head=head,
        allowed_paths=[],
        blocked_paths=[str(settings.database_folder.resolve())],
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        enable_monitoring=False,
        mcp_server=False,
        pwa=False,
        show_error=False,
    )
