"""The few open routes: the page, its files, and what it asks; every other route of Gradio is closed."""

from __future__ import annotations

import re

from app.guard import monai_label, mounted

API = "/api/"
HEALTH, METRICS = "/healthz", "/metrics"  # for whoever watches the server
PAGES = frozenset({"/", "/study", "/accounts", "/sign-in"}) | mounted.PAGES
"""What a window may be opened at, and a link from elsewhere may lead to."""
FILES = re.compile(
    r"/(?:"
    r"page/(?:film/|study/)?[a-z_]+\.(?:html|css|js)"  # ours
    r"|(?:assets|static)/[\w@~-][\w.@~-]*(?:/[\w@~-][\w.@~-]*)*"  # Gradio's; no name begins with a dot
    r"|theme\.css|favicon\.ico"
    r")"
)
REQUEST = re.compile(r"/api/[a-z_]+")


def is_open(method: str, path: str) -> bool:
    """Whether anything is behind a route; only files are got, and only the pages' own requests are posted."""
    if mounted.is_open(method, path) or monai_label.is_open(method, path):
        return True
    if method == "POST":
        return REQUEST.fullmatch(path) is not None
    return method in ("GET", "HEAD") and (
        path in PAGES or path in (HEALTH, METRICS) or FILES.fullmatch(path) is not None
    )
