"""Tables hold what was added, in row groups; embeddings stand in them as plain numbers."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from patchclip.batch.tables import EMBEDDINGS, ERRORS, ERRORS_SCHEMA, embeddings_schema
from patchclip.batch.writing import ROW_GROUP, Tables

WIDTH, PATCHES = 8, 16
SCHEMA = embeddings_schema(WIDTH, PATCHES, None, ["Effusion"])


def row(number: int) -> dict[str, Any]:
    """An image's embeddings, drawn."""
    random = np.random.default_rng(number)
    words = {field.name: None for field in SCHEMA} | {
        "image": f"{number}.png",
        "height": 100 + number,
        "read_on": date(2026, 1, 1),
        "warnings": ["seen"],
    }
    lengths = {"global": WIDTH, "pooled": WIDTH, "patches": PATCHES * WIDTH, "summary.Effusion": WIDTH + 1}
    return words | {name: random.random(length).astype(np.float16) for name, length in lengths.items()}


def test_embeddings_are_written_as_plain_numbers_and_words_with_a_dictionary(tmp_path: Path) -> None:
    rows = [row(number) for number in range(ROW_GROUP[EMBEDDINGS] + 2)]
    with Tables(tmp_path, {EMBEDDINGS: SCHEMA, ERRORS: ERRORS_SCHEMA}) as tables:
        for each in rows:
            tables.add(EMBEDDINGS, [each])
        tables.add(ERRORS, [{"image": "a", "file": "b", "kind": "error", "error": "c"}])

    file = pq.ParquetFile(tmp_path / f"{EMBEDDINGS}.parquet")
    assert [file.metadata.row_group(group).num_rows for group in (0, 1)] == [ROW_GROUP[EMBEDDINGS], 2]
    columns = [file.metadata.row_group(0).column(place) for place in range(file.metadata.num_columns)]
    encodings = {column.path_in_schema: (column.encodings, column.is_stats_set) for column in columns}
    for name in ("global", "pooled", "patches", "summary.Effusion"):
        kinds, told = encodings[f"{name}.list.element"]
        assert not any("DICTIONARY" in kind for kind in kinds) and not told, name
    assert "RLE_DICTIONARY" in encodings["image"][0] and encodings["height"][1]
    table = file.read()
    assert table.column("image").to_pylist() == [each["image"] for each in rows]
    for number, values in enumerate(table.column("patches").to_pylist()):
        np.testing.assert_array_equal(np.array(values, np.float16), rows[number]["patches"])
    errors = pq.ParquetFile(tmp_path / f"{ERRORS}.parquet")
    assert errors.read().to_pylist() == [{"image": "a", "file": "b", "kind": "error", "error": "c"}]
    assert all(errors.metadata.row_group(0).column(place).is_stats_set for place in range(4))


def test_what_fails_within_leaves_no_rows_of_the_last_group(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stop"), Tables(tmp_path, {EMBEDDINGS: SCHEMA}) as tables:
        tables.add(EMBEDDINGS, [row(1)])
        raise ValueError("stop")
    assert pq.read_table(tmp_path / f"{EMBEDDINGS}.parquet").num_rows == 0
    assert pa.types.is_fixed_size_list(
        pq.read_schema(tmp_path / f"{EMBEDDINGS}.parquet").field("patches").type
    )
