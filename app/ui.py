"""Composes the page: one component that holds layout, style and script, and the server's methods behind it."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from app.service import Service

PAGE = Path(__file__).parent / "page"
SCRIPTS = (
    "viewer.js",
    "reading.js",
    "render.js",
    "page.js",
    "controls.js",
)  # run in this order, as one script
TITLE = "Patch-CLIP (research use only, not for clinical use)"


def build(service: Service, upload_limit_mb: int) -> gr.Blocks:
    """The page as Gradio blocks; uploads older than ten minutes are swept away even if they were never opened."""
    layout = (
        (PAGE / "layout.html")
        .read_text(encoding="utf-8")
        .replace('<div id="pc"', f'<div id="pc" data-limit="{upload_limit_mb}"', 1)
    )
    script = "\n".join((PAGE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    blocks: gr.Blocks
    with gr.Blocks(title=TITLE, delete_cache=(60, 600), analytics_enabled=False) as blocks:
        gr.HTML(
            value="",
            html_template=layout,
            js_on_load=script,
            server_functions=service.methods(),
            apply_default_css=False,
        )
    return blocks


def style() -> str:
    """The page's style sheet, for `launch`."""
    return (PAGE / "style.css").read_text(encoding="utf-8")
