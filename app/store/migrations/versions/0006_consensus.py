"""What adjudicators decided of readers' disagreements."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.store.models import words

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "consensus",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("study_case.id", ondelete="CASCADE"), nullable=False),
        sa.Column("finding", words(500), nullable=False),
        sa.Column("presence", sa.String(10), nullable=False),
        sa.Column("boxes", sa.JSON, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("condition", sa.String(10), nullable=False),
        sa.Column("adjudicator_id", sa.Integer, sa.ForeignKey("reader.id"), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("decided_at", sa.DateTime, nullable=False),
        sa.UniqueConstraint("case_id", "finding", "revision", name="consensus_revision"),
        sa.CheckConstraint("presence IN ('present', 'absent', 'unsure')", name="consensus_presence"),
        sa.CheckConstraint("revision >= 1", name="consensus_count"),
    )
    op.create_index("ix_consensus_case_id", "consensus", ["case_id"])
    op.create_index("ix_consensus_adjudicator_id", "consensus", ["adjudicator_id"])


def downgrade() -> None:
    """As it was; decisions have no place there and go."""
    op.drop_table("consensus")
