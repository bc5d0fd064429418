"""Who watches while films are read: hears how far it is and what is left out, and may end it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from app.study.errors import StudyError

Step = Literal["fetching", "listing", "reading", "storing"]


class StoppedError(StudyError):
    """Whoever began the work has ended it."""


@dataclass(frozen=True, slots=True)
class LeftOutFile:
    """A file that is no case.

    Attributes:
        path: below the study's folder. It may tell who is on the film, so the page never gets it.
        place: among all files of the folder in the order of their paths, from 1; in a manifest its row.
        reason: a sentence that names no file.
    """

    path: str
    place: int
    reason: str


class Watch(Protocol):
    """Hears of a study that is being made."""

    def at(self, step: Step, done: int, total: int | None) -> None:
        """So many of so many are done; None where nobody knows how many.

        Raises:
            StoppedError: nothing more is wanted.
        """

    def leave_out(self, file: LeftOutFile) -> None:
        """A file is no case."""


class Nobody:
    """Watches nothing: the work comes to its end."""

    def at(self, step: Step, done: int, total: int | None) -> None:
        """Goes on."""

    def leave_out(self, file: LeftOutFile) -> None:
        """Says nothing."""
