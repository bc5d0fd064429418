"""What a worker answers: one of these for each job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Ready:
    """Sent once, when the libraries are loaded."""


@dataclass(frozen=True, slots=True)
class Done:
    """The value of a job."""

    value: Any


@dataclass(frozen=True, slots=True)
class Refused:
    """The sentence of a `RadiographError`."""

    text: str


@dataclass(frozen=True, slots=True)
class Outgrown:
    """The memory did not suffice."""


@dataclass(frozen=True, slots=True)
class Unforeseen:
    """An error that is no `PatchClipError`: kind and place, without its words, which may quote a header."""

    kind: str
    place: str
