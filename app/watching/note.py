"""What is said of a request while it is answered, for whoever counts: the kind of its error."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Note:
    """Of one request; `error` is the class of what went wrong, "" for nothing."""

    error: str = ""


NOTE: ContextVar[Note | None] = ContextVar("note", default=None)


def failed(error: BaseException) -> None:
    """That the request under way got an error; its words are not kept."""
    note = NOTE.get()
    if note is not None:
        note.error = type(error).__name__
