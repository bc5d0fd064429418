"""The feedback store: SQLite through SQLAlchemy, migrated by Alembic."""

from app.store.database import migrate, open_database
from app.store.errors import StoreError
from app.store.repository import FeedbackRepository, NewFeedback

__all__ = ["FeedbackRepository", "NewFeedback", "StoreError", "migrate", "open_database"]
