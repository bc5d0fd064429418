"""The films of a study that is being made: of a folder, or of a manifest with their truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.study.errors import StudyError
from app.study.protocol import labels_by_name
from patchclip import PatchClipError, Radiograph, list_images, load_entry
from patchclip.data.tables import Row, Table, clipped, numbers, read_table
from patchclip.errors import DataError
from patchclip.image.containers import ImageEntry, LeftOut
from patchclip.text import Vocabulary
from patchclip.types import Box

DECODERS = 2  # files at once
TRUTH = "truth_"  # begins the manifest's columns that tell it
NAMES = ("path", "reference")  # either heads the column of files
MOST_CASES = 5000


@dataclass(frozen=True, slots=True)
class Truth:
    """Whether a finding is there, and where; boxes in original image pixels."""

    present: bool
    boxes: tuple[Box, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As it is stored."""
        return {"present": self.present, "boxes": [[box.x, box.y, box.w, box.h] for box in self.boxes]}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a film lies: path below the study's folder, and its frame where the file holds several."""

    path: str
    frame: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """As it is stored."""
        return {"path": self.path} | ({} if self.frame is None else {"frame": self.frame})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Place:
        """As it was stored."""
        return cls(values["path"], values.get("frame"))

    def load(self, folder: Path) -> Radiograph:
        """The film, decoded in a process of its own.

        Raises:
            RadiographError: it cannot be read.
        """
        return load_entry(ImageEntry(self.path, str(folder / self.path), None, self.frame), isolated=True)


@dataclass(frozen=True, slots=True)
class NewCase:
    """A film that a study is made of; `size` is (H, W)."""

    place: Place
    sha256: str
    size: tuple[int, int]
    truth: Mapping[str, Truth] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cases:
    """All films of a new study, in the order of folder or manifest, and what was left out and why."""

    folder: Path
    cases: tuple[NewCase, ...]
    left_out: tuple[LeftOut, ...] = ()


def read_cases(source: Path, vocabulary: Vocabulary, boxes: Path | None = None) -> Cases:
    """The films of a folder (all that are found below it), or those that a manifest names.

    A manifest is a CSV file with the column `path` (or `reference`), relative to the manifest's folder, and
    for what is known of the truth `truth_FINDING`: 1, 0 or blank. Of a folder, what cannot be read is left
    out, and said; a manifest must be right.

    Args:
        source: folder or manifest.
        vocabulary: by which the truth's findings are understood.
        boxes: CSV file of truth boxes: path, finding, x, y, w, h in original image pixels.

    Raises:
        DataError: a table is not what it should be; names file and row.
        StudyError: there is no film, or the same one stands twice in a manifest.
        RadiographError: a film of a manifest cannot be read.
    """
    if source.is_dir():
        return _of_folder(source.resolve(), vocabulary, boxes)
    table = read_table(source, ())
    return _of_manifest(table, source.resolve().parent, vocabulary, boxes)


def _of_folder(folder: Path, vocabulary: Vocabulary, boxes: Path | None) -> Cases:
    listing = list_images(folder, isolated=True)
    left_out = [LeftOut(_shown(folder, item.name), item.reason) for item in listing.left_out]
    places: list[Place] = []
    for entry in listing.entries:
        try:
            places.append(Place(_below(folder, Path(entry.file or "")), entry.frame))
        except ValueError:
            left_out.append(LeftOut(_shown(folder, entry.name), "It is a link to a file elsewhere."))
    outlined = _boxes(boxes, folder, vocabulary)
    cases: list[NewCase] = []
    first: dict[str, str] = {}
    for place, read in zip(places, _decoded(folder, places), strict=True):
        if isinstance(read, PatchClipError):
            left_out.append(LeftOut(place.path, str(read)))
        elif read.sha256 in first:
            same = f"It has the same pixels as {first[read.sha256]}, which is a case already."
            left_out.append(LeftOut(place.path, same))
        else:
            first[read.sha256] = place.path
            cases.append(NewCase(place, read.sha256, read.size, outlined.pop(place.path, {})))
    _check_left(outlined, boxes)
    return _complete(folder, cases, left_out)


def _of_manifest(table: Table, folder: Path, vocabulary: Vocabulary, boxes: Path | None) -> Cases:
    column = next((name for name in NAMES if name in table.columns), None)
    if column is None:
        raise DataError(f"{table.path} has no column path or reference; name each case's file in one.")
    truths = _truth_columns(table, vocabulary)
    places = [Place(_named(row, column, folder, f"{table.path}, row {row.number}")) for row in table.rows]
    outlined = _boxes(boxes, folder, vocabulary)
    cases: list[NewCase] = []
    first: dict[str, int] = {}
    for row, place, read in zip(table.rows, places, _decoded(folder, places), strict=True):
        where = f"{table.path}, row {row.number}"
        if isinstance(read, PatchClipError):
            raise StudyError(f"{where}: {read}")
        if read.sha256 in first:
            raise StudyError(
                f"{where}: it has the same pixels as row {first[read.sha256]}; name each film once."
            )
        first[read.sha256] = row.number
        told = _truth(row, truths, where)
        for label, truth in outlined.pop(place.path, {}).items():
            if label in told and not told[label].present:
                raise DataError(f"{where}: it says that {label} is absent, yet {boxes} has a box of it.")
            told[label] = truth
        cases.append(NewCase(place, read.sha256, read.size, told))
    _check_left(outlined, boxes)
    return _complete(folder, cases, [])


def _complete(folder: Path, cases: Sequence[NewCase], left_out: Sequence[LeftOut]) -> Cases:
    if not cases:
        reason = f" ({left_out[0].name}: {left_out[0].reason})" if left_out else ""
        raise StudyError(f"There is no film to read{reason}; name a folder or a manifest with radiographs.")
    if len(cases) > MOST_CASES:
        raise StudyError(f"A study has {MOST_CASES} cases at most, and these are {len(cases)}; make several.")
    return Cases(folder, tuple(cases), tuple(left_out))


@dataclass(frozen=True, slots=True)
class _Read:
    """What a study keeps of a film: hash and size."""

    sha256: str
    size: tuple[int, int]


def _decoded(folder: Path, places: Sequence[Place]) -> list[_Read | PatchClipError]:
    """Each film, or why it cannot be read; never all pixels at once."""

    def read(place: Place) -> _Read | PatchClipError:
        try:
            radiograph = place.load(folder)
            return _Read(radiograph.sha256, radiograph.size)
        except PatchClipError as error:
            return error

    with ThreadPoolExecutor(DECODERS) as pool:
        return list(pool.map(read, places))


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


def _boxes(path: Path | None, folder: Path, vocabulary: Vocabulary) -> dict[str, dict[str, Truth]]:
    """Path of a film -> label -> what is there."""
    if path is None:
        return {}
    labels = labels_by_name(vocabulary)
    boxes: dict[str, dict[str, Truth]] = {}
    for row in read_table(path, ("path", "finding", "x", "y", "w", "h")).rows:
        where = f"{path}, row {row.number}"
        label = labels.get(row.cells["finding"].lower())
        if label is None:
            raise DataError(f'{where}: "{clipped(row.cells["finding"])}" is no finding of the model.')
        box = Box(*numbers(row.cells, ("x", "y", "w", "h"), where))
        if box.w <= 0 or box.h <= 0:
            raise DataError(f"{where}: w and h must be above 0, for a box has an area.")
        film = boxes.setdefault(_named(row, "path", folder, where), {})
        before = film.get(label, Truth(True))
        film[label] = Truth(True, (*before.boxes, box))
    return boxes


def _check_left(outlined: Mapping[str, object], boxes: Path | None) -> None:
    if outlined:
        raise DataError(
            f"{boxes} has boxes of {clipped(next(iter(outlined)))}, which is no case of this study; "
            "leave them out, or add the case."
        )


def _named(row: Row, column: str, folder: Path, where: str) -> str:
    """A file that a row names, as its path below the folder."""
    name = row.cells[column]
    if not name:
        raise DataError(f"{where}: {column} is empty; name the case's file.")
    try:
        return _below(folder, folder / name)
    except (ValueError, OSError) as error:
        raise DataError(
            f'{where}: "{clipped(name)}" does not lie below {folder}; put all cases there, and name them by '
            "their paths from it."
        ) from error


def _below(folder: Path, file: Path) -> str:
    """Raises ValueError where the file lies elsewhere, links followed."""
    return file.resolve().relative_to(folder).as_posix()


def _shown(folder: Path, name: str) -> str:
    return name.removeprefix(f"{folder}/")
