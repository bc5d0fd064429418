"""How a Gradio page is put under a path: without anything of Gradio that asks others or keeps a record."""

from __future__ import annotations

from collections.abc import Collection

import gradio as gr
from starlette.applications import Starlette

from app.settings import Settings
from app.theme import ACCENT, dark_theme

PAGES = {
    "Reader studies": "/study",
    "Free reading": "/",
    "Insights": "/insights",
    "Models": "/models",
    "Accounts": "/accounts",
    "Archive search": "/archive-search",
}
WITHOUT_ARCHIVE = tuple(page for page in PAGES if page != "Archive search")
"""Those of `PAGES` that lead to something on a server that searches no archive."""
READERS_PAGES = ("Reader studies", "Free reading")
"""Those of `PAGES` that every reader may see."""


LINKS = '<script type="module" src="/page/links.js"></script>'
"""For the head of each page that has a `heading`."""
STYLE = f"""
:root {{
  color-scheme: dark;
}}
:is(a, button, input, textarea, summary, [tabindex]):focus-visible,
.wrap:has(> .wrap-inner input:focus-visible) {{
  outline: 2px solid {ACCENT} !important;
  outline-offset: -2px;
}}
[data-testid="status-tracker"]:has(> .error),
.modebar-btn--logo {{
  display: none !important;
}}
.wrap .wrap-inner input:focus-visible {{
  outline: none !important; /* its frame has the ring */
}}
"""
"""Scroll bars are dark, too, and what has the focus shows it: Gradio marks fields by a shadow hardly seen,
lists and tables not at all. What fails is said once, in its sentence, not by "Error" over every part; and no
plot leads to the maker of its library."""


def heading(name: str, pages: Collection[str], words: str = "") -> str:
    """What a page begins with, in Markdown: its name, what it is for, and the way to the others.

    pages: names in `PAGES` of those that whoever sees this page may see.
    """
    links = " · ".join(f"[{page}]({PAGES[page]})" for page in pages if page != name)
    return f"# {name}\nResearch use only, not for clinical use. {links}\n\n{words}"


def mount(app: Starlette, blocks: gr.Blocks, path: str, settings: Settings, head: str | None = None) -> None:
    """Mounts a page in the viewer's colours; of this machine's files it gives none.

    head: of the page, beside Gradio's own.
    """
    gr.mount_gradio_app(
        app,
        blocks,
        path=path,
        server_name=settings.host,
        server_port=settings.port,
        head=head,
        theme=dark_theme(),
        css=None if path == "/" else STYLE,  # the page at the root has rings of its own
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
