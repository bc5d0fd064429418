"""Arrays of numbers in an .npz file, which somebody else wrote: sizes are checked before anything is
unpacked."""

from __future__ import annotations

import hashlib
import math
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from patchclip.data.tables import clipped
from patchclip.errors import DataError

LARGEST = 2**24
"""Values of one array: a map of 4096 x 4096."""
LARGEST_TOTAL = 2**30
"""Values of all arrays of a file; as float32 they take 4 GiB."""
HINT = "give an .npz of arrays named IMAGE/LABEL/map, /extent and /probability"
_SUFFIX = ".npy"
_DAMAGED = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)


@dataclass(frozen=True, slots=True)
class _Header:
    """shape and dtype of an array, and where its values begin in the member of the archive."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    offset: int


class ArrayFile:
    """An .npz file whose arrays are read one by one, as they are asked for."""

    def __init__(self, path: Path) -> None:
        """Reads the directory and the header of every array.

        Raises:
            DataError: missing, no .npz file, or with an array that is not of numbers, is damaged, or is too
                large.
        """
        self.path = path
        try:
            with path.open("rb") as file:
                self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            self._archive = zipfile.ZipFile(path)
        except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
            raise DataError(f"The map file {clipped(path.name)} cannot be read; {HINT}.") from error
        members = [item for item in self._archive.infolist() if item.filename.endswith(_SUFFIX)]
        self._members = {item.filename.removesuffix(_SUFFIX): item for item in members}
        if len(self._members) < len(members):
            raise DataError(f"The map file {path.name} has two arrays of one name; write each once.")
        total = sum(self._check(name) for name in self._members)
        if total > LARGEST_TOTAL:
            raise DataError(
                f"The map file {path.name} holds {total:,} values, and {LARGEST_TOTAL:,} are the "
                "most; give smaller maps, or the images in parts."
            )

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def read(self, name: str) -> NDArray[np.generic]:
        """One array.

        Raises:
            DataError: it is damaged.
        """
        try:
            with self._archive.open(self._members[name]) as member:
                array: NDArray[np.generic] = npy.read_array(member, allow_pickle=False)
        except _DAMAGED as error:
            raise self._damaged(name) from error
        return array

    def _check(self, name: str) -> int:
        """How many values an array holds, by its header; the header must agree with the directory."""
        member = self._members[name]
        # Other ways of packing need much memory for little data, and numpy writes none.
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or member.flag_bits & 1:
            raise self._damaged(name)
        try:
            with self._archive.open(member) as file:
                header = _read_header(file)
        except (*_DAMAGED, TypeError, SyntaxError, RecursionError, MemoryError) as error:
            raise self._damaged(name) from error
        if header.dtype.kind not in "biuf":
            raise DataError(f"{clipped(name)} in the map file is no array of numbers; correct the file.")
        values = math.prod(header.shape)
        if values > LARGEST:
            raise DataError(
                f"{clipped(name)} in the map file has {values:,} values, and {LARGEST:,} are the most; give "
                "a smaller map."
            )
        if member.file_size != header.offset + values * header.dtype.itemsize:
            raise self._damaged(name)
        return values

    def _damaged(self, name: str) -> DataError:
        return DataError(
            f"{clipped(name)} in the map file {self.path.name} is damaged; write the file again."
        )


def _read_header(file: IO[bytes]) -> _Header:
    """Of an array in numpy's own format (NEP 1), versions 1 and 2.

    Raises:
        ValueError: it is of another, or malformed.
    """
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    version = npy.read_magic(file)
    if version not in readers:
        raise ValueError("unknown version")
    shape, _, dtype = readers[version](file)
    if any(size < 0 for size in shape):
        raise ValueError("negative size")
    return _Header(shape, dtype, file.tell())
