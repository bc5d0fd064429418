"""The input of a batch to its units: a folder, a glob, a manifest, WebDataset shards, a DICOMweb query, or a
file. Files are named, not opened, so that a million of them are listed in seconds."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from patchclip.archive.dicomweb import Archive
from patchclip.batch.shards import SHARD, shard_units
from patchclip.batch.studies import query_of, studies_of
from patchclip.batch.units import Unit
from patchclip.data.tables import read_table
from patchclip.errors import DataError
from patchclip.image.archives import is_hidden

MANIFEST = ".csv"
PATHS = ("path", "reference")
"""Either heads a manifest's column of files; `reference` beside `path` is what the image is to be called."""


@dataclass(frozen=True, slots=True)
class Input:
    """What a batch reads.

    Attributes:
        units: in the order of their places, each place once.
        url: of the DICOMweb archive that studies are fetched from, with user and password if they stand in
            it; None where there is none.
    """

    units: tuple[Unit, ...]
    url: str | None = None


def read_input(source: str) -> Input:
    """Lists an input.

    Args:
        source: path of a folder, a CSV manifest (column `path`), a WebDataset shard (.tar) or another file; a
            glob of files or shards ("films/**/*.dcm", "shards/*.tar"); or a QIDO-RS query for studies
            ("https://archive/dicom-web/studies?StudyDate=20260101-20260131&ModalitiesInStudy=DX").

    Raises:
        DataError: there is no such thing, nothing in it, or a manifest that is not what it should be.
        ArchiveError: the archive cannot be asked.
    """
    if source.startswith(("http://", "https://")):
        query = query_of(source)
        units = tuple(studies_of(Archive(query.url), query.criteria))
        return Input(_checked(units, "The query finds no study; ask for others."), query.url)
    return Input(_checked(tuple(_files(source)), f"{source} holds no file; name one that does."))


def _files(source: str) -> Iterator[Unit]:
    path = Path(source)
    if path.is_dir():
        for file in walk(path):
            yield from _units(file, file.relative_to(path).as_posix(), named=False)
    elif path.suffix.lower() == MANIFEST and path.is_file():
        yield from _manifest(path)
    elif path.exists():
        yield from _units(path, path.name, named=True)
    elif glob.has_magic(source):
        root = _plain_part(source)
        pattern = Path(source).relative_to(root).as_posix()
        for file in sorted(root.glob(pattern)):
            place = file.relative_to(root).as_posix()
            if file.is_file() and not is_hidden(place):
                yield from _units(file, place, named=True)
    else:
        raise DataError(f"There is no {source}; give a folder, a file, a glob, a manifest or an address.")


def walk(folder: Path) -> Iterator[Path]:
    """The files below a folder, hidden ones and DICOMDIRs aside, in the order of their places."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in sorted(names):
            if not is_hidden(name) and name.upper() != "DICOMDIR" and Path(parent, name).is_file():
                yield Path(parent, name)


def _units(file: Path, place: str, *, named: bool) -> Iterator[Unit]:
    if file.suffix.lower() == SHARD:
        yield from shard_units(file, place)
    else:
        yield Unit(place, "named" if named else "beside others", str(file.resolve()))


def _manifest(path: Path) -> Iterator[Unit]:
    table = read_table(path, ())
    column = next((name for name in PATHS if name in table.columns), None)
    if column is None:
        raise DataError(f'{path} has no column "path"; name the files there, relative to the manifest.')
    folder = path.resolve().parent
    for row in table.rows:
        place = row.cells[column]
        if not place:
            raise DataError(f"{path}, row {row.number}: {column} is empty; name the file, or drop the row.")
        reference = row.cells.get("reference", "") if column == "path" else ""
        yield Unit(place, "named", str(folder / place), reference=reference or None)


def _plain_part(pattern: str) -> Path:
    """The folder before the first part of a glob that is one."""
    parts = Path(pattern).parts
    first = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:first]) if first else Path()


def _checked(units: Sequence[Unit], nothing: str) -> tuple[Unit, ...]:
    by_place: dict[str, Unit] = {}
    for unit in units:
        if by_place.setdefault(unit.place, unit) is not unit:
            raise DataError(f"{unit.place} is named twice in the input; name it once.")
    if not units:
        raise DataError(nothing)
    return tuple(by_place[place] for place in sorted(by_place))
