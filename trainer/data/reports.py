"""The parts of a radiology report that describe the image."""

from __future__ import annotations

import re

_HEADING = re.compile(r"^[ \t]*([A-Z][A-Z /,&()-]{2,}):", flags=re.MULTILINE)
_WANTED = ("FINDINGS", "IMPRESSION")


def findings_and_impression(text: str) -> str | None:
    """The sections under FINDINGS and IMPRESSION in one line of text, or None where the report has neither.

    A heading is a line's beginning in capitals up to a colon, as in MIMIC-CXR; what comes before, such as
    history and comparison, says what was known or asked, not what is seen.
    """
    parts = _HEADING.split(text)
    sections = [
        body
        for heading, body in zip(parts[1::2], parts[2::2], strict=True)
        if any(word in heading for word in _WANTED)
    ]
    return join_text(sections)


def join_text(parts: list[str]) -> str | None:
    """Pieces of text in one line; None where nothing is left."""
    return " ".join(" ".join(parts).split()) or None
