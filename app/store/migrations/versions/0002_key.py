"""A key for each reading, made by the page: one reading is stored once, however often it is sent."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column; readings stored before have no key."""
    op.add_column("feedback", sa.Column("key", sa.String(32)))
    op.create_index("ix_feedback_key", "feedback", ["key"], unique=True)


def downgrade() -> None:
    """Drops it."""
    op.drop_index("ix_feedback_key", "feedback")
    op.drop_column("feedback", "key")
