"""Adapter for the app's feedback database: readers' judgements in SQLite, and a folder with the images that
they judged.

Tables prediction, feedback and box. The database knows an image only by the hash of its pixels, so every file
of the folder is decoded and hashed once.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from patchclip.data.findings import label_of
from patchclip.errors import DataError, RadiographError
from patchclip.image import load_radiograph
from trainer.data.contents import Collector, Contents
from trainer.data.sample import Shape, State
from trainer.data.tables import corner_box, own_split

PREDICTION = ("image_sha256", "image_height", "image_width", "finding", "side")
FEEDBACK = ("id", "reader", "presence")
BOX = ("x", "y", "w", "h")
STATES = {"present": State.PRESENT, "absent": State.ABSENT}


@dataclass(frozen=True, slots=True)
class _Judgement:
    image: str
    label: str
    reader: str
    presence: str
    shapes: tuple[Shape, ...]


def read_feedback(database: Path, images: Path, split: str, *, known: frozenset[str]) -> Contents:
    """Reads all judgements, as split "train".

    Of one reader's judgements of a finding on an image the last counts. "Unsure" says nothing, nor does
    "absent" of one half of the patient; where readers disagree the finding is unknown. Boxes are kept of
    readers who see the finding. Patients are not known.

    Raises:
        DataError: the database is missing, not one of the app, or holds a box outside its image; names file
            and row.
    """
    own_split(split, ("train",), database)
    if not images.is_dir():
        raise DataError(f"{images} is no folder; name the one with the images that were judged.")
    rows, boxes = _rows(database)
    collector = Collector("feedback", known)
    last: dict[str, dict[tuple[str, str], _Judgement]] = defaultdict(dict)
    foreign = 0
    for row in rows:
        label = label_of(row["finding"], known)
        if label is None:
            foreign += 1  # the words are a reader's own and are not repeated
        elif not (row["side"] and row["presence"] == "absent"):
            item = _Judgement(
                row["image_sha256"],
                label,
                row["reader"],
                row["presence"],
                _shapes(label, row, boxes[row["id"]], database),
            )
            last[item.image][label, item.reader] = item
    files = _hashes(images) if last else {}
    for image, judgements in last.items():
        if image in files:
            _add(collector, files[image], list(judgements.values()))
        else:
            collector.leave_out(f"image {image[:12]}: {images.name} has no file with these pixels")
    collector.leave_out_some(foreign, "judgements of findings that the vocabulary does not have")
    return collector.contents(database, split)


def _add(collector: Collector, file: Path, judgements: Sequence[_Judgement]) -> None:
    reading, shapes = collector.reading(), []
    for label in dict.fromkeys(item.label for item in judgements):
        own = [item for item in judgements if item.label == label and item.presence in STATES]
        said = {STATES[item.presence] for item in own}
        if len(said) > 1:
            collector.leave_out(f"{file.name}: readers disagree on {label}, which is taken as unknown")
        reading.say(label, said.pop() if len(said) == 1 else None)
        if len({item.presence for item in own}) == 1:
            shapes += [shape for item in own if item.presence == "present" for shape in item.shapes]
    collector.add(file, reading, shapes=shapes)


def _rows(database: Path) -> tuple[list[dict[str, Any]], dict[int, list[tuple[float, ...]]]]:
    """Judgements in the order in which they were saved, and the boxes of each; the database is opened for
    reading only."""
    if not database.is_file():
        raise DataError(f"There is no feedback database {database}; check the path.")
    address = f"{database.resolve().as_uri()}?mode=ro"
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True))
    try:
        tables = MetaData()
        tables.reflect(engine, only=("prediction", "feedback", "box"))
        prediction, feedback, box = (tables.tables[name] for name in ("prediction", "feedback", "box"))
        wanted = [*(prediction.c[name] for name in PREDICTION), *(feedback.c[name] for name in FEEDBACK)]
        judged = select(*wanted).join(prediction, feedback.c.prediction_id == prediction.c.id)
        boxes: dict[int, list[tuple[float, ...]]] = defaultdict(list)
        with engine.connect() as connection:
            rows = [
                dict(row)
                for row in connection.execute(
                    judged.order_by(feedback.c.created_at, feedback.c.id)
                ).mappings()
            ]
            for number, *values in connection.execute(
                select(box.c.feedback_id, *(box.c[name] for name in BOX)).order_by(box.c.id)
            ):
                boxes[number].append(tuple(values))
    except (SQLAlchemyError, KeyError, AttributeError) as error:
        raise DataError(f"{database} is not a feedback database of the app; check the path.") from error
    finally:
        engine.dispose()
    return rows, boxes


def _shapes(
    label: str, row: dict[str, Any], boxes: Sequence[tuple[float, ...]], database: Path
) -> tuple[Shape, ...]:
    size = float(row["image_width"]), float(row["image_height"])
    where = f"{database}, feedback {row['id']}"
    return tuple(corner_box(label, (x, y, x + w, y + h), size, where) for x, y, w, h in boxes)


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
