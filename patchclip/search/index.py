"""What a search scans: a finding's image embeddings in one file, beside the facts that filters ask for.

    OUT/index/facts.bin, OUT/index/vectors-N.bin   rows of all parts, one part after the other
    OUT/index/*.json                               which parts are in a file, in their order, of which table

Both follow from the tables and are made of them when they are first needed; new parts are added at the end. A
part keeps its name when it is made again (`--retry`), so a table that has changed makes them anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock
from numpy.typing import NDArray

from patchclip.batch.output import Output
from patchclip.batch.tables import EMBEDDINGS, summary_column
from patchclip.data.tables import read_json
from patchclip.errors import DataError
from patchclip.files import atomic
from patchclip.search.rows import stamp, unreadable

FOLDER, FORMAT = "index", 2
FACTS = np.dtype([("part", "<u4"), ("row", "<u4"), ("day", "<i4"), ("view", "S16")])
"""`part`: place in the order of `Index.parts`; `row` in its table; `day` since 1970-01-01; `view` as in
DICOM."""


@dataclass(frozen=True, slots=True)
class Index:
    """The images of an archive and one finding's embedding of each, in the same order.

    Attributes:
        parts: names.
        facts: [N] of `FACTS`.
        vectors: float16 [N, D + 1], see `patchclip.batch.summaries`; on the disk until it is read.
    """

    parts: tuple[str, ...]
    facts: NDArray[np.void]
    vectors: NDArray[np.float16]


def read_index(output: Output, label: str, width: int, model_sha256: str) -> Index:
    """The index for a finding, with all parts that are done.

    Args:
        output: folder of a batch that stored embeddings.
        label: of the finding.
        width: D + 1.
        model_sha256: of the model that made the embeddings.

    Raises:
        DataError: a table is missing, damaged or of another model, or the index cannot be written.
    """
    folder = output.folder / FOLDER
    done = {name: _Part(name, stamp(output, name)) for name in output.part_names()}
    column, vector = summary_column(label), np.dtype((np.float16, width))
    try:
        folder.mkdir(exist_ok=True)
        with FileLock(folder / ".lock"):
            facts_file = _File(folder, "facts", FACTS)
            before = [part.name for part in facts_file.parts() if part.name in done]
            order = [done[name] for name in (*before, *sorted(set(done) - set(before)))]
            facts = facts_file.brought_to(
                order, _reader(output, lambda part, number: _facts(part, number, model_sha256))
            )
            values = _File(folder, f"vectors-{_safe(label)}", vector).brought_to(
                order, _reader(output, lambda part, number: _vectors(part, column, width))
            )
    except OSError as error:
        raise DataError(
            f"The index in {folder} cannot be written ({error.strerror}); give write access to it."
        ) from error
    if len(facts.values) != len(values.values):
        raise DataError(f"{folder} is damaged; remove it, and it is made anew.")
    return Index(tuple(part.name for part in facts.parts), facts.values, values.values)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part, and a stamp that its table has as long as it is not made again."""

    name: str
    stamp: str


@dataclass(frozen=True, slots=True)
class _Content:
    parts: tuple[_Part, ...]
    values: NDArray[Any]


class _File:
    """Rows of one type, part after part; its JSON, written last, says which of them count."""

    def __init__(self, folder: Path, name: str, kind: np.dtype[Any]) -> None:
        self._data, self._state, self._kind = folder / f"{name}.bin", folder / f"{name}.json", kind

    def parts(self) -> list[_Part]:
        """Those that are in it, in their order."""
        return self._read_state()[0]

    def brought_to(self, order: list[_Part], read: Callable[[str, int], NDArray[Any]]) -> _Content:
        """The rows of all parts in that order; reads those that are not there yet."""
        parts, rows = self._read_state()
        if parts != order[: len(parts)]:  # a part was made anew, or they stand in another order
            parts, rows = [], 0
        new = order[len(parts) :]
        if new:
            if not rows:  # a new file: another search may still read the one before
                self._data.unlink(missing_ok=True)
            with self._data.open("r+b" if rows else "wb") as file:
                file.seek(rows * self._kind.itemsize)
                for part in new:
                    block = read(part.name, len(parts))
                    file.write(block.tobytes())
                    parts, rows = [*parts, part], rows + len(block)
            with atomic(self._state) as place:
                listed = [[part.name, part.stamp] for part in parts]
                state = {"format": FORMAT, "parts": listed, "rows": rows}
                place.write_text(json.dumps(state), encoding="utf-8")
        if rows == 0:
            return _Content(tuple(parts), np.empty(0, self._kind))
        return _Content(
            tuple(parts), np.memmap(self._data, self._kind.base, "r", shape=(rows, *self._kind.shape))
        )

    def _read_state(self) -> tuple[list[_Part], int]:
        """Parts and rows; none of a file that another version wrote."""
        if not self._state.is_file():
            return [], 0
        state = read_json(self._state, dict)
        if state.get("format") != FORMAT:
            return [], 0
        try:
            return [_Part(str(name), str(stamp)) for name, stamp in state["parts"]], int(state["rows"])
        except (KeyError, TypeError, ValueError):
            raise DataError(f"{self._state} is damaged; remove it, and it is made anew.") from None


def _reader(
    output: Output, columns: Callable[[pq.ParquetFile, int], NDArray[Any]]
) -> Callable[[str, int], NDArray[Any]]:
    def read(part: str, number: int) -> NDArray[Any]:
        path = output.path(part, EMBEDDINGS)
        try:
            with pq.ParquetFile(path) as table:
                return columns(table, number)
        except (OSError, KeyError, pa.ArrowException) as error:
            raise unreadable(path, error) from error

    return read


def _facts(table: pq.ParquetFile, number: int, model_sha256: str) -> NDArray[Any]:
    read = table.read(["read_on", "view", "model"], use_threads=False)
    if any(model != model_sha256 for model in read["model"].unique().to_pylist()):
        raise DataError(
            "A table of embeddings is of another model than its folder; take it away, or run the batch anew."
        )
    facts = np.zeros(read.num_rows, FACTS)
    facts["part"], facts["row"] = number, np.arange(read.num_rows)
    facts["day"] = read["read_on"].cast(pa.int32()).to_numpy()
    facts["view"] = [(view or "").encode("ascii") for view in read["view"].to_pylist()]
    return facts


def _vectors(table: pq.ParquetFile, column: str, width: int) -> NDArray[Any]:
    read = table.read([column], use_threads=False)
    values = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in read[column].chunks]
    flat = np.concatenate(values) if values else np.empty(0, np.float16)
    return np.asarray(flat, np.float16).reshape(-1, width)


def _safe(label: str) -> str:
    """A label as part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower())
