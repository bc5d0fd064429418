"""Reading tables and JSON files strictly: whatever program wrote them, every cell is read as meant or the
file and row are named."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchclip.errors import DataError

SEPARATORS = (",", ";", "\t")
LARGEST = (
    2**30
)  # bytes of a table or a JSON file, unpacked: far beyond any, and far below what ends a process
CLIPPED = 60  # characters of a cell that an error repeats
_BLANK = " \t\r\n\v\f\xa0\u200b\ufeff"
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number as a spreadsheet shows it (the header is 1), and column -> cell without blanks
    around it."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table as text.

    Attributes:
        path: of the file.
        columns: of the header, without blanks around them.
        rows: all that are not blank.
        notes: sentences on how it was read, where that is not plain.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


def clipped(text: str) -> str:
    """A cell as an error repeats it: on one line, and not longer than a sentence bears."""
    printable = "".join(character if character.isprintable() else "?" for character in text[: CLIPPED + 1])
    return printable if len(text) <= CLIPPED else f"{printable[:CLIPPED]}..."


def is_file(path: Path) -> bool:
    """Whether there is such a file; False, too, for a path that no file can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # longer than the system allows, or with a null character
        return False


def read_table(path: Path, required: Sequence[str], allowed: Sequence[str] | None = None) -> Table:
    """Reads a CSV file, gzipped or not.

    UTF-8 with and without a byte order mark, UTF-16, UTF-32 and Windows-1252 are told by their bytes; comma,
    semicolon or tab by which of them yields the required columns. Blanks around cells and blank rows are no
    part of the table.

    Args:
        path: the file.
        required: columns that it must have.
        allowed: all that it may have; then each column must have a name, and each row as many cells as the
            header. None: any; columns without a name are ignored, and cells missing at the end of a row are
            blank.

    Raises:
        DataError: it is missing, no table, too large, lacks a required column, or has one that is not
            allowed; names file and row.
    """
    if not is_file(path):
        raise DataError(f"{shorter(path)} is missing; a dataset folder needs it (see README).")
    text, notes = _text(path, _content(path))
    separator = max(SEPARATORS, key=lambda mark: _matches(text, mark, required))
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True)
    columns: list[str] = []
    rows: list[Row] = []
    number = 0
    try:
        for number, line in enumerate(lines, start=1):
            cells = [cell.strip(_BLANK) for cell in line]
            if not any(cells):
                continue
            if not columns:
                columns = cells
                _check_columns(path, columns, required, allowed)
            else:
                rows.append(Row(number, _named(path, number, columns, cells, allowed is not None)))
    except csv.Error as error:
        raise DataError(
            f"{path}, row {number + 1}: it cannot be read as a CSV file ({error}); correct the row's "
            "quotation marks."
        ) from error
    if not columns:
        raise DataError(
            f"{path} cannot be read as a CSV file: it is empty; write a header and one row per item."
        )
    return Table(path, tuple(dict.fromkeys(filter(None, columns))), tuple(rows), notes)


def read_json(path: Path, kind: type) -> Any:
    """Reads a JSON file whose outermost value is a `kind`.

    Raises:
        DataError: missing, damaged, too large, nested too deeply, or of another kind.
    """
    if not is_file(path):
        raise DataError(f"{shorter(path)} is missing; get it from the dataset's source.")
    content = _content(path)
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else clipped(str(error))
        raise DataError(f"{path} cannot be read as JSON ({reason}); get it again from its source.") from None
    if not isinstance(value, kind):
        raise DataError(f"{path} is not what it should be: its outermost value is no {kind.__name__}.")
    return value


def numbers(row: Mapping[str, str], names: Sequence[str], where: str) -> list[float]:
    """Cells as finite numbers.

    Raises:
        DataError: one is no number.
    """
    values: list[float] = []
    for name in names:
        try:
            values.append(float(row[name]))
        except ValueError as error:
            raise DataError(
                f'{where}: {", ".join(names)} must be numbers, and {name} is "{clipped(row[name])}".'
            ) from error
        if not math.isfinite(values[-1]):
            raise DataError(f'{where}: {", ".join(names)} must be numbers, and {name} is "{row[name]}".')
    return values


def check_patients(rows: Iterable[tuple[str, str, Path, int]]) -> None:
    """Rows are (patient, split, file, row number); a patient "" is unknown.

    Raises:
        DataError: a patient is in two splits; names one row of such a patient, not the patient.
    """
    first: dict[str, tuple[str, Path, int]] = {}
    twice: dict[str, tuple[str, Path, int]] = {}
    for patient, split, path, number in rows:
        if patient and first.setdefault(patient, (split, path, number))[0] != split:
            twice[patient] = first[patient]
    if twice:
        _, path, number = twice[min(twice)]
        raise DataError(
            f"{path}, row {number}: a patient is in two splits ({len(twice)} such patients); put each in one."
        )


def shorter(path: Path) -> str:
    """A path as an error shows it."""
    text = str(path)
    return text if len(text) <= 255 else f"{text[:60]}...{text[-60:]}"


def _content(path: Path) -> bytes:
    """Of the file, unpacked."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content: bytes = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "damaged"
        raise DataError(f"{path} cannot be read ({reason}); get it again from its source.") from error
    if len(content) > LARGEST:
        raise DataError(f"{path} holds more than {LARGEST // 2**20} MiB; give a smaller one.")
    return content


def _text(path: Path, content: bytes) -> tuple[str, tuple[str, ...]]:
    """The decoded table, and a sentence where its encoding had to be guessed."""
    coding = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    head = content[:4096]
    if coding is None and b"\0" in head:  # UTF-16 without its mark: every other byte of plain letters is 0
        coding = "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    for name in [coding] if coding else ["utf-8", "cp1252"]:
        try:
            text = content.decode(name)
        except UnicodeDecodeError:
            continue
        if any(ord(character) < 32 and character not in "\t\r\n\v\f" for character in set(text)):
            break
        note = f"{path.name}: it is not UTF-8, and was read as Windows-1252 text"
        return text, ((note,) if name == "cp1252" else ())
    raise DataError(
        f"{path} cannot be read as a CSV file: it is no text; write it as UTF-8 with a header line."
    )


def _matches(text: str, separator: str, required: Sequence[str]) -> tuple[int, int]:
    """How well a separator fits: required columns that it yields, then columns."""
    lines = csv.reader(io.StringIO(text[: 2**16], newline=""), delimiter=separator, skipinitialspace=True)
    try:
        header = next((line for line in lines if any(cell.strip(_BLANK) for cell in line)), [])
    except csv.Error:
        return 0, 0
    columns = [cell.strip(_BLANK) for cell in header]
    return sum(name in columns for name in required), len(columns)


def _check_columns(
    path: Path, columns: list[str], required: Sequence[str], allowed: Sequence[str] | None
) -> None:
    for name in required:
        if name not in columns:
            raise DataError(
                f"{path} has no column {name}; its columns are {clipped(', '.join(columns))}; write "
                f"{', '.join(allowed or required)}."
            )
    for name in columns:
        if name and columns.count(name) > 1 and (allowed is not None or name in required):
            raise DataError(f'{path} has two columns "{clipped(name)}"; keep one of them.')
    extra = [name for name in columns if name and allowed is not None and name not in allowed]
    if extra:
        raise DataError(
            f"{path} has an unknown column {clipped(extra[0])}; remove it, or rename it to one of "
            f"{', '.join(allowed or ())}."
        )


def _named(path: Path, number: int, columns: list[str], cells: list[str], strict: bool) -> dict[str, str]:
    """Column -> cell of one row."""
    missing = len(columns) - len(cells)
    if any(cells[len(columns) :]) or (strict and missing > 0):
        raise DataError(
            f"{path}, row {number}: it has {len(cells)} cells where the header has {len(columns)}; put text "
            "with separators in quotation marks, and write blank cells too."
        )
    filled = cells + [""] * missing
    nameless = next((cell for name, cell in zip(columns, filled, strict=False) if cell and not name), "")
    if strict and nameless:
        raise DataError(
            f'{path}, row {number}: "{clipped(nameless)}" stands in a column without a name; name it in the '
            "header, or remove it."
        )
    return {name: cell for name, cell in zip(columns, filled, strict=False) if name}
