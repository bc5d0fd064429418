"""A side or a place that was chosen beside a text, as if the text said so."""

from __future__ import annotations

from patchclip.engine import Engine
from patchclip.errors import QueryError


def with_place(engine: Engine, text: str, side: str | None, place: str | None) -> str:
    """The text with its place.

    Raises:
        QueryError: the text has a place already, or the words are none.
    """
    words = " ".join(part for part in (side, place) if part and part.strip())
    if not words:
        return text
    if any(question.place for question in engine.understand(text)):
        raise QueryError("The text names a place already; say it there, or beside the text, not in both.")
    whole = f"{text.rstrip(' .,;')}, {words}"
    questions = engine.understand(whole)
    lost = [question for question in questions if question.place is None and question.in_vocabulary]
    if lost or (side and any(question.place and side not in question.place.words for question in questions)):
        raise QueryError(f'"{words[:60]}" was not understood as a place; say for example "left lower zone".')
    return whole
