"""What stands in the place of the archive search on a server that has no archive to search."""

from __future__ import annotations

import gradio as gr

from app.mounting import READERS_PAGES, heading

TITLE = "Patch-CLIP archive search (research use only, not for clinical use)"
NO_ARCHIVE = (
    "No archive is set on this server: whoever runs it sets `PATCHCLIP_SEARCH_FOLDER` to a folder that "
    "`patchclip batch` wrote, and starts it again."
)


def no_archive_page() -> gr.Blocks:
    """The page: a sentence, and the way to the others."""
    page: gr.Blocks
    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        gr.Markdown(heading("Archive search", READERS_PAGES, NO_ARCHIVE))
    return page
