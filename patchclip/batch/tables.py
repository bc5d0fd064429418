"""The tables of an output folder: their columns, and one image's rows in each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from patchclip.batch.stored import half
from patchclip.batch.units import Fault
from patchclip.encoded import Encoded
from patchclip.execution import Computation
from patchclip.types import Answer, FloatArray, PatchMap

ANSWERS, ERRORS, EMBEDDINGS = "answers", "errors", "embeddings"

REGION = pa.struct(
    [
        *((name, pa.float64()) for name in ("x", "y", "w", "h", "score")),
        ("peak", pa.list_(pa.float64())),
    ]
)
"""In original image pixels, as `predict` prints it."""
MAP = pa.struct(
    [
        *((name, pa.int32()) for name in ("rows", "cols")),
        ("extent", pa.list_(pa.float64())),
        ("values", pa.list_(pa.float32())),
    ]
)
"""`values` row by row."""


def answers_schema(*, maps: bool) -> pa.Schema:
    """One row per image and answer."""
    columns = [
        ("image", pa.string()),
        ("sha256", pa.string()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("view", pa.string()),
        ("read_on", pa.date32()),
        ("query", pa.string()),
        ("span", pa.string()),
        ("finding", pa.string()),
        ("negated", pa.bool_()),
        ("assertion", pa.string()),
        ("side", pa.string()),
        ("place", pa.string()),
        ("in_vocabulary", pa.bool_()),
        ("probability", pa.float64()),
        ("image_threshold", pa.float64()),
        ("threshold", pa.float64()),
        ("regions", pa.list_(REGION)),
        ("warnings", pa.list_(pa.string())),
        ("image_warnings", pa.list_(pa.string())),
        ("model", pa.string()),
        ("backend", pa.string()),
        ("precision", pa.string()),
        ("mirror", pa.bool_()),
        ("input_size", pa.int32()),
        ("device", pa.string()),
    ]
    return pa.schema(columns + ([("map", MAP)] if maps else []))


ERRORS_SCHEMA = pa.schema(
    [("image", pa.string()), ("file", pa.string()), ("kind", pa.string()), ("error", pa.string())]
)
"""`kind`: "error", "left out" of a file that is no image, "unforeseen" of an error in Patch-CLIP."""


def embeddings_schema(width: int, patches: int, token_width: int | None, labels: Sequence[str]) -> pa.Schema:
    """One row per image.

    Args:
        width: D of the joint space.
        patches: P.
        token_width: of the tokens, where they are kept, else None.
        labels: findings, each with a column `summary.LABEL`; see `patchclip.batch.summaries`.
    """

    def vector(length: int) -> pa.DataType:
        return pa.list_(pa.float16(), length)

    columns = [
        ("image", pa.string()),
        ("file", pa.string()),
        ("sha256", pa.string()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("view", pa.string()),
        ("read_on", pa.date32()),
        ("patient_left", pa.string()),
        ("sides_told", pa.bool_()),
        ("warnings", pa.list_(pa.string())),
        ("model", pa.string()),
        ("rows", pa.int32()),
        ("cols", pa.int32()),
        ("token_width", pa.int32()),
        ("thorax", pa.list_(pa.float64())),
        ("global", vector(width)),
        ("pooled", vector(width)),
        ("patches", vector(patches * width)),
        *((summary_column(label), vector(width + 1)) for label in labels),
    ]
    return pa.schema(columns + ([("tokens", vector(patches * token_width))] if token_width else []))


def summary_column(label: str) -> str:
    """The column of a finding's image embedding."""
    return f"summary.{label}"


def answer_row(
    image: str,
    encoded: Encoded,
    answer: Answer,
    model: str,
    computation: Computation,
    read_on: date,
    *,
    maps: bool,
) -> dict[str, Any]:
    """A row of `answers_schema`."""
    row = {
        "image": image,
        "sha256": encoded.radiograph_sha256,
        "height": encoded.size[0],
        "width": encoded.size[1],
        "view": encoded.facts.view,
        "read_on": read_on,
        "query": answer.query,
        "span": answer.span,
        "finding": answer.finding,
        "negated": answer.negated,
        "assertion": answer.assertion,
        "side": answer.laterality,
        "place": answer.place.words if answer.place else None,
        "in_vocabulary": answer.in_vocabulary,
        "probability": answer.probability,
        "image_threshold": answer.operating_point.threshold if answer.operating_point else None,
        "threshold": answer.threshold,
        "regions": [
            {"x": item.x, "y": item.y, "w": item.w, "h": item.h, "score": item.score, "peak": list(item.peak)}
            for item in answer.regions
        ],
        "warnings": list(answer.warnings),
        "image_warnings": list(encoded.warnings),
        "model": model,
        **computation.to_dict(),
    }
    return row | ({"map": _map(answer.map)} if maps else {})


def error_row(image: str, file: str, fault: Fault) -> dict[str, Any]:
    """A row of `ERRORS_SCHEMA`."""
    return {"image": image, "file": file, "kind": fault.kind, "error": fault.reason}


def table_of(rows: Sequence[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows as a table; arrays stay arrays."""
    columns = []
    for field in schema:
        values = [row[field.name] for row in rows]
        if pa.types.is_fixed_size_list(field.type):
            flat = np.concatenate(values) if values else np.empty(0, np.float16)
            columns.append(pa.FixedSizeListArray.from_arrays(pa.array(flat), type=field.type))
        else:
            columns.append(pa.array(values, field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def summary_values(vectors: dict[str, FloatArray]) -> dict[str, NDArray[np.float16]]:
    """Columns of the summaries."""
    return {summary_column(label): half(vector) for label, vector in vectors.items()}


def _map(patch_map: PatchMap) -> dict[str, Any]:
    rows, cols = patch_map.values.shape
    return {
        "rows": rows,
        "cols": cols,
        "extent": list(patch_map.extent),
        "values": patch_map.values.reshape(-1),
    }
