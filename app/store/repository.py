"""Saving and listing feedback."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Select, func, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session, selectinload

from app.store import models
from app.store.errors import LOST, UNREADABLE, StoreError, unsaved
from app.store.export import COLUMNS, as_csv, as_json
from app.store.models import Feedback, Prediction
from patchclip import Answer
from patchclip.types import Box

LONGEST_COMMENT, LONGEST_NAME = 2000, 80
PRESENCE, LOCATION = ("present", "absent", "unsure"), ("right", "partly", "wrong")
HALF_A_PIXEL = 0.5  # boxes are drawn on a scaled image


@dataclass(frozen=True, slots=True)
class NewFeedback:
    """A judgement to be saved.

    Attributes:
        image_sha256, image_size: of the original pixels; (H, W).
        model_name, model_sha256: of the checkpoint.
        answer: what was judged.
        reader, presence, location, comment: what the reader said; `location` None means not said.
        boxes: in original image pixels.
        display: display settings at the time: threshold, opacity, colour map, view.
        picture: how the picture was read from its file, where a reader can choose: window, inverted.
        key: of this judgement; None where nobody would send it twice.
    """

    image_sha256: str
    image_size: tuple[int, int]
    model_name: str
    model_sha256: str
    answer: Answer
    reader: str
    presence: str
    location: str | None = None
    comment: str = ""
    boxes: Sequence[Box] = ()
    display: dict[str, Any] = field(default_factory=dict)
    picture: dict[str, Any] = field(default_factory=dict)
    key: str | None = None


class FeedbackRepository:
    """All access to the store.

    Args:
        engine: on a migrated database, whose file must stay the same one.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._file = _identity(engine)

    def add(self, new: NewFeedback) -> datetime:
        """Saves one judgement and returns when (UTC); one whose key is stored already is not stored again.

        Raises:
            StoreError: something is missing or too long, the key is another judgement's, or the database
                cannot be written now.
        """
        _check(new)
        self._check_file()
        try:
            with Session(self._engine) as session, session.begin():
                before = _stored(session, new)
                if before is None:
                    before = _row(new)
                    session.add(before)
                when = before.created_at
        except IntegrityError as error:
            # Two tries at once: the other one has stored it.
            if new.key is None or "key" not in str(error.orig):
                raise unsaved(error) from error
            return self._time_of(new)
        except SQLAlchemyError as error:
            raise unsaved(error) from error
        self._check_file()
        return when

    def rows(self, limit: int | None = None) -> list[dict[str, Any]]:
        """Newest first, as flat records with JSON types; boxes as lists of [x, y, w, h]."""
        statement = (
            select(Feedback)
            .options(selectinload(Feedback.prediction), selectinload(Feedback.boxes))
            .order_by(Feedback.created_at.desc(), Feedback.id.desc())
            .limit(limit)
        )
        self._check_file()
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

    def export_json(self) -> str:
        """All feedback, newest first."""
        return as_json(self.rows())

    def export_csv(self) -> str:
        """All feedback, newest first."""
        return as_csv(self.rows())

    def _number(self, statement: Select[int]) -> int:
        self._check_file()
        try:
            with Session(self._engine) as session:
                return int(session.scalar(statement) or 0)
        except SQLAlchemyError as error:
            raise StoreError(UNREADABLE) from error

    def _time_of(self, new: NewFeedback) -> datetime:
        try:
            with Session(self._engine) as session:
                stored = _stored(session, new)
                if stored is not None:
                    return stored.created_at
        except SQLAlchemyError as error:
            raise unsaved(error) from error
        raise StoreError("The feedback could not be saved; press Save again.")

    def _check_file(self) -> None:
        """SQLite goes on writing to a file that has no name any more; whoever wrote there would lose it."""
        if self._file != _identity(self._engine):
            raise StoreError(LOST)


def _identity(engine: Engine) -> tuple[int, int] | None:
    """Device and number of the database's file; None where it is not there, or is in memory."""
    name = engine.url.database
    try:
        status = Path(name).stat() if name and name != ":memory:" else None
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status else None


def _stored(session: Session, new: NewFeedback) -> Feedback | None:
    """The row that has the judgement's key already, if any."""
    if new.key is None:
        return None
    row = session.scalar(
        select(Feedback).options(selectinload(Feedback.prediction)).where(Feedback.key == new.key)
    )
    if row is None:
        return None
    said = (row.reader, row.presence, row.location, row.comment, row.prediction.image_sha256)
    told = (new.reader.strip(), new.presence, new.location, new.comment.strip(), new.image_sha256)
    if said != told or row.prediction.query != new.answer.query:
        raise StoreError(
            "Another reading was saved under this one's key; change it or reload the page, then save."
        )
    return row


def _row(new: NewFeedback) -> Feedback:
    answer = new.answer
    prediction = Prediction(
        image_sha256=new.image_sha256,
        image_height=new.image_size[0],
        image_width=new.image_size[1],
        model_name=new.model_name,
        model_sha256=new.model_sha256,
        query=answer.query,
        finding=answer.finding,
        negated=answer.negated,
        side=answer.laterality,
        in_vocabulary=answer.in_vocabulary,
        probability=answer.require_probability(),
        threshold=answer.threshold,
        parameters={
            "place": answer.place.words if answer.place else None,
            "map_maximum": round(float(answer.map.values.max()), 4),
            "regions": [
                [round(value, 1) for value in (region.x, region.y, region.w, region.h)]
                + [round(region.score, 4)]
                for region in answer.regions
            ],
            "display": new.display,
            **({"picture": new.picture} if new.picture else {}),
        },
    )
    return Feedback(
        prediction=prediction,
        key=new.key,
        created_at=datetime.now(UTC),
        reader=new.reader.strip(),
        presence=new.presence,
        location=new.location,
        comment=new.comment.strip(),
        boxes=[models.Box(x=box.x, y=box.y, w=box.w, h=box.h) for box in new.boxes],
    )


def _flat(item: Feedback) -> dict[str, Any]:
    record = {
        "id": item.id,
        "created_at": item.created_at.isoformat(timespec="seconds"),
        "reader": item.reader,
        "presence": item.presence,
        "location": item.location,
        "comment": item.comment,
        "boxes": [[box.x, box.y, box.w, box.h] for box in item.boxes],
    }
    if not item.prediction.in_vocabulary:  # older versions stored a number that was never tested
        record["probability"] = None
    return {name: record[name] if name in record else getattr(item.prediction, name) for name in COLUMNS}


def _check(new: NewFeedback) -> None:
    if not new.answer.in_vocabulary:
        raise StoreError(
            f'"{new.answer.finding}" is far from what this model has learnt, so there is no prediction to '
            "judge; choose another answer before saving."
        )
    if new.presence not in PRESENCE:
        raise StoreError("Say whether the finding is present, absent or unsure before saving.")
    if new.location is not None and new.location not in LOCATION:
        raise StoreError("The location must be right, partly or wrong; choose one of them or leave it open.")
    if not new.reader.strip():
        raise StoreError("Type your name or initials as reader before saving.")
    if len(new.reader.strip()) > LONGEST_NAME:
        raise StoreError(f"The reader's name has more than {LONGEST_NAME} characters; shorten it.")
    length = len(new.comment.strip())
    if length > LONGEST_COMMENT:
        raise StoreError(
            f"The comment has {length} characters and the limit is {LONGEST_COMMENT}; shorten it."
        )
    if any("\ud800" <= sign <= "\udfff" for sign in new.reader + new.comment):
        raise StoreError("The text holds half of a character, such as a cut emoji; delete it, then save.")
    height, width = new.image_size
    for box in new.boxes:
        inside = min(box.x, box.y) >= -HALF_A_PIXEL and (
            box.x + box.w <= width + HALF_A_PIXEL and box.y + box.h <= height + HALF_A_PIXEL
        )
        if not (box.w > 0 and box.h > 0 and inside):
            raise StoreError("A box lies outside the image; delete it and draw it again.")
