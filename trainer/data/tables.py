"""Reading and checking what datasets consist of: tables, JSON files, image folders, pixel boxes; every error
names file and row."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd
import pydicom
from PIL import Image, UnidentifiedImageError
from pydicom.errors import InvalidDicomError

from patchclip.data import tables
from patchclip.errors import DataError
from trainer.data.sample import Shape

RASTER = frozenset((".png", ".jpg", ".jpeg"))
DICOM = frozenset((".dcm", ".dicom"))
TOLERANCE = 0.01  # of the image: rounding of boxes and of image sizes stays below this
_VALIDATION = ("val", "valid", "validate", "validation")


def read_table(path: Path, required: Sequence[str]) -> pd.DataFrame:
    """A CSV file, gzipped or not, as text; a blank is "", and the index is the row's number as a spreadsheet
    shows it.

    Raises:
        DataError: see `patchclip.data.tables.read_table`.
    """
    table = tables.read_table(path, required)
    return pd.DataFrame(
        [list(row.cells.values()) for row in table.rows],
        index=[row.number for row in table.rows],
        columns=list(table.columns),
        dtype=str,
    )


def records(table: pd.DataFrame) -> Iterator[tuple[int, dict[str, str]]]:
    """(row number as a spreadsheet shows it, row) of each row."""
    names = list(table.columns)
    for number, values in zip(
        table.index, zip(*(table[name].tolist() for name in names), strict=True), strict=True
    ):
        yield number, dict(zip(names, values, strict=True))


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
    """File name without its suffix -> path, of every image below the folders; walked once, for a look-up in
    each row is slow."""
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
    names: list[str] = sorted(set(splits))
    spellings: tuple[str, ...] = _VALIDATION if split in _VALIDATION else (split,)
    for name in spellings:
        if name in names:
            return name
    raise DataError(f'{where} has no split "{split}"; its splits are {", ".join(names)}.')


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
