"""The films of a study that is being made: of a folder, or of a manifest with their truth."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.study.errors import StudyError
from app.study.truth_tables import ToldRow, Truth, TruthTables, below, told_rows
from app.study.watch import LeftOutFile, Nobody, Watch
from patchclip import PatchClipError, Radiograph, load_entry
from patchclip.image.containers import list_images
from patchclip.image.listing import ImageEntry
from patchclip.text import Vocabulary

DECODERS = 2  # files at once
MOST_CASES = 5000


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
    left_out: tuple[LeftOutFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """Tables of what is known of the films.

    Attributes:
        truth: of a folder: CSV file with the column `path` (or `reference`) from the folder, and for what is
            known `truth_FINDING`: 1, 0 or blank; it need not name every film.
        boxes: CSV file of truth boxes: path, finding, x, y, w, h in original image pixels.
    """

    truth: Path | None = None
    boxes: Path | None = None


def read_cases(
    films: Path, vocabulary: Vocabulary, told: Told | None = None, watch: Watch | None = None
) -> Cases:
    """The films of a folder (all that are found below it), or those that a manifest names; each is decoded.

    A manifest is a CSV file like the table of truth, which names its films from its own folder. Of a folder,
    what cannot be read is left out, and said; a manifest must be right.

    Args:
        films: folder or manifest.
        vocabulary: by which the truth's findings are understood.
        told: what is known of the films.
        watch: hears how far it is.

    Raises:
        DataError: a table is not what it should be; names file and row.
        StudyError: there is no film, or the same one stands twice in a manifest.
        RadiographError: a film of a manifest cannot be read.
        StoppedError: `watch` has ended it.
    """
    told, watch = told or Told(), watch or Nobody()
    if films.is_dir():
        return _of_folder(films.resolve(), vocabulary, told, watch)
    if told.truth is not None:
        raise StudyError("A manifest tells the truth in its own columns; leave out the table of truth.")
    return _of_manifest(films, vocabulary, told.boxes, watch)


def _of_folder(folder: Path, vocabulary: Vocabulary, told: Told, watch: Watch) -> Cases:
    rows = told_rows(told.truth, folder, vocabulary) if told.truth else []
    tables = TruthTables(rows, told.boxes, folder, vocabulary)
    counted = itertools.count()
    listing = list_images(folder, isolated=True, each=lambda: watch.at("listing", next(counted), None))
    entries = [entry for entry in listing.entries if entry.file is not None]
    paths = sorted(
        {_shown(folder, str(entry.file)) for entry in entries}
        | {_shown(folder, item.name) for item in listing.left_out}
    )
    place_of = {path: number for number, path in enumerate(paths, start=1)}
    left_out: list[LeftOutFile] = []

    def leave_out(path: str, reason: str) -> None:
        left_out.append(LeftOutFile(path, place_of[path], reason))
        watch.leave_out(left_out[-1])

    for item in listing.left_out:
        path = _shown(folder, item.name)
        if not _is_table(folder / path, told):
            leave_out(path, item.reason)
    places: list[Place] = []
    for entry in entries:
        path = _shown(folder, str(entry.file))
        try:
            below(folder, folder / path)
        except (ValueError, OSError):
            leave_out(path, "It is a link to a file elsewhere.")
        else:
            places.append(Place(path, entry.frame))
    cases: list[NewCase] = []
    first: dict[str, Place] = {}
    for place, read in zip(places, _decoded(folder, places, watch), strict=True):
        if isinstance(read, PatchClipError):
            leave_out(place.path, str(read))
        elif read.sha256 in first:
            same = place_of[first[read.sha256].path]
            leave_out(place.path, f"It has the same pixels as file {same}, which is a case already.")
        else:
            first[read.sha256] = place
            cases.append(NewCase(place, read.sha256, read.size, tables.take(place.path, read.size)))
    tables.check_left({item.path for item in left_out})
    return _complete(folder, cases, left_out)


def _of_manifest(manifest: Path, vocabulary: Vocabulary, boxes: Path | None, watch: Watch) -> Cases:
    folder = manifest.resolve().parent
    rows = told_rows(manifest, folder, vocabulary)
    tables = TruthTables(rows, boxes, folder, vocabulary)
    places = [Place(row.path) for row in rows]
    cases: list[NewCase] = []
    first: dict[str, ToldRow] = {}
    for row, place, read in zip(rows, places, _decoded(folder, places, watch), strict=True):
        if isinstance(read, PatchClipError):
            raise StudyError(f"{row.where}: {read}")
        if read.sha256 in first:
            raise StudyError(
                f"{row.where}: it has the same pixels as row {first[read.sha256].number}; name each once."
            )
        first[read.sha256] = row
        cases.append(NewCase(place, read.sha256, read.size, tables.take(place.path, read.size)))
    tables.check_left(())
    return _complete(folder, cases, [])


def _complete(folder: Path, cases: Sequence[NewCase], left_out: Sequence[LeftOutFile]) -> Cases:
    if not cases:
        reason = f" (file {left_out[0].place}: {left_out[0].reason})" if left_out else ""
        raise StudyError(f"There is no film to read{reason}; name a folder or a manifest with radiographs.")
    if len(cases) > MOST_CASES:
        raise StudyError(f"A study has {MOST_CASES} cases at most, and these are {len(cases)}; make several.")
    return Cases(folder, tuple(cases), tuple(left_out))


@dataclass(frozen=True, slots=True)
class _Read:
    """What a study keeps of a film: hash and size."""

    sha256: str
    size: tuple[int, int]


def _decoded(folder: Path, places: Sequence[Place], watch: Watch) -> Iterator[_Read | PatchClipError]:
    """Each film in turn, or why it cannot be read; never all pixels at once."""

    def read(place: Place) -> _Read | PatchClipError:
        try:
            radiograph = place.load(folder)
            return _Read(radiograph.sha256, radiograph.size)
        except PatchClipError as error:
            return error

    pool = ThreadPoolExecutor(DECODERS)
    try:
        for number, film in enumerate(pool.map(read, places)):
            watch.at("reading", number, len(places))
            yield film
        watch.at("reading", len(places), len(places))
    finally:
        pool.shutdown(cancel_futures=True)  # of a study that nobody wants any more, the rest is not read


def _is_table(path: Path, told: Told) -> bool:
    """Whether a file is what tells of the films, and no film that could not be read."""
    tables = [table.resolve() for table in (told.truth, told.boxes) if table is not None]
    return path.resolve() in tables


def _shown(folder: Path, name: str) -> str:
    return name.removeprefix(f"{folder}/")
