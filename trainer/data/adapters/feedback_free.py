"""Judgements of the free reading: tables prediction, feedback, box and, of later versions, outline."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from patchclip.data.findings import label_of
from patchclip.data.tables import clipped
from patchclip.errors import DataError
from trainer.data.adapters.feedback_database import (
    Judgement,
    Tables,
    boxes_in,
    by_verdict,
    image_of,
    no_database,
    pixel_box,
    record_in,
)
from trainer.data.sample import Shape
from trainer.data.tables import TOLERANCE

TABLES = ("prediction", "feedback", "box")
JUDGEMENTS = """
    SELECT feedback.id, reader, presence, image_sha256, image_height, image_width, finding, side,
           parameters, created_at, {location} AS location, {threshold} AS threshold
    FROM feedback JOIN prediction ON feedback.prediction_id = prediction.id
    {current}
    ORDER BY feedback.created_at, feedback.id
"""
CURRENT = "feedback.id NOT IN (SELECT supersedes_id FROM feedback WHERE supersedes_id IS NOT NULL)"
STANDING = "NOT withdrawn"
BOXES = "SELECT feedback_id, x, y, w, h FROM box ORDER BY id"
OUTLINES = "SELECT feedback_id, kind, points FROM outline ORDER BY id"
RIGHT = "right"  # what older databases call a correct map


def free_judgements(tables: Tables, database: Path, labels: frozenset[str]) -> list[Judgement]:
    """In the order in which they were saved.

    Raises:
        DataError: the database is not one of the app, or a cell of it is not what the app writes.
    """
    missing = [name for name in TABLES if not tables.has(name)]
    if missing:
        raise no_database(database, f"no table {missing[0]}")
    columns = tables.columns("feedback")
    # Older databases know no revisions, or no withdrawals.
    known = [("supersedes_id", CURRENT), ("withdrawn", STANDING)]
    conditions = [condition for column, condition in known if column in columns]
    statement = JUDGEMENTS.format(
        location="location" if "location" in columns else "NULL",
        threshold="threshold" if "threshold" in tables.columns("prediction") else "NULL",
        current=f"WHERE {' AND '.join(conditions)}" if conditions else "",
    )
    boxes: dict[object, list[tuple[object, ...]]] = defaultdict(list)
    for row in tables.rows(BOXES):
        number, *values = row.values()
        boxes[number].append(tuple(values))
    outlines: dict[object, list[tuple[object, object]]] = defaultdict(list)
    for row in tables.rows(OUTLINES) if tables.has("outline") else ():
        outlines[row["feedback_id"]].append((row["kind"], row["points"]))
    return [
        _judgement(
            row,
            boxes[row["id"]],
            outlines[row["id"]],
            labels,
            f"{database}, feedback {clipped(str(row['id']))}",
        )
        for row in tables.rows(statement)
    ]


def _judgement(
    row: Mapping[str, Any],
    boxes: Sequence[tuple[object, ...]],
    outlines: Sequence[tuple[object, object]],
    labels: frozenset[str],
    where: str,
) -> Judgement:
    """One row, checked cell by cell."""
    size = image_of(row, ("reader", "finding"), where)
    if row["side"] not in (None, "", "left", "right"):
        raise DataError(f"{where}: side is neither left nor right; correct the row.")
    parameters = record_in(row["parameters"], "parameters", where)
    label = label_of(row["finding"], labels) or ""
    # A point tells that there is more, nobody knows how far.
    polygons = [_polygon(label, points, size, where) for kind, points in outlines if kind == "polygon"]
    drawn = (*(pixel_box(label, box, size, where) for box in boxes), *polygons)
    shapes, denied = by_verdict(
        row["presence"],
        drawn,
        None if outlines else _verdict(row, parameters),
        lambda: boxes_in(parameters.get("regions", []), label, size, where),
    )
    return Judgement(
        image=row["image_sha256"],
        finding=row["finding"],
        limited=bool(row["side"]) or bool(parameters.get("place")),
        reader=row["reader"],
        presence=row["presence"],
        when=str(row["created_at"]),
        shapes=shapes if len(polygons) == len(outlines) else (),
        denied=denied,
    )


def _verdict(row: Mapping[str, Any], parameters: Mapping[str, Any]) -> object:
    """On the map as the model lit it; None where the reader saw none, or one at a threshold of their own, for
    nobody knows what was lit there."""
    display = parameters.get("display")
    shown_at = display.get("threshold") if isinstance(display, dict) else None
    if not parameters.get("map_shown") or shown_at not in (None, row["threshold"]):
        return None
    return "correct" if row["location"] == RIGHT else row["location"]


def _polygon(label: str, points: object, size: tuple[float, float], where: str) -> Shape:
    """Of JSON [[x, y], ...] in pixels."""
    try:
        corners = [(float(x), float(y)) for x, y in json.loads(points if isinstance(points, str) else "")]
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(
            f"{where}: a polygon must be a list of corners, each of two numbers; remove it."
        ) from error
    shares = [(x / size[0], y / size[1]) for x, y in corners]
    if len(shares) < 3 or not all(
        -TOLERANCE <= share <= 1 + TOLERANCE for corner in shares for share in corner
    ):
        raise DataError(f"{where}: a polygon lies outside its image or has no area; correct or remove it.")
    return Shape(label, tuple((min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)) for x, y in shares))
