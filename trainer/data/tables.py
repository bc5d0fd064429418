"""Reading and checking what datasets consist of: tables, JSON files, image folders, pixel boxes; every error names file and row."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pydicom
from PIL import Image, UnidentifiedImageError
from pydicom.errors import InvalidDicomError

from patchclip.errors import DataError
from trainer.data.sample import Shape

RASTER = frozenset((".png", ".jpg", ".jpeg"))
DICOM = frozenset((".dcm", ".dicom"))
TOLERANCE = 0.01  # of the image: rounding of boxes and of image sizes stays below this
_VALIDATION = ("val", "valid", "validate", "validation")


def read_table(path: Path, required: Sequence[str], allowed: set[str] | None = None) -> pd.DataFrame:
    """A CSV file, gzipped or not, as text; a blank is "".

    Raises:
        DataError: the file is missing or no CSV, lacks a `required` column, or has one that is not `allowed`.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing; a dataset folder needs it (see README, Train on your own data).")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, index_col=False, low_memory=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError) as error:
        raise DataError(
            f"{path} cannot be read as a CSV file ({error}); get it again from its source."
        ) from error
    missing = [name for name in required if name not in table]
    if missing:
        raise DataError(f"{path} has no column {missing[0]}; its columns are {', '.join(table.columns)}.")
    extra = sorted(set(table.columns) - allowed) if allowed else []
    if extra:
        raise DataError(
            f"{path} has an unknown column {extra[0]}; remove it, or rename it to one of {', '.join(sorted(allowed or ()))}."
        )
    return table


def records(table: pd.DataFrame) -> Iterator[tuple[int, dict[str, str]]]:
    """(row number as an editor shows it, row) of each row."""
    names = list(table.columns)
    for number, values in enumerate(zip(*(table[name].tolist() for name in names), strict=True), start=2):
        yield number, dict(zip(names, values, strict=True))


def read_json(path: Path, kind: type) -> Any:
    """A JSON file whose outermost value is a `kind`.

    Raises:
        DataError: missing, damaged, or of another kind.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing; get it from the dataset's source.")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} cannot be read as JSON ({error}); get it again from its source.") from error
    if not isinstance(value, kind):
        raise DataError(f"{path} is not what it should be: its outermost value is no {kind.__name__}.")
    return value


def find_file(folder: Path, *patterns: str) -> Path | None:
    """The first file, by name, that fits the first pattern that any file fits."""
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            if path.is_file():
                return path
    return None


def need_file(folder: Path, *patterns: str) -> Path:
    """The same; DataError where no file fits."""
    path = find_file(folder, *patterns)
    if path is None:
        raise DataError(f"{folder / patterns[0]} is missing; get it from the dataset's source.")
    return path


def index_images(folders: Iterable[Path], suffixes: frozenset[str]) -> dict[str, Path]:
    """File name without its suffix -> path, of every image below the folders; walked once, for a look-up in each row is slow."""
    return {
        Path(file).stem: Path(parent, file)
        for folder in folders
        for parent, _, files in os.walk(
            folder, followlinks=True
        )  # datasets are often linked together from several disks
        for file in files
        if Path(file).suffix.lower() in suffixes and not file.startswith(".")
    }


def own_split(split: str, splits: Iterable[str], where: Path) -> str:
    """The dataset's own name of a split: "val" finds "valid", "validate" and "validation" too.

    Raises:
        DataError: there is no such split in `where`.
    """
    own: list[str] = sorted(set(splits))
    spellings: tuple[str, ...] = _VALIDATION if split in _VALIDATION else (split,)
    for name in spellings:
        if name in own:
            return name
    raise DataError(f'{where} has no split "{split}"; its splits are {", ".join(own)}.')


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


def numbers(row: dict[str, str], names: Sequence[str], where: str) -> list[float]:
    """Cells as numbers; DataError where one is none."""
    try:
        return [float(row[name]) for name in names]
    except ValueError as error:
        raise DataError(f"{where}: {', '.join(names)} must be numbers.") from error


def corner_box(label: str, corners: Sequence[float], size: tuple[float, float], where: str) -> Shape:
    """A box from its corners.

    Args:
        label: of the vocabulary.
        corners: x0, y0, x1, y1 in the unit of `size`.
        size: width and height of the image: in pixels, or 1 and 1 for corners that are fractions.
        where: file and row, for the error.

    Raises:
        DataError: not four numbers, empty, or outside the image.
    """
    try:
        x0, y0, x1, y1 = (float(value) for value in corners)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: a box must be four numbers.") from error
    x0, y0, x1, y1 = x0 / size[0], y0 / size[1], x1 / size[0], y1 / size[1]
    if not (x0 < x1 and y0 < y1 and min(x0, y0) >= -TOLERANCE and max(x1, y1) <= 1 + TOLERANCE):
        raise DataError(f"{where}: the box lies outside its image, or is empty; correct or remove it.")
    x0, y0, x1, y1 = max(x0, 0.0), max(y0, 0.0), min(x1, 1.0), min(y1, 1.0)
    return Shape.box(label, x0, y0, x1 - x0, y1 - y0)


def image_size(path: Path) -> tuple[int, int] | None:
    """(width, height) in pixels from the header alone; None where it cannot be read."""
    try:
        if path.suffix.lower() in DICOM:
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["Rows", "Columns"])
            return int(header.Columns), int(header.Rows)
        with Image.open(path) as image:
            return image.size
    except (InvalidDicomError, AttributeError, UnidentifiedImageError, OSError):
        return None
