"""What a reading says beside its rows: sentences on what was left out, and on what was read otherwise than
written; and how much may be left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from patchclip.errors import DataError

MISSING_SHARE = 0.01
"""So many of a split's images, or of a table's boxes, may be left out before that must be allowed."""


class Remarks:
    """Gathers the sentences of one reading."""

    def __init__(self) -> None:
        self._notes: list[str] = []
        self._counts: Counter[str] = Counter()
        self._left_out: list[str] = []

    def note(self, sentences: Iterable[str]) -> None:
        """Says how something was read."""
        self._notes += sentences

    def count(self, sentence: str, rows: int = 1) -> None:
        """Says so of that many more rows; nothing is said of none."""
        if rows:
            self._counts[sentence] += rows

    def leave_out(self, sentences: Iterable[str]) -> None:
        """Says what was not read."""
        self._left_out += sentences

    def lack(self, table: str, findings: Mapping[str, int], what: str) -> None:
        """Says how many boxes or outlines are of findings that the model lacks."""
        self.leave_out(
            f"{table}: {label} is unknown to the model, {count} {what}"
            for label, count in sorted(findings.items())
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """All that was read otherwise than written."""
        return (*self._notes, *(f"{text}, {count} rows" for text, count in sorted(self._counts.items())))

    @property
    def left_out(self) -> tuple[str, ...]:
        """All that was not read."""
        return tuple(self._left_out)


def check_left_out(count: int, total: int, first: str, allow_missing: bool, what: str = "images") -> None:
    """Whether so much may be left out of `total`; `first` says what was the first, without a full stop.

    Raises:
        DataError: it is more than 1 %, and that is not allowed.
    """
    if count > MISSING_SHARE * total and not allow_missing:
        raise DataError(
            f"{first.rstrip('.')}; {count} of {total} {what} would be left out, so correct that, "
            "or accept it with --allow-missing."
        )
