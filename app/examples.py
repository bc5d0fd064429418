"""The bundled examples: radiographs to try the page on, each with the question that it answers best."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from patchclip import PatchClipError
from patchclip.records import parse_json, typed
from patchclip.resources import EXAMPLES

MANIFEST = "examples.json"


@dataclass(frozen=True, slots=True)
class Example:
    """One radiograph.

    Attributes:
        file: its name in the folder of examples.
        title: what it shows, in a few words.
        question: what the page asks when it is opened, which lights its map, or leaves that of a film without
            findings dark; None where it only shows a kind of file.
        synthetic: whether a program drew it.
        origin: a sentence on where it comes from, which is shown with it.
    """

    file: str
    title: str
    question: str | None
    synthetic: bool
    origin: str

    @property
    def path(self) -> Path:
        """Of the file."""
        return EXAMPLES / self.file


@cache
def examples() -> tuple[Example, ...]:
    """In the order in which the page lists them."""
    rows = parse_json((EXAMPLES / MANIFEST).read_bytes())
    return typed(tuple[Example, ...], rows, MANIFEST, "fetch the examples again")


def example(file: str) -> Example:
    """By its file's name.

    Raises:
        PatchClipError: there is none.
    """
    for item in examples():
        if item.file == file:
            return item
    raise PatchClipError("There is no such example; choose one from the list.")
