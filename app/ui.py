"""The page as Gradio serves it: its layout, style and script, which the browser puts together."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

PAGE = Path(__file__).parent / "page"
STUDY_PAGE = PAGE / "study" / "study.html"
ACCOUNTS_PAGE = PAGE / "accounts.html"
STYLES = (
    "style.css",
    "stage.css",
    "panels.css",
    "reading.css",
    "dialogs.css",
    "keys.css",
    "panes.css",
    "sizes.css",
    "header.css",
)
TITLE = "Patch-CLIP (research use only, not for clinical use)"


def shell() -> gr.Blocks:
    """Blocks without a component: the page's script builds the page.

    Gradio's own HTML component would have the browser compile text to code, which the content security policy
    forbids.
    """
    blocks: gr.Blocks
    with gr.Blocks(title=TITLE, analytics_enabled=False) as blocks:
        return blocks


def head() -> str:
    """The style sheets, and the script that builds the page."""
    styles = "".join(f'<link rel="stylesheet" href="page/{name}">' for name in STYLES)
    return f'{styles}<script type="module" src="page/main.js"></script>'
