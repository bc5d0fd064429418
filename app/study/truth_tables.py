"""Tables of what is known of a study's films: findings that are there or not, and boxes around them.

An error names table and row, never the file of a film, whose name may tell who is on it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.study.errors import StudyError
from app.study.protocol import labels_by_name
from patchclip.data.tables import Row, Table, clipped, numbers, read_table
from patchclip.errors import DataError
from patchclip.text import Vocabulary
from patchclip.types import Box

TRUTH = "truth_"  # begins the columns that tell it
NAMES = ("path", "reference")  # either heads the column of files
PIXEL = 1  # by which a box may be rounded
BOXES = ("path", "finding", "x", "y", "w", "h")


@dataclass(frozen=True, slots=True)
class Truth:
    """Whether a finding is there, and where; boxes in original image pixels."""

    present: bool
    boxes: tuple[Box, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As it is stored."""
        return {"present": self.present, "boxes": [[box.x, box.y, box.w, box.h] for box in self.boxes]}


@dataclass(frozen=True, slots=True)
class ToldRow:
    """What a table tells of one film: the film's path below the study's folder, where it says so (table and
    row), the row's number, and label -> truth."""

    path: str
    where: str
    number: int
    truth: dict[str, Truth] = field(default_factory=dict)


def told_rows(path: Path, folder: Path, vocabulary: Vocabulary) -> list[ToldRow]:
    """The rows of a CSV file with the column `path` (or `reference`), and of the truth `truth_FINDING`: 1, 0
    or blank.

    Args:
        path: of the table.
        folder: of the study's films, from which the table names them.
        vocabulary: by which its findings are understood.

    Raises:
        DataError: it is not what it should be; names the row.
    """
    table = read_table(path, ())
    column = next((name for name in NAMES if name in table.columns), None)
    if column is None:
        raise DataError(f"{path} has no column path or reference; name each case's file in one.")
    columns = _truth_columns(table, vocabulary)
    rows = []
    for row in table.rows:
        where = f"{path}, row {row.number}"
        rows.append(
            ToldRow(_named(row, column, folder, where), where, row.number, _truth(row, columns, where))
        )
    return rows


class TruthTables:
    """What is known of films, by their paths; each film's truth is taken once.

    Args:
        rows: what was told of films, of a table or manifest.
        boxes: CSV file of truth boxes (path, finding, x, y, w, h in original image pixels), or None.
        folder: from which it names films.
        vocabulary: by which its findings are understood.

    Raises:
        DataError: a table is not what it should be, or contradicts the other; names the row.
    """

    def __init__(
        self, rows: Collection[ToldRow], boxes: Path | None, folder: Path, vocabulary: Vocabulary
    ) -> None:
        self._told: dict[str, ToldRow] = {}
        self._boxes = boxes
        for row in rows:
            if row.path in self._told:
                raise StudyError(
                    f"{row.where}: it tells of the same file as row {self._told[row.path].number}; keep one."
                )
            self._told[row.path] = row
        for outlined in _boxes(boxes, folder, vocabulary) if boxes else ():
            told = self._told.setdefault(outlined.path, ToldRow(outlined.path, outlined.where, 0))
            for label, truth in outlined.truth.items():
                if label in told.truth and not told.truth[label].present:
                    raise DataError(
                        f"{told.where}: it says that {label} is absent, yet {outlined.where} has a box of it."
                    )
                told.truth[label] = truth

    def take(self, path: str, size: tuple[int, int]) -> Mapping[str, Truth]:
        """Label -> truth of a film of (H, W) pixels.

        Raises:
            DataError: a box lies outside of it.
        """
        row = self._told.pop(path, None)
        if row is None:
            return {}
        for label, truth in row.truth.items():
            if not all(_inside(box, size) for box in truth.boxes):
                raise DataError(
                    f"{self._boxes}: a box of {label} of the film that {row.where} names lies outside its "
                    f"{size[1]} x {size[0]} pixels; give boxes in original pixels."
                )
        return row.truth

    def check_left(self, left_out: Collection[str]) -> None:
        """Whether all that was told has a case, but for files that were left out.

        Raises:
            DataError: a row is of no case.
        """
        for path, row in self._told.items():
            if path not in left_out:
                raise DataError(
                    f"{row.where} tells of a file that is no case here; leave it out, or add the case."
                )


def _truth_columns(table: Table, vocabulary: Vocabulary) -> dict[str, str]:
    """Column -> label."""
    labels = labels_by_name(vocabulary)
    columns = [name for name in table.columns if name.lower().startswith(TRUTH)]
    for name in columns:
        if name[len(TRUTH) :].strip().lower() not in labels:
            raise DataError(
                f"{table.path} has a column {clipped(name)}, which names no finding of the model; "
                f"it knows {', '.join(vocabulary.labels)}."
            )
    told = {name: labels[name[len(TRUTH) :].strip().lower()] for name in columns}
    if len(set(told.values())) < len(told):
        raise DataError(f"{table.path} has two columns for the truth of one finding; keep one of them.")
    return told


def _truth(row: Row, columns: Mapping[str, str], where: str) -> dict[str, Truth]:
    told: dict[str, Truth] = {}
    for column, label in columns.items():
        cell = row.cells.get(column, "")
        if cell not in ("", "0", "1"):
            raise DataError(f'{where}: {column} must be 1, 0 or blank, and is "{clipped(cell)}".')
        if cell:
            told[label] = Truth(cell == "1")
    return told


def _boxes(path: Path, folder: Path, vocabulary: Vocabulary) -> Collection[ToldRow]:
    """By film, with all its boxes."""
    labels = labels_by_name(vocabulary)
    films: dict[str, ToldRow] = {}
    for row in read_table(path, BOXES).rows:
        where = f"{path}, row {row.number}"
        label = labels.get(row.cells["finding"].lower())
        if label is None:
            raise DataError(f'{where}: "{clipped(row.cells["finding"])}" is no finding of the model.')
        box = Box(*numbers(row.cells, ("x", "y", "w", "h"), where))
        if box.w <= 0 or box.h <= 0:
            raise DataError(f"{where}: w and h must be above 0, for a box has an area.")
        name = _named(row, "path", folder, where)
        film = films.setdefault(name, ToldRow(name, where, row.number))
        film.truth[label] = Truth(True, (*film.truth.get(label, Truth(True)).boxes, box))
    return films.values()


def _inside(box: Box, size: tuple[int, int]) -> bool:
    height, width = size
    corner = min(box.x, box.y) >= -PIXEL
    return corner and box.x + box.w <= width + PIXEL and box.y + box.h <= height + PIXEL


def _named(row: Row, column: str, folder: Path, where: str) -> str:
    """A file that a row names, as its path below the folder."""
    name = row.cells.get(column, "")
    if not name:
        raise DataError(f"{where}: {column} is empty; name the case's file.")
    try:
        return below(folder, folder / name)
    except (ValueError, OSError) as error:
        raise DataError(
            f"{where}: the file that it names does not lie below the folder of the cases; put all cases "
            "there, and name them by their paths from it."
        ) from error


def below(folder: Path, file: Path) -> str:
    """A file's path below a folder, links followed.

    Raises:
        ValueError: it lies elsewhere.
        OSError: it cannot be looked up.
    """
    return file.resolve().relative_to(folder).as_posix()
