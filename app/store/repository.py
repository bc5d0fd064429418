"""Saving and listing feedback."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, func, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session, selectinload

from app.store.checks import check
from app.store.errors import StoreError, broken_rule, unread, unsaved
from app.store.export import as_csv, as_json
from app.store.models import Feedback, Prediction
from app.store.reading import NewFeedback, Saved
from app.store.records import record_of, row_of
from app.store.withdrawal import withdrawal
from app.store.writing import SameFile, check_writable

REVISED = (
    "This reading was revised meanwhile, in another window; open its newest revision under Feedback, "
    "then save."
)


class FeedbackRepository:
    """All access to the store.

    Args:
        engine: on a migrated database, whose file must stay the same one.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._file = SameFile(engine)

    def add(self, new: NewFeedback) -> Saved:
        """Saves one judgement; one whose key is stored already is not stored again.

        Raises:
            StoreError: something is missing, too long or contradicts itself; the key is another judgement's;
                what it supersedes is another reading or superseded already; or the database cannot be written
                now.
        """
        check(new)
        self._file.check()
        try:
            with Session(self._engine) as session, session.begin():
                row = _stored(session, new)
                if row is None:
                    row = row_of(new, _superseded(session, new))
                    session.add(row)
                    session.flush()
                saved = Saved(row.id, row.revision, row.created_at)
        except IntegrityError as error:
            if "supersedes_id" in broken_rule(error):
                raise StoreError(REVISED) from error
            # Two tries at once: the other one has stored it.
            if new.key is None or "key" not in broken_rule(error):
                raise unsaved(error) from error
            return self._stored_already(new)
        except SQLAlchemyError as error:
            raise unsaved(error) from error
        self._file.check()
        return saved

    def check_writable(self) -> None:
        """Raises StoreError where nothing could be saved now; nothing is."""
        check_writable(self._engine, self._file)

    def withdraw(self, row: int, reader: str, key: str) -> Saved:
        """Takes a reading back, once for each key; see `app.store.withdrawal`.

        Raises:
            StoreError: it is another reader's, or was revised meanwhile; or the database cannot be written
                now.
        """
        self._file.check()
        try:
            with Session(self._engine) as session, session.begin():
                taken = withdrawal(session, row, reader.strip(), key)
                saved = Saved(taken.id, taken.revision, taken.created_at)
        except IntegrityError as error:
            raise StoreError(REVISED) from error
        except SQLAlchemyError as error:
            raise unsaved(error) from error
        self._file.check()
        return saved

    def rows(self, limit: int | None = None, *, reader: str | None = None) -> list[dict[str, Any]]:
        """Newest first, as flat records with JSON types; boxes as lists of [x, y, w, h].

        `current` is false of a row that a later revision supersedes, and of one that withdraws its reading.

        reader: whose rows alone, by name; everybody's if None, here and below.
        """
        statement = (
            select(Feedback)
            .options(
                selectinload(Feedback.prediction),
                selectinload(Feedback.boxes),
                selectinload(Feedback.outlines),
            )
            .where(*_of(reader))
            .order_by(Feedback.created_at.desc(), Feedback.id.desc())
            .limit(limit)
        )
        self._file.check()
        try:
            with Session(self._engine) as session:
                superseded = set(session.scalars(select(Feedback.supersedes_id)))
                return [
                    record_of(item, superseded=item.id in superseded) for item in session.scalars(statement)
                ]
        except SQLAlchemyError as error:
            raise unread(error) from error

    def judged(self, image_sha256: str, *, reader: str | None = None) -> int:
        """How many readings stand of one picture; the revisions of one are one, and one withdrawn is none."""
        later = select(Feedback.supersedes_id).where(Feedback.supersedes_id.is_not(None))
        return self._number(
            select(func.count(Feedback.id))
            .join(Prediction)
            .where(
                Prediction.image_sha256 == image_sha256,
                Feedback.id.not_in(later),
                Feedback.withdrawn.is_(False),
                *_of(reader),
            )
        )

    def count(self, *, reader: str | None = None) -> int:
        """How many judgements there are in all, revisions too."""
        return self._number(select(func.count(Feedback.id)).where(*_of(reader)))

    def export_json(self, *, reader: str | None = None) -> str:
        """All feedback, newest first."""
        return as_json(self.rows(reader=reader))

    def export_csv(self, *, reader: str | None = None) -> str:
        """All feedback, newest first."""
        return as_csv(self.rows(reader=reader))

    def _number(self, statement: Select[int]) -> int:
        self._file.check()
        try:
            with Session(self._engine) as session:
                return int(session.scalar(statement) or 0)
        except SQLAlchemyError as error:
            raise unread(error) from error

    def _stored_already(self, new: NewFeedback) -> Saved:
        try:
            with Session(self._engine) as session:
                stored = _stored(session, new)
                if stored is not None:
                    return Saved(stored.id, stored.revision, stored.created_at)
        except SQLAlchemyError as error:
            raise unsaved(error) from error
        raise StoreError("The feedback could not be saved; press Save again.")


def _of(reader: str | None) -> tuple[ColumnElement[bool], ...]:
    return () if reader is None else (Feedback.reader == reader,)


def _stored(session: Session, new: NewFeedback) -> Feedback | None:
    """The row that has the judgement's key already, if any."""
    if new.key is None:
        return None
    row = session.scalar(
        select(Feedback).options(selectinload(Feedback.prediction)).where(Feedback.key == new.key)
    )
    if row is None:
        return None
    said = (row.reader, row.presence, row.location, row.comment, row.confidence, row.supersedes_id)
    told = (
        new.reader.strip(),
        new.presence,
        new.location,
        new.comment.strip(),
        new.confidence,
        new.supersedes,
    )
    if said != told or _subject(row.prediction) != _subject_of(new):
        raise StoreError(
            "Another reading was saved under this one's key; change it or reload the page, then save."
        )
    return row


def _superseded(session: Session, new: NewFeedback) -> Feedback | None:
    """The row that a revision takes the place of, if it is one.

    Raises:
        StoreError: it is no reading of this reader on the same picture and question, or superseded already.
    """
    if new.supersedes is None:
        return None
    row = session.get(Feedback, new.supersedes, options=[selectinload(Feedback.prediction)])
    if row is None or row.reader != new.reader.strip() or _subject(row.prediction) != _subject_of(new):
        raise StoreError(
            "Only a reader's own reading of the same film and finding can be revised; save this one as new."
        )
    if session.scalar(select(Feedback.id).where(Feedback.supersedes_id == row.id)) is not None:
        raise StoreError(REVISED)
    return row


def _subject(judged: Prediction) -> tuple[str, str, str]:
    """What a reading is about: picture, question, finding."""
    return judged.image_sha256, judged.query, judged.finding


def _subject_of(new: NewFeedback) -> tuple[str, str, str]:
    return new.image_sha256, new.query, new.answer.finding
