"""A reading can be withdrawn: by a revision that says so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing that was saved before was withdrawn."""
    op.add_column("feedback", sa.Column("withdrawn", sa.Boolean, nullable=False, server_default="0"))


def downgrade() -> None:
    """As it was; a withdrawal has no place there and goes, so that what it took back stands again."""
    op.execute("DELETE FROM feedback WHERE withdrawn")
    op.drop_column("feedback", "withdrawn")
