"""Adapter for the app's feedback database: readers' judgements in SQLite, and a folder with the images that
they judged.

Tables prediction, feedback and box. The database knows an image only by the hash of its pixels, so every file
of the folder is decoded and hashed once. Nothing that the file says is believed: it may come from anywhere.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchclip.data.findings import label_of
from patchclip.data.tables import clipped, is_file, shorter
from patchclip.errors import DataError, RadiographError
from patchclip.image import load_radiograph
from trainer.data.contents import Collector, Contents
from trainer.data.sample import Shape, State
from trainer.data.tables import TOLERANCE, corner_box, own_split

TABLES = ("prediction", "feedback", "box")
JUDGEMENTS = """
    SELECT feedback.id, reader, presence, image_sha256, image_height, image_width, finding, side,
           parameters
    FROM feedback JOIN prediction ON feedback.prediction_id = prediction.id
    {current}
    ORDER BY feedback.created_at, feedback.id
"""
CURRENT = "feedback.id NOT IN (SELECT supersedes_id FROM feedback WHERE supersedes_id IS NOT NULL)"
STANDING = "NOT withdrawn"
BOXES = "SELECT feedback_id, x, y, w, h FROM box ORDER BY id"
OUTLINES = "SELECT feedback_id, kind, points FROM outline ORDER BY id"  # later databases have it
STATES = {"present": State.PRESENT, "absent": State.ABSENT}
LONGEST_CELL = 2**20  # bytes; the longest that is asked for has 500 letters
SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class _Judgement:
    """One row of feedback with the prediction that was judged; `limited`: to a side or another
    place; `shapes`: what the reader drew."""

    image: str
    finding: str
    limited: bool
    reader: str
    presence: str
    shapes: tuple[Shape, ...]


def read_feedback(database: Path, images: Path, split: str, *, labels: frozenset[str]) -> Contents:
    """Reads all judgements, as split "train".

    A judgement that was revised counts as its last revision says, and of one reader's judgements of a finding
    on an image the last. "Unsure" says nothing, nor does "absent" of a side or another place; where readers
    disagree the finding is unknown. Boxes and polygons are kept of readers who see the finding, unless a
    point of theirs tells that it is elsewhere too, nobody knows how far. Patients are not known.

    Raises:
        DataError: the database is missing, not one of the app, or holds a box outside its image; names file
            and row.
    """
    own_split(split, ("train",), database)
    if not images.is_dir():
        raise DataError(f"{images} is no folder; name the one with the images that were judged.")
    collector = Collector("feedback", labels)
    last: dict[str, dict[tuple[str, str], _Judgement]] = defaultdict(dict)
    foreign = 0
    for item in _judgements(database, labels):
        label = label_of(item.finding, labels)
        if label is None:
            foreign += 1  # the words are a reader's own and are not repeated
        elif not (item.limited and item.presence == "absent"):
            last[item.image][label, item.reader] = item
    files = _hashes(images) if last else {}
    for image, judgements in last.items():
        if image in files:
            _add(collector, files[image], judgements)
        else:
            collector.leave_out(f"image {image[:12]}: {images.name} has no file with these pixels")
    collector.leave_out_some(foreign, "judgements of findings that the vocabulary does not have")
    return collector.contents(database, split)


def _add(collector: Collector, file: Path, judgements: Mapping[tuple[str, str], _Judgement]) -> None:
    reading, shapes = collector.reading(), []
    for label in dict.fromkeys(label for label, _ in judgements):
        decided = [
            item for (name, _), item in judgements.items() if name == label and item.presence in STATES
        ]
        states = {STATES[item.presence] for item in decided}
        if len(states) > 1:
            collector.leave_out(f"{file.name}: readers disagree on {label}, which is taken as unknown")
        reading.say(label, states.pop() if len(states) == 1 else None)
        if len({item.presence for item in decided}) == 1:
            shapes += [shape for item in decided if item.presence == "present" for shape in item.shapes]
    collector.add(file, reading, shapes=shapes)


def _judgements(database: Path, labels: frozenset[str]) -> list[_Judgement]:
    """In the order in which they were saved; the database is opened for reading only.

    Raises:
        DataError: it is missing, not one of the app, or a cell of it is not what the app writes.
    """
    if not is_file(database):
        raise DataError(f"There is no feedback database {shorter(database)}; check the path.")
    try:
        with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_CELL)
            connection.execute("PRAGMA trusted_schema = OFF")
            tables = _plain_tables(connection, database)
            columns = {column[1] for column in connection.execute("PRAGMA table_info(feedback)")}
            # Older databases know no revisions, or no withdrawals.
            known = [("supersedes_id", CURRENT), ("withdrawn", STANDING)]
            conditions = [condition for column, condition in known if column in columns]
            judgements = JUDGEMENTS.format(current=f"WHERE {' AND '.join(conditions)}" if conditions else "")
            boxes: dict[object, list[tuple[object, ...]]] = defaultdict(list)
            for number, *values in connection.execute(BOXES):
                boxes[number].append(tuple(values))
            outlines: dict[object, list[tuple[object, object]]] = defaultdict(list)
            if "outline" in tables:
                for number, kind, points in connection.execute(OUTLINES):
                    outlines[number].append((kind, points))
            return [
                _judgement(
                    dict(row),
                    boxes[row["id"]],
                    outlines[row["id"]],
                    labels,
                    f"{database}, feedback {clipped(str(row['id']))}",
                )
                for row in connection.execute(judgements)
            ]
    except (sqlite3.Error, UnicodeDecodeError, MemoryError) as error:
        raise DataError(
            f"{database} is not a feedback database of the app ({clipped(str(error))}); check the path."
        ) from error


def _plain_tables(connection: sqlite3.Connection, database: Path) -> set[str]:
    """Names; plain tables alone are read: a view or a virtual table may compute without end."""
    plain = {
        name
        for name, statement in connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        if isinstance(statement, str) and re.match(r"CREATE\s+TABLE\b", statement, re.IGNORECASE)
    }
    missing = [name for name in TABLES if name not in plain]
    if missing:
        raise DataError(
            f"{database} is not a feedback database of the app (no table {missing[0]}); check the path."
        )
    return plain


def _judgement(
    row: Mapping[str, Any],
    boxes: Sequence[tuple[object, ...]],
    outlines: Sequence[tuple[object, object]],
    labels: frozenset[str],
    where: str,
) -> _Judgement:
    """One row, checked cell by cell."""
    for name in ("reader", "presence", "image_sha256", "finding"):
        if not isinstance(row[name], str):
            raise DataError(f"{where}: {name} is no text; remove the row.")
    if row["presence"] not in (*STATES, "unsure"):
        raise DataError(
            f'{where}: presence is "{clipped(row["presence"])}"; it is present, absent or unsure, so correct '
            "the row."
        )
    if row["side"] not in (None, "", "left", "right"):
        raise DataError(f"{where}: side is neither left nor right; correct the row.")
    if not SHA256.fullmatch(row["image_sha256"]):
        raise DataError(f"{where}: image_sha256 is no SHA-256 in hexadecimal digits; remove the row.")
    for name in ("image_height", "image_width"):
        if not isinstance(row[name], int) or row[name] < 1:
            raise DataError(f"{where}: {name} is no whole number above 0; correct the row.")
    size = (float(row["image_width"]), float(row["image_height"]))
    label = label_of(row["finding"], labels) or ""
    return _Judgement(
        row["image_sha256"],
        row["finding"],
        bool(row["side"]) or _has_place(row["parameters"], where),
        row["reader"],
        row["presence"],
        _shapes(label, boxes, outlines, size, where),
    )


def _has_place(parameters: object, where: str) -> bool:
    """Whether the question was limited to a zone, a lobe, ...; rows of before places were kept have none."""
    if parameters is None:
        return False
    try:
        record = json.loads(parameters) if isinstance(parameters, str) else None
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise DataError(f"{where}: parameters are no JSON object; remove the row.")
    return bool(record.get("place"))


def _shapes(
    label: str,
    boxes: Sequence[tuple[object, ...]],
    outlines: Sequence[tuple[object, object]],
    size: tuple[float, float],
    where: str,
) -> tuple[Shape, ...]:
    polygons = [_polygon(label, points, size, where) for kind, points in outlines if kind == "polygon"]
    known = [_shape(label, box, size, where) for box in boxes] + polygons
    return tuple(known) if len(polygons) == len(outlines) else ()


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


def _shape(label: str, box: tuple[object, ...], size: tuple[float, float], where: str) -> Shape:
    """Of a box (x, y, w, h) in pixels."""
    numbers = [float(value) for value in box if isinstance(value, int | float)]
    if len(numbers) < 4:
        raise DataError(f"{where}: a box must be four numbers; remove it.")
    x, y, w, h = numbers
    return corner_box(label, (x, y, x + w, y + h), size, where)


def _hashes(folder: Path) -> dict[str, Path]:
    """Hash of the pixels -> file; a file that is no radiograph is none that was judged."""

    def hashed(path: Path) -> str | None:
        try:
            return load_radiograph(path).sha256
        except RadiographError:
            return None

    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with ThreadPoolExecutor(4) as pool:
        return {sha256: path for sha256, path in zip(pool.map(hashed, files), files, strict=True) if sha256}
