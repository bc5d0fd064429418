"""The image files of a dataset folder: each name in a table leads to one file below images/, or to none, and
never out of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from patchclip.data.tables import clipped, is_file
from patchclip.errors import DataError

LONGEST = 255  # bytes of a file name, on every usual file system


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image that a table names.

    Attributes:
        name: relative to images/, as the file is called; as the table writes it, without a leading "images/",
            where there is none.
        path: of the file.
        exists: whether it is there.
        renamed: whether the table writes another name than the file's.
    """

    name: str
    path: Path
    exists: bool
    renamed: bool


class ImageFiles:
    """Finds images by the names that tables give them."""

    def __init__(self, folder: Path) -> None:
        """folder: images/ of a dataset folder, itself a link or not."""
        self.folder = folder
        self._root = os.path.realpath(folder)
        self._listings: dict[Path, dict[str, list[str]]] = {}

    def find(self, written: str, where: str) -> ImageFile:
        """The file of a name, with "images/" before it or not; in another case where only one file can be
        meant.

        Raises:
            DataError: the name leaves the folder, is no file name, or fits several files; says so of `where`.
        """
        parts = self._parts(written, where)
        for candidate in (parts, parts[1:] if parts[0].casefold() == "images" else ()):
            if not candidate:
                continue
            path = self.folder.joinpath(*candidate)
            if is_file(path):
                self._check_inside(path, where)
                return ImageFile("/".join(candidate), path, True, "/".join(candidate) != written)
        plain = parts[1:] if len(parts) > 1 and parts[0].casefold() == "images" else parts
        parent, name = self.folder.joinpath(*plain[:-1]), plain[-1]
        alike = [item for item in self._names(parent).get(name.casefold(), ()) if is_file(parent / item)]
        if len(alike) > 1:
            raise DataError(
                f'{where}: the image "{clipped(written)}" may be {" or ".join(alike)}; write it as '
                "the file is called."
            )
        if alike:
            self._check_inside(parent / alike[0], where)
            return ImageFile("/".join((*plain[:-1], alike[0])), parent / alike[0], True, True)
        return ImageFile("/".join(plain), self.folder.joinpath(*plain), False, len(plain) != len(parts))

    def _parts(self, written: str, where: str) -> tuple[str, ...]:
        """Of a relative path below the folder, with either slash."""
        windows = PureWindowsPath(written)
        if written.startswith(("/", "\\")) or windows.drive or ".." in windows.parts:
            raise DataError(
                f'{where}: the image "{clipped(written)}" lies outside the folder; write its path below '
                "images/."
            )
        parts = PurePosixPath(written).parts
        if len(parts) == 1 and not is_file(self.folder / written):
            parts = windows.parts
        if (
            not parts
            or "\0" in written
            or any(len(part.encode("utf-8", "replace")) > LONGEST for part in parts)
        ):
            raise DataError(
                f'{where}: the image "{clipped(written)}" is no file name; write its path below images/.'
            )
        return parts

    def _check_inside(self, path: Path, where: str) -> None:
        """A link may lead to anybody's file."""
        if not os.path.realpath(path).startswith(self._root + os.sep):
            raise DataError(
                f"{where}: the image {clipped(path.name)} is a link out of the folder; put the file itself "
                "below images/."
            )

    def _names(self, folder: Path) -> dict[str, list[str]]:
        """Names in a folder by what they are without regard to case."""
        if folder not in self._listings:
            names: dict[str, list[str]] = {}
            try:
                listed = sorted(path.name for path in folder.iterdir())
            except OSError:
                listed = []
            for name in listed:
                names.setdefault(name.casefold(), []).append(name)
            self._listings[folder] = names
        return self._listings[folder]
