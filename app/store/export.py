"""Feedback as files: JSON, and CSV of which no cell is run by a spreadsheet program."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from patchclip.export.cells import plain_cell

NOTICE = "research use only, not for clinical use"
COLUMNS = tuple(
    "id reading revision supersedes current withdrawn created_at reader image_sha256 image_height "
    "image_width model_name model_sha256 execution asked query finding negated side in_vocabulary "
    "query_probability finding_probability threshold presence confidence location comment boxes outlines "
    "seconds map_shown saliency_shown zoom parameters".split()
)


def as_json(rows: Sequence[dict[str, Any]]) -> str:
    """All rows with a notice."""
    return json.dumps({"notice": NOTICE, "feedback": rows}, indent=2, ensure_ascii=False) + "\n"


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """One record per judgement (RFC 4180: a line end inside a cell is quoted); lists in cells are JSON."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in COLUMNS])
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return plain_cell(value) if isinstance(value, str) else value
