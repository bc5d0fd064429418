"""Decoded images in a file: for datasets that memory does not hold, and for runs that begin without decoding
again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from patchclip.errors import DataError
from patchclip.files import atomic

Squares = NDArray[np.uint8]
Facts = tuple[int, int, str]
"""Of one image: its height and width in pixels, and the SHA-256 of its pixels."""

FORMAT = 1  # to be raised with every change of how a file becomes a square


def kept_squares(
    folder: Path, files: Sequence[Path], size: int, decoded: Iterable[tuple[Squares, Facts] | None]
) -> tuple[Squares, list[Facts | None]]:
    """Squares of image files, decoded once and kept in `folder` until a file, their order or their size
    changes.

    Args:
        folder: made if it is not there. It gets an array of the pixels and a table of the facts, which name
            no file.
        files: the images.
        size: of a square, in pixels.
        decoded: square [size, size] and facts of each file in turn, None where it cannot be read; asked for
            nothing if all are kept.

    Returns:
        (uint8 [N, size, size], read from the disk whenever it is looked at; facts, None where a file could
        not be read).

    Raises:
        DataError: the folder cannot be written.
    """
    key = hashlib.sha256(repr((FORMAT, size, [_stamp(path) for path in files])).encode()).hexdigest()[:24]
    pixels, table = folder / f"{key}.npy", folder / f"{key}.json"
    if (stored := _read(pixels, table)) is not None:
        return stored
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic(pixels) as path:
            facts = _write(path, len(files), size, decoded)
        with atomic(table) as path:  # last: where there is a table, the pixels are whole
            path.write_text(json.dumps(facts), encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"Decoded images cannot be kept in {folder} ({error.strerror}); make room there, or give another "
            "--cache."
        ) from error
    return npy.open_memmap(pixels, mode="r"), facts


def _write(
    path: Path, count: int, size: int, decoded: Iterable[tuple[Squares, Facts] | None]
) -> list[Facts | None]:
    """One after another, and not through a memory map, which would end the process on a full disk."""
    facts: list[Facts | None] = []
    blank = bytes(size * size)
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size)}
        npy.write_array_header_1_0(file, header)
        for item in decoded:
            file.write(blank if item is None else np.ascontiguousarray(item[0]).tobytes())
            facts.append(None if item is None else item[1])
    return facts


def _stamp(path: Path) -> tuple[str, int, int]:
    """What changes when a file does."""
    status = path.stat() if path.is_file() else None
    return str(path.resolve()), status.st_size if status else 0, status.st_mtime_ns if status else 0


def _read(pixels: Path, table: Path) -> tuple[Squares, list[Facts | None]] | None:
    """None where nothing has been kept, or the disk has lost a part of it."""
    if not (pixels.is_file() and table.is_file()):
        return None
    try:
        rows = json.loads(table.read_text(encoding="utf-8"))
        return npy.open_memmap(pixels, mode="r"), [
            None if row is None else (row[0], row[1], row[2]) for row in rows
        ]
    except ValueError:  # to be decoded anew
        return None
