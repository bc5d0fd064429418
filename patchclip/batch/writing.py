"""A part's tables while they are written: row group by row group, so that memory does not grow with it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from patchclip.batch.tables import ANSWERS, EMBEDDINGS, ERRORS, table_of

ROW_GROUP = {ANSWERS: 2048, ERRORS: 2048, EMBEDDINGS: 4}
"""Rows. Few of the embeddings, since a search reads single images, of hundreds of KB each."""


class Tables:
    """A part's tables while they are written, one file a kind."""

    def __init__(self, folder: Path, schemas: dict[str, pa.Schema]) -> None:
        self._files = {kind: (folder / f"{kind}.parquet").open("wb") for kind in schemas}
        self._writers = {
            kind: pq.ParquetWriter(file, schemas[kind], compression="zstd", **_of_words(schemas[kind]))
            for kind, file in self._files.items()
        }
        self._rows: dict[str, list[dict[str, Any]]] = {kind: [] for kind in schemas}
        self._schemas = schemas

    def add(self, kind: str, rows: Sequence[dict[str, Any]]) -> None:
        """Adds rows; they are written a row group at a time."""
        self._rows[kind] += rows
        if len(self._rows[kind]) >= ROW_GROUP[kind]:
            self._write(kind)

    def __enter__(self) -> Tables:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for name, file in self._files.items():
            with file:
                if kind is None and self._rows[name]:
                    self._write(name)
                self._writers[name].close()
                file.flush()
                os.fsync(file.fileno())

    def _write(self, kind: str) -> None:
        rows, self._rows[kind] = self._rows[kind], []
        self._writers[kind].write_table(table_of(rows, self._schemas[kind]))


def _of_words(schema: pa.Schema) -> dict[str, list[str] | bool]:
    """Options of a writer: a dictionary of the numbers of an embedding, and their least and greatest, take
    most of the time and serve nobody."""
    words = [field.name for field in schema if not pa.types.is_fixed_size_list(field.type)]
    every = len(words) == len(schema)
    return {"use_dictionary": every or words, "write_statistics": every or words}
