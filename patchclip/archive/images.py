"""The images that a command was given: in files, folders, ZIP archives, discs and frames, or a PACS."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from patchclip.archive.films import NamedFilm
from patchclip.errors import PatchClipError
from patchclip.image import Radiograph, list_images, load_entry
from patchclip.image.containers import entry_file
from patchclip.image.listing import ImageEntry


@dataclass(frozen=True, slots=True)
class NamedImage:
    """One image by the name that the user knows it by, read in a worker process when it is asked for.

    Attributes:
        name: path of the file, path within its archive, "#2" for the second frame.
        entry: of the listing that it stands in; None where there is none.
        content: the bytes that were listed, if bytes were.
        error: why there is none.
    """

    name: str
    entry: ImageEntry | None = None
    content: bytes | None = None
    error: PatchClipError | None = None

    @property
    def frame(self) -> int | None:
        """From 0; None where there is one alone."""
        return self._listed().frame

    def load(self, window: int | str | None = None) -> Radiograph:
        """The image; `window` as of `patchclip.load_radiograph`.

        Raises:
            PatchClipError: it cannot be fetched, or read as a radiograph.
        """
        return load_entry(self._listed(), self.content, window=window, isolated=True)

    def file(self) -> bytes:
        """The file that it is in, unpacked.

        Raises:
            PatchClipError: as of `load`.
        """
        return entry_file(self._listed(), self.content, isolated=True)

    def _listed(self) -> ImageEntry:
        if self.entry is None:
            assert self.error is not None
            raise self.error
        return self.entry


def images_of(films: Iterable[NamedFilm]) -> Iterator[NamedImage]:
    """The images in films, in order; what is none is told on standard error.

    An error of a film as a whole is left to the loading of its only image.
    """
    for film in films:
        try:
            content = film.content()
            listing = list_images(film.name if isinstance(content, Path) else content, isolated=True)
        except PatchClipError as error:
            yield NamedImage(film.name, error=error)
            continue
        for item in listing.left_out:
            print(f"{item.name or film.name}: left out. {item.reason}", file=sys.stderr)
        for entry in listing.entries:
            if isinstance(content, Path):
                yield NamedImage(entry.name, entry)
            else:
                yield NamedImage(f"{film.name}{entry.name}", entry, content)
