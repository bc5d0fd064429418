"""Headers of every response: what the browser may load for the page, frame (nothing) and keep."""

from __future__ import annotations

import base64
import hashlib
import re

from starlette.datastructures import MutableHeaders

INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
CLOSED = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
PERMISSIONS = "camera=(), microphone=(), geolocation=(), usb=(), payment=()"


def page_policy(page: bytes) -> str:
    """The content security policy of the page (W3C, CSP level 3).

    Scripts come from this server alone, or stand in the page as it was sent; no text is compiled to code.
    Styles may stand inline, because Gradio makes style elements and attributes as it runs.
    """
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"
        for script in INLINE_SCRIPT.findall(page)
    ]
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(("script-src 'self'", *hashes)),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "base-uri 'self'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def harden(headers: MutableHeaders, policy: str, *, keep: bool) -> None:
    """Sets what every response carries, and takes away what would let other origins read it.

    keep: whether the browser may store the response; only what is the same for everybody may be stored.
    """
    for name in [name for name in headers if name.lower().startswith("access-control-")]:
        del headers[name]
    headers["content-security-policy"] = policy
    headers["x-content-type-options"] = "nosniff"
    headers["x-frame-options"] = "DENY"
    headers["referrer-policy"] = "no-referrer"
    headers["cross-origin-opener-policy"] = "same-origin"
    headers["cross-origin-resource-policy"] = "same-origin"
    headers["permissions-policy"] = PERMISSIONS
    if not keep:
        headers["cache-control"] = "no-store"


def share(headers: MutableHeaders, origin: str) -> None:
    """Lets a page of another origin read the response (Fetch standard, CORS); it sends no cookies.

    origin: as it stands in the request.
    """
    headers["access-control-allow-origin"] = origin
    headers["access-control-allow-methods"] = "GET, POST, PUT, DELETE"
    headers["access-control-allow-headers"] = "accept, authorization, content-type"
    headers["access-control-max-age"] = "600"
    headers["vary"] = "origin"
