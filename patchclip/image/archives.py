"""ZIP and gzip, read in memory and within limits: nothing is ever unpacked to disk."""

from __future__ import annotations

import gzip
import io
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from patchclip.errors import RadiographError
from patchclip.image.limits import MOST_INFLATED

ZIP, GZIP = (b"PK\x03\x04", b"PK\x05\x06"), b"\x1f\x8b"
MOST_MEMBERS = 5000
MOST_UNPACKED = 4 * 2**30
"""Bytes of all members of an archive together, by its own table."""

DAMAGE = (
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    struct.error,
    ArithmeticError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What a damaged archive makes of the standard library."""


@contextmanager
def open_zip(source: str | bytes) -> Iterator[zipfile.ZipFile]:
    """An archive whose table has been looked at.

    Raises:
        RadiographError: damaged, encrypted, too large, of too many members, or of one whose name leads out.
    """
    with _told("The ZIP archive is damaged or cut short; export it again."):
        archive = zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)
    with archive:
        _check(archive.infolist())
        yield archive


def members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files in an archive, by name; folders, links and the file system's own notes are none."""
    return sorted(
        (
            info
            for info in archive.infolist()
            if not info.is_dir()
            and stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG)
            and not is_hidden(info.filename)
        ),
        key=lambda info: info.filename,
    )


def is_hidden(name: str) -> bool:
    """Whether a path holds a hidden file or folder, or the notes that macOS puts into archives."""
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def read_member(
    archive: zipfile.ZipFile,
    name: str,
) -> bytes:
    """A member's bytes.

    Raises:
        RadiographError: there is none of this name, it is damaged, or larger than `MOST_INFLATED`.
    """
    with (
        _told("The file in the ZIP archive is damaged or not there; export the archive again."),
        archive.open(name) as member,
    ):
        content = member.read(MOST_INFLATED + 1)
    return _within(content)


def first_bytes(archive: zipfile.ZipFile, info: zipfile.ZipInfo, count: int) -> bytes:
    """The beginning of a member.

    Raises:
        RadiographError: it is damaged.
    """
    with (
        _told("The file in the ZIP archive is damaged; export the archive again."),
        archive.open(info) as member,
    ):
        return member.read(count)


def gunzipped(content: bytes) -> bytes:
    """What a gzip file holds.

    Raises:
        RadiographError: damaged, or larger than `MOST_INFLATED`.
    """
    with (
        _told("The gzip file is damaged or cut short; export it again."),
        gzip.GzipFile(fileobj=io.BytesIO(content)) as file,
    ):
        inflated = file.read(MOST_INFLATED + 1)
    return _within(inflated)


def gunzipped_head(source: Path | bytes, count: int) -> bytes:
    """The beginning of what a gzip file holds.

    Raises:
        RadiographError: damaged.
    """
    with (
        _told("The gzip file is damaged or cut short; export it again."),
        gzip.open(io.BytesIO(source) if isinstance(source, bytes) else source) as file,
    ):
        return file.read(count)


def _within(content: bytes) -> bytes:
    if len(content) > MOST_INFLATED:
        raise RadiographError(
            f"The file grows beyond {MOST_INFLATED // 2**20} MB when it is unpacked, as no radiograph does; "
            "open the radiograph itself."
        )
    return content


def _check(infos: list[zipfile.ZipInfo]) -> None:
    """Refuses what an archive's table tells of no good."""
    if len(infos) > MOST_MEMBERS:
        raise RadiographError(
            f"The ZIP archive holds {len(infos)} files, more than {MOST_MEMBERS}; unpack it and open a part."
        )
    if sum(info.file_size for info in infos) > MOST_UNPACKED:
        raise RadiographError(
            f"The ZIP archive would unpack to more than {MOST_UNPACKED // 2**30} GB; open a part of it."
        )
    for info in infos:
        path = PureWindowsPath(info.filename)  # knows both kinds of slashes, and drives
        if path.is_absolute() or path.drive or path.root or ".." in path.parts:
            raise RadiographError(
                "The ZIP archive holds a file whose name leads out of it, which is made to do harm; "
                "export the images again."
            )
        if info.flag_bits & 1:
            raise RadiographError(
                "The ZIP archive is encrypted; unpack it with its password and open the images."
            )


@contextmanager
def _told(words: str) -> Iterator[None]:
    """Around the standard library's readers, whose errors become this sentence; their own may quote names."""
    try:
        yield
    except DAMAGE:
        raise RadiographError(words) from None
