"""Single images of the embeddings' tables, read by row group."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from patchclip.batch.output import Output
from patchclip.batch.tables import EMBEDDINGS, summary_column
from patchclip.errors import DataError

OPEN = 64
"""Tables that stay open."""


class StoredRows:
    """Reads rows as `patchclip.batch.stored.restored` takes them. For one thread at a time."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._tables: OrderedDict[tuple[str, str], pq.ParquetFile] = OrderedDict()

    def row(self, part: str, number: int) -> dict[str, Any]:
        """A row of a part's embeddings, without the summaries; embeddings as flat arrays.

        Raises:
            DataError: the table is missing or damaged.
        """
        path = self._output.path(part, EMBEDDINGS)
        try:
            table = self._table(part)
            group = 0
            while number >= (length := table.metadata.row_group(group).num_rows):
                number, group = number - length, group + 1
            names = [name for name in table.schema_arrow.names if not name.startswith(summary_column(""))]
            read = table.read_row_group(group, names, use_threads=False)
        except (OSError, pa.ArrowException, IndexError) as error:
            raise unreadable(path, error) from error
        return {name: _value(read[name].slice(number, 1)) for name in names}

    def close(self) -> None:
        """Closes the tables."""
        while self._tables:
            self._tables.popitem()[1].close()

    def _table(self, part: str) -> pq.ParquetFile:
        """A part's table; one that was made again meanwhile is opened anew."""
        key = part, stamp(self._output, part)
        if key not in self._tables:
            self._tables[key] = pq.ParquetFile(self._output.path(part, EMBEDDINGS))
            if len(self._tables) > OPEN:
                self._tables.popitem(last=False)[1].close()
        self._tables.move_to_end(key)
        return self._tables[key]


def stamp(output: Output, part: str) -> str:
    """What a part's table of embeddings has in common with no other that takes its place.

    Raises:
        DataError: there is none.
    """
    path = output.path(part, EMBEDDINGS)
    try:
        facts = path.stat()
    except OSError as error:
        raise unreadable(path, error) from error
    return f"{facts.st_size}-{facts.st_mtime_ns}"


def unreadable(path: Path, error: Exception) -> DataError:
    """Of a table."""
    return DataError(
        f"{path} cannot be read ({type(error).__name__}); run the batch with --retry, or restore it."
    )


def _value(column: pa.ChunkedArray) -> Any:
    """Of a column of one row."""
    if pa.types.is_fixed_size_list(column.type):
        return np.asarray(column.chunk(0).flatten().to_numpy(zero_copy_only=False))
    return column[0].as_py()
