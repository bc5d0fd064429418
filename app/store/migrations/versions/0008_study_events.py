"""Who closed a study, or opened it again, and when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.store.models import words

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table, whose rows stay as they are; of what was closed before nobody knows who did it."""
    op.create_table(
        "study_event",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("study_id", sa.Integer, sa.ForeignKey("study.id"), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("person", words(80), nullable=False),
        sa.Column("happened_at", sa.DateTime, nullable=False),
        sa.CheckConstraint("kind IN ('closed', 'opened again')", name="study_event_kinds"),
    )
    op.create_index("ix_study_event_study_id", "study_event", ["study_id"])
    if op.get_context().dialect.name == "postgresql":
        for name, change, each in (("row", "UPDATE OR DELETE", "ROW"), ("table", "TRUNCATE", "STATEMENT")):
            op.execute(
                f"CREATE TRIGGER study_event_{name}_stays BEFORE {change} ON study_event "
                f"FOR EACH {each} EXECUTE FUNCTION event_never_changes()"
            )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER study_event_no_{change.lower()} BEFORE {change} ON study_event "
            "BEGIN SELECT RAISE(ABORT, 'events are never changed'); END"
        )


def downgrade() -> None:
    """As it was; who closed studies has no place there and goes."""
    op.drop_table("study_event")
