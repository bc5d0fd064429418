"""The app's database as the feedback adapter opens it: for reading, plain tables alone, every cell checked.

Nothing that the file says is believed: it may come from anywhere.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchclip.data.tables import clipped, is_file, shorter
from patchclip.errors import DataError
from trainer.data.sample import Shape, State
from trainer.data.tables import corner_box

STATES = {"present": State.PRESENT, "absent": State.ABSENT}
PRESENCES = (*STATES, "unsure")
LONGEST_CELL = 2**20  # bytes; the longest that is asked for has 500 letters
SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one reader says of one finding on one image.

    Attributes:
        image: SHA-256 of its pixels.
        finding: in the reader's words, or a label.
        limited: to a side or another place.
        reader: their name.
        presence: "present", "absent" or "unsure".
        when: the time as the app writes it, in UTC; texts sort as times do.
        shapes: outlines of the finding.
        denied: regions in which it is not.
        decided: whether this is what adjudicators decided, which outweighs all readers.
    """

    image: str
    finding: str
    limited: bool
    reader: str
    presence: str
    when: str
    shapes: tuple[Shape, ...] = ()
    denied: tuple[Shape, ...] = ()
    decided: bool = False


class Tables:
    """An open database: its plain tables, which alone are read, for a view or a virtual table may compute
    without end."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.names = {
            name
            for name, statement in connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
            )
            if isinstance(statement, str) and re.match(r"CREATE\s+TABLE\b", statement, re.IGNORECASE)
        }

    def has(self, *names: str) -> bool:
        """Whether all of these are plain tables."""
        return self.names.issuperset(names)

    def columns(self, table: str) -> set[str]:
        """Names of a table's columns; `table` is one of ours."""
        return {column[1] for column in self._connection.execute(f"PRAGMA table_info({table})")}

    def rows(self, statement: str, *values: object) -> Iterator[dict[str, Any]]:
        """What a query gives, by column."""
        return (dict(row) for row in self._connection.execute(statement, values))


@contextmanager
def opened(database: Path) -> Iterator[Tables]:
    """The database, until the block ends.

    Raises:
        DataError: it is missing, or no database.
    """
    if not is_file(database):
        raise DataError(f"There is no feedback database {shorter(database)}; check the path.")
    try:
        with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_CELL)
            connection.execute("PRAGMA trusted_schema = OFF")
            yield Tables(connection)
    except (sqlite3.Error, UnicodeDecodeError, MemoryError) as error:
        raise no_database(database, clipped(str(error))) from error


def no_database(database: Path, reason: str) -> DataError:
    """That a file is none of the app's."""
    return DataError(f"{database} is not a feedback database of the app ({reason}); check the path.")


def image_of(row: Mapping[str, Any], texts: Sequence[str], where: str) -> tuple[float, float]:
    """The (width, height) of the image that a row is about; its other cells are checked, too.

    Args:
        row: with image_sha256, image_height, image_width and presence.
        texts: names of cells that must be texts.
        where: file and row, for the error.

    Raises:
        DataError: a cell is not what the app writes.
    """
    for name in ("presence", "image_sha256", *texts):
        if not isinstance(row[name], str):
            raise DataError(f"{where}: {name} is no text; remove the row.")
    if row["presence"] not in PRESENCES:
        raise DataError(
            f'{where}: presence is "{clipped(row["presence"])}"; it is present, absent or unsure, so correct '
            "the row."
        )
    if not SHA256.fullmatch(row["image_sha256"]):
        raise DataError(f"{where}: image_sha256 is no SHA-256 in hexadecimal digits; remove the row.")
    for name in ("image_height", "image_width"):
        if not isinstance(row[name], int) or row[name] < 1:
            raise DataError(f"{where}: {name} is no whole number above 0; correct the row.")
    return float(row["image_width"]), float(row["image_height"])


def record_in(text: object, what: str, where: str) -> dict[str, Any]:
    """A cell that holds a JSON object; {} of an empty one.

    Raises:
        DataError: it holds something else.
    """
    if text is None:
        return {}
    try:
        record = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise DataError(f"{where}: {what} are no JSON object; remove the row.")
    return record


def boxes_in(value: object, label: str, size: tuple[float, float], where: str) -> tuple[Shape, ...]:
    """Boxes of a list [[x, y, w, h, ...], ...] in pixels, or of such a list as JSON.

    Raises:
        DataError: it is none, or a box lies outside of its image.
    """
    try:
        rows = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        rows = None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise DataError(f"{where}: the boxes are no list of lists; remove the row.")
    return tuple(pixel_box(label, row[:4], size, where) for row in rows)


def pixel_box(label: str, box: Sequence[object], size: tuple[float, float], where: str) -> Shape:
    """Of a box (x, y, w, h) in pixels.

    Raises:
        DataError: it is none, or lies outside of its image.
    """
    numbers = [float(value) for value in box if isinstance(value, int | float)]
    if len(numbers) < 4:
        raise DataError(f"{where}: a box must be four numbers; remove it.")
    x, y, w, h = numbers
    return corner_box(label, (x, y, x + w, y + h), size, where)


def by_verdict(
    presence: str, drawn: tuple[Shape, ...], verdict: object, lit: Callable[[], tuple[Shape, ...]]
) -> tuple[tuple[Shape, ...], tuple[Shape, ...]]:
    """What a reader says of places: (outlines of the finding, regions in which it is not).

    What the reader drew is the outline. Of a finding that they see and did not draw, a map that they call
    correct tells where it is, and one that they call wrong where it is not; "partly" tells neither, for
    nobody knows which part.

    Args:
        presence: what they say of the finding.
        drawn: by the reader.
        verdict: on the model's map: "correct", "partly", "wrong" or None.
        lit: gives the regions of that map.
    """
    if presence != "present" or drawn:
        return drawn, ()
    return (lit() if verdict == "correct" else (), lit() if verdict == "wrong" else ())
