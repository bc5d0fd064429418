"""The films that a command was given: files, or a study of an archive."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from patchclip.archive.dicomweb import Archive
from patchclip.archive.dicomweb import Film as ArchivedFilm
from patchclip.errors import DataError


@dataclass(frozen=True, slots=True)
class NamedFilm:
    """A film by the name that the user knows it by, fetched when its content is asked for."""

    name: str
    place: Path | ArchivedFilm
    archive: Archive | None

    def content(self) -> bytes | Path:
        """What `load_radiograph` takes: the path, or the bytes that the archive sent.

        Raises:
            ArchiveError: the archive does not send it.
        """
        if self.archive is not None and isinstance(self.place, ArchivedFilm):
            return self.archive.fetch(self.place)
        assert isinstance(self.place, Path)
        return self.place


class Films:
    """The films named on a command line, in order.

    Args:
        images: paths of files.
        url, study: a DICOMweb archive and the UID of a study in it; both or neither.

    Raises:
        DataError: nothing was named, or an archive without a study.
        ArchiveError: the archive cannot be reached, or has no such study.
    """

    def __init__(self, images: Sequence[str], url: str | None, study: str | None) -> None:
        if bool(url) != bool(study):
            raise DataError("--dicomweb and --study belong together; give both, or neither.")
        if not images and not url:
            raise DataError("No image was named; give files, or --dicomweb and --study.")
        self.archive = Archive(url) if url else None
        self._films = [NamedFilm(image, Path(image), None) for image in images]
        if self.archive and study:
            self._films += [
                NamedFilm(film.instance_uid, film, self.archive) for film in self.archive.find(study)
            ]

    def __iter__(self) -> Iterator[NamedFilm]:
        return iter(self._films)


def add_film_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags that name films."""
    parser.add_argument(
        "images",
        metavar="IMAGE",
        nargs="*",
        help="files with radiographs, folders, ZIP archives and DICOMDIRs",
    )
    parser.add_argument(
        "--dicomweb",
        metavar="URL",
        help="take the films from this DICOMweb archive; user and password may stand in the address, or a "
        "bearer token in the environment variable PATCHCLIP_DICOMWEB_TOKEN",
    )
    parser.add_argument("--study", metavar="UID", help="the study, with --dicomweb")


def add_window_argument(parser: argparse.ArgumentParser) -> None:
    """The flag that chooses a window of the header."""
    parser.add_argument(
        "--window",
        type=_window,
        metavar="N",
        help="window of the DICOM header: its number, from 0, its name or its explanation; -1 for an "
        "automatic one; by default the first that fits the pixels",
    )


def _window(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text
