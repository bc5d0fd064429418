"""Revisions, confidence, time, outlines; readings without a question; a map is "correct", not "right"."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from app.store.models import words

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PREDICTION = (
    "id, image_sha256, image_height, image_width, model_name, model_sha256, query, finding, negated, side, "
    "in_vocabulary, probability, threshold, parameters"
)
OF_A_MODEL = ("model_name", "model_sha256", "probability", "threshold")
FEEDBACK = "id, prediction_id, key, created_at, reader, presence"


def upgrade() -> None:
    """Changes both tables, with every row; adds outlines."""
    if op.get_context().dialect.name == "postgresql":
        _change()
    else:
        _make_anew()
    op.create_index("ix_feedback_supersedes_id", "feedback", ["supersedes_id"], unique=True)
    op.create_table(
        "outline",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "feedback_id", sa.Integer, sa.ForeignKey("feedback.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("points", sa.JSON, nullable=False),
        sa.CheckConstraint("kind IN ('point', 'polygon')", name="outline_kinds"),
    )
    op.create_index("ix_outline_feedback_id", "outline", ["feedback_id"])


def _make_anew() -> None:
    """Since SQLite changes no constraint."""
    _make_prediction("prediction_new", sa.Column("asked", sa.Boolean, nullable=False), required=False)
    op.execute(f"INSERT INTO prediction_new ({PREDICTION}, asked) SELECT {PREDICTION}, 1 FROM prediction")
    _make_feedback(
        "feedback_new",
        ("correct", "partly", "wrong"),
        sa.Column("first_id", sa.Integer, sa.ForeignKey("feedback.id", ondelete="CASCADE")),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("supersedes_id", sa.Integer, sa.ForeignKey("feedback.id", ondelete="CASCADE")),
        sa.Column("confidence", sa.Integer),
        sa.Column("seconds", sa.Float),
        sa.CheckConstraint("confidence IS NULL OR confidence BETWEEN 0 AND 100", name="confidence_range"),
        sa.CheckConstraint("revision >= 1", name="revision_count"),
    )
    op.execute(
        f"INSERT INTO feedback_new ({FEEDBACK}, location, comment, revision) SELECT {FEEDBACK}, "
        "CASE location WHEN 'right' THEN 'correct' ELSE location END, comment, 1 FROM feedback"
    )
    _replace()


def downgrade() -> None:
    """As it was; readings without a question have no place there and go, as do outlines."""
    op.drop_table("outline")
    op.drop_index("ix_feedback_supersedes_id", "feedback")
    op.execute("DELETE FROM feedback WHERE prediction_id IN (SELECT id FROM prediction WHERE NOT asked)")
    op.execute("DELETE FROM prediction WHERE NOT asked")
    op.execute("DELETE FROM box WHERE feedback_id NOT IN (SELECT id FROM feedback)")
    if op.get_context().dialect.name == "postgresql":
        _change_back()
        return
    _make_prediction("prediction_new", required=True)
    op.execute(f"INSERT INTO prediction_new ({PREDICTION}) SELECT {PREDICTION} FROM prediction")
    _make_feedback("feedback_new", ("right", "partly", "wrong"))
    op.execute(
        f"INSERT INTO feedback_new ({FEEDBACK}, location, comment) SELECT {FEEDBACK}, "
        "CASE location WHEN 'correct' THEN 'right' ELSE location END, comment FROM feedback"
    )
    _replace()


def _change() -> None:
    """PostgreSQL changes tables where they are."""
    for name in OF_A_MODEL:
        op.alter_column("prediction", name, nullable=True)
    op.add_column("prediction", sa.Column("asked", sa.Boolean, nullable=False, server_default=sa.true()))
    op.alter_column("prediction", "asked", server_default=None)
    _call_locations("right", "correct")
    for column in (
        sa.Column("first_id", sa.Integer, sa.ForeignKey("feedback.id", ondelete="CASCADE")),
        sa.Column("revision", sa.Integer, nullable=False, server_default="1"),
        sa.Column("supersedes_id", sa.Integer, sa.ForeignKey("feedback.id", ondelete="CASCADE")),
        sa.Column("confidence", sa.Integer),
        sa.Column("seconds", sa.Float),
    ):
        op.add_column("feedback", column)
    op.alter_column("feedback", "revision", server_default=None)
    op.create_check_constraint(
        "confidence_range", "feedback", "confidence IS NULL OR confidence BETWEEN 0 AND 100"
    )
    op.create_check_constraint("revision_count", "feedback", "revision >= 1")


def _change_back() -> None:
    for name in ("seconds", "confidence", "supersedes_id", "revision", "first_id"):
        op.drop_column("feedback", name)
    _call_locations("correct", "right")
    op.drop_column("prediction", "asked")
    for name in OF_A_MODEL:
        op.alter_column("prediction", name, nullable=False)


def _call_locations(before: str, now: str) -> None:
    op.drop_constraint("location_values", "feedback")
    op.execute(f"UPDATE feedback SET location = '{now}' WHERE location = '{before}'")
    op.create_check_constraint(
        "location_values", "feedback", f"location IS NULL OR location IN ('{now}', 'partly', 'wrong')"
    )


def _make_prediction(name: str, *more: sa.Column[bool], required: bool) -> None:
    """required: whether every row has a model and what it answered."""
    op.create_table(
        name,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("image_sha256", sa.String(64), nullable=False),
        sa.Column("image_height", sa.Integer, nullable=False),
        sa.Column("image_width", sa.Integer, nullable=False),
        sa.Column("model_name", words(100), nullable=not required),
        sa.Column("model_sha256", sa.String(64), nullable=not required),
        sa.Column("query", words(500), nullable=False),
        sa.Column("finding", words(500), nullable=False),
        sa.Column("negated", sa.Boolean, nullable=False),
        sa.Column("side", sa.String(5)),
        sa.Column("in_vocabulary", sa.Boolean, nullable=False),
        sa.Column("probability", sa.Float, nullable=not required),
        sa.Column("threshold", sa.Float, nullable=not required),
        sa.Column("parameters", sa.JSON, nullable=False),
        *more,
        sa.CheckConstraint("probability >= 0 AND probability <= 1", name="probability_range"),
    )


def _make_feedback(name: str, locations: Sequence[str], *more: sa.schema.SchemaItem) -> None:
    values = ", ".join(f"'{value}'" for value in locations)
    op.create_table(
        name,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "prediction_id", sa.Integer, sa.ForeignKey("prediction.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("key", sa.String(32)),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("reader", sa.String(80), nullable=False),
        sa.Column("presence", sa.String(10), nullable=False),
        sa.Column("location", sa.String(10)),
        sa.Column("comment", sa.Text, nullable=False),
        *more,
        sa.CheckConstraint("presence IN ('present', 'absent', 'unsure')", name="presence_values"),
        sa.CheckConstraint(f"location IS NULL OR location IN ({values})", name="location_values"),
    )


def _replace() -> None:
    """The new tables take the places of the old ones; foreign keys are off meanwhile (see `migrate`)."""
    for table in ("feedback", "prediction"):
        op.drop_table(table)
        op.rename_table(f"{table}_new", table)
    op.create_index("ix_prediction_image_sha256", "prediction", ["image_sha256"])
    op.create_index("ix_feedback_created_at", "feedback", ["created_at"])
    op.create_index("ix_feedback_key", "feedback", ["key"], unique=True)
