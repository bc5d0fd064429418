"""Taking a reading back: a revision that says so. Nothing is deleted."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.store.errors import StoreError
from app.store.models import Feedback

NOT_OWN = "Only a reader's own reading can be withdrawn; save one of your own instead."
REVISED = (
    "This reading was revised meanwhile, in another window; open its newest revision under Feedback, "
    "then withdraw that."
)


def withdrawal(session: Session, row: int, reader: str, key: str) -> Feedback:
    """The revision that takes a reading back; one that is stored already is given again.

    Args:
        session: a transaction that is under way.
        row: of the reading's newest revision.
        reader: whose reading it must be.
        key: of this step, the same for every try.

    Raises:
        StoreError: it is no reading of this reader, or was revised meanwhile.
    """
    stored = session.scalar(select(Feedback).where(Feedback.key == key))
    if stored is not None and stored.withdrawn and stored.supersedes_id == row and stored.reader == reader:
        return stored
    before = session.get(Feedback, row)
    if before is None or stored is not None or before.reader != reader:
        raise StoreError(NOT_OWN)
    if before.withdrawn:
        return before
    if session.scalar(select(Feedback.id).where(Feedback.supersedes_id == row)) is not None:
        raise StoreError(REVISED)
    taken_back = Feedback(
        prediction_id=before.prediction_id,
        study_id=before.study_id,
        key=key,
        created_at=datetime.now(UTC),
        reader=before.reader,
        presence=before.presence,
        location=before.location,
        comment=before.comment,
        confidence=before.confidence,
        revision=before.revision + 1,
        first_id=before.first_id or before.id,
        supersedes_id=before.id,
        withdrawn=True,
    )
    session.add(taken_back)
    session.flush()
    return taken_back
