"""Saving, listing and exporting feedback."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, Select, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, selectinload

from app.store.errors import StoreError
from app.store.models import Box, Feedback, Prediction
from patchclip import Answer

LONGEST_COMMENT, LONGEST_NAME = 2000, 80
PRESENCE, LOCATION = ("present", "absent", "unsure"), ("right", "partly", "wrong")
UNREADABLE = "The feedback cannot be read; check the database file and try again."
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that starts so is run by spreadsheet programs


@dataclass(frozen=True, slots=True)
class NewFeedback:
    """A judgement to be saved.

    Attributes:
        image_sha256, image_size: of the original pixels; (H, W).
        model_name, model_sha256: of the checkpoint.
        finding: the answer that was judged.
        reader, presence, location, comment: what the reader said; `location` None means not said.
        boxes: (x, y, w, h) in original pixels.
        display: display settings at the time: threshold, opacity, colour map, view.
    """

    image_sha256: str
    image_size: tuple[int, int]
    model_name: str
    model_sha256: str
    finding: Answer
    reader: str
    presence: str
    location: str | None = None
    comment: str = ""
    boxes: Sequence[tuple[float, float, float, float]] = ()
    display: dict[str, Any] = field(default_factory=dict)


class FeedbackRepository:
    """All access to the store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, new: NewFeedback) -> datetime:
        """Saves one judgement and returns when (UTC).

        Raises:
            StoreError: something is missing or too long, or the database cannot be written now.
        """
        _check(new)
        now = datetime.now(UTC)
        finding = new.finding
        prediction = Prediction(
            image_sha256=new.image_sha256,
            image_height=new.image_size[0],
            image_width=new.image_size[1],
            model_name=new.model_name,
            model_sha256=new.model_sha256,
            query=finding.query,
            finding=finding.finding,
            negated=finding.negated,
            side=finding.laterality,
            in_vocabulary=finding.in_vocabulary,
            probability=finding.probability,
            threshold=finding.threshold,
            parameters={
                "map_maximum": round(float(finding.map.values.max()), 4),
                "regions": [
                    [round(value, 1) for value in (item.x, item.y, item.w, item.h)] + [round(item.score, 4)]
                    for item in finding.regions
                ],
                "display": new.display,
            },
        )
        feedback = Feedback(
            prediction=prediction,
            created_at=now,
            reader=new.reader.strip(),
            presence=new.presence,
            location=new.location,
            comment=new.comment.strip(),
            boxes=[Box(x=x, y=y, w=w, h=h) for x, y, w, h in new.boxes],
        )
        try:
            with Session(self._engine) as session, session.begin():
                session.add(feedback)
        except SQLAlchemyError as error:
            raise StoreError(
                "The feedback could not be saved (the database is busy or not writable); press Save again in a moment."
            ) from error
        return now

    def rows(self, limit: int | None = None) -> list[dict[str, Any]]:
        """Newest first, as flat records with JSON types; boxes as lists of [x, y, w, h]."""
        statement = (
            select(Feedback)
            .options(selectinload(Feedback.prediction), selectinload(Feedback.boxes))
            .order_by(Feedback.created_at.desc(), Feedback.id.desc())
            .limit(limit)
        )
        try:
            with Session(self._engine) as session:
                return [_flat(item) for item in session.scalars(statement)]
        except SQLAlchemyError as error:
            raise StoreError(UNREADABLE) from error

    def judged(self, image_sha256: str) -> int:
        """How many judgements there are on one picture."""
        return self._number(
            select(func.count(Feedback.id)).join(Prediction).where(Prediction.image_sha256 == image_sha256)
        )

    def count(self) -> int:
        """How many judgements there are in all."""
        return self._number(select(func.count(Feedback.id)))

    def _number(self, statement: Select[int]) -> int:
        try:
            with Session(self._engine) as session:
                return int(session.scalar(statement) or 0)
        except SQLAlchemyError as error:
            raise StoreError(UNREADABLE) from error

    def export_json(self) -> str:
        """All feedback, newest first."""
        return (
            json.dumps(
                {"notice": "research use only, not for clinical use", "feedback": self.rows()},
                indent=2,
                ensure_ascii=False,
            )
            + "\n"
        )

    def export_csv(self) -> str:
        """One line a judgement; boxes and parameters as JSON in their cells, and no cell that a spreadsheet would run."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        rows = self.rows()
        writer.writerow(COLUMNS)
        for row in rows:
            cells = [
                json.dumps(row[name]) if isinstance(row[name], (dict, list)) else row[name]
                for name in COLUMNS
            ]
            writer.writerow(
                [f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell for cell in cells]
            )
        return out.getvalue()


COLUMNS = (
    "id", "created_at", "reader", "image_sha256", "image_height", "image_width", "model_name", "model_sha256", "query", "finding", "negated", "side",
    "in_vocabulary", "probability", "threshold", "presence", "location", "comment", "boxes", "parameters",
)  # fmt: skip


def _flat(item: Feedback) -> dict[str, Any]:
    prediction = item.prediction
    own = {
        "id": item.id,
        "created_at": item.created_at.isoformat(timespec="seconds"),
        "reader": item.reader,
        "presence": item.presence,
        "location": item.location,
        "comment": item.comment,
        "boxes": [[box.x, box.y, box.w, box.h] for box in item.boxes],
    }
    return {name: own[name] if name in own else getattr(prediction, name) for name in COLUMNS}


def _check(new: NewFeedback) -> None:
    if new.presence not in PRESENCE:
        raise StoreError("Say whether the finding is present, absent or unsure before saving.")
    if new.location is not None and new.location not in LOCATION:
        raise StoreError("The location must be right, partly or wrong; choose one of them or leave it open.")
    if not new.reader.strip():
        raise StoreError("Type your name or initials as reader before saving.")
    if len(new.reader.strip()) > LONGEST_NAME:
        raise StoreError(f"The reader's name has more than {LONGEST_NAME} characters; shorten it.")
    if len(new.comment.strip()) > LONGEST_COMMENT:
        raise StoreError(
            f"The comment has {len(new.comment.strip())} characters and the limit is {LONGEST_COMMENT}; shorten it."
        )
    height, width = new.image_size
    for x, y, w, h in new.boxes:
        if not (
            w > 0 and h > 0 and x >= -0.5 and y >= -0.5 and x + w <= width + 0.5 and y + h <= height + 0.5
        ):
            raise StoreError("A box lies outside the image; delete it and draw it again.")
