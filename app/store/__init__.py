"""The feedback store: SQLite through SQLAlchemy, migrated by Alembic."""

from app.store import consensus_model as consensus_model  # so that every table stands in the metadata
from app.store import people_models as people_models
from app.store import study_models as study_models
from app.store.database import migrate, open_database
from app.store.errors import StoreError
from app.store.reading import NamedFinding, NewFeedback, Outline, Saved
from app.store.repository import FeedbackRepository

__all__ = [
    "FeedbackRepository",
    "NamedFinding",
    "NewFeedback",
    "Outline",
    "Saved",
    "StoreError",
    "migrate",
    "open_database",
]
