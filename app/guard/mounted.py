"""The doors of the Gradio applications beside the page (insights, endpoints, models, archive search).

Uploads, component servers, proxies, monitoring and files of the server stay closed there too.
"""

from __future__ import annotations

import re

INSIGHTS, ENDPOINTS, MODELS, ARCHIVE_SEARCH = "/insights", "/endpoints", "/models", "/archive-search"
PAGES = frozenset(
    f"{path}{end}" for path in (INSIGHTS, ENDPOINTS, MODELS, ARCHIVE_SEARCH) for end in ("", "/")
)
MOUNT = r"/(?:insights|endpoints|models|archive-search)"
NAME = r"[\w@~-][\w.@~-]*"  # none begins with a dot
FILES = re.compile(rf"{MOUNT}/(?:(?:assets|static)/{NAME}(?:/{NAME})*|theme\.css|favicon\.ico)")
GOT = re.compile(
    rf"{MOUNT}/(?:config"
    r"|gradio_api/(?:info|startup-events|queue/data|heartbeat/[\w-]+))"
    rf"|/insights/gradio_api/file=(?:/{NAME})+"  # an export: Gradio hands out what its own page made alone
)
POSTED = re.compile(rf"{MOUNT}/gradio_api/(?:queue/join|cancel|reset)")


def is_open(method: str, path: str) -> bool:
    """Whether anything is behind a route of theirs."""
    if method == "POST":
        return POSTED.fullmatch(path) is not None
    return method in ("GET", "HEAD") and (
        path in PAGES or FILES.fullmatch(path) is not None or GOT.fullmatch(path) is not None
    )


def keeps_query(path: str) -> bool:
    """Whether a route is asked with words behind a question mark: which session's events, which version."""
    return GOT.fullmatch(path) is not None or POSTED.fullmatch(path) is not None
