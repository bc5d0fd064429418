"""First schema: predictions, feedback, boxes."""

import sqlalchemy as sa
from alembic import op

from app.store.models import words

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "prediction",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("image_sha256", sa.String(64), nullable=False),
        sa.Column("image_height", sa.Integer, nullable=False),
        sa.Column("image_width", sa.Integer, nullable=False),
        sa.Column("model_name", words(100), nullable=False),
        sa.Column("model_sha256", sa.String(64), nullable=False),
        sa.Column("query", words(500), nullable=False),
        sa.Column("finding", words(500), nullable=False),
        sa.Column("negated", sa.Boolean, nullable=False),
        sa.Column("side", sa.String(5)),
        sa.Column("in_vocabulary", sa.Boolean, nullable=False),
        sa.Column("probability", sa.Float, nullable=False),
        sa.Column("threshold", sa.Float, nullable=False),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.CheckConstraint("probability >= 0 AND probability <= 1", name="probability_range"),
    )
    op.create_index("ix_prediction_image_sha256", "prediction", ["image_sha256"])
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "prediction_id", sa.Integer, sa.ForeignKey("prediction.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("reader", sa.String(80), nullable=False),
        sa.Column("presence", sa.String(10), nullable=False),
        sa.Column("location", sa.String(10)),
        sa.Column("comment", sa.Text, nullable=False),
        sa.CheckConstraint("presence IN ('present', 'absent', 'unsure')", name="presence_values"),
        sa.CheckConstraint(
            "location IS NULL OR location IN ('right', 'partly', 'wrong')", name="location_values"
        ),
    )
    op.create_index("ix_feedback_created_at", "feedback", ["created_at"])
    op.create_table(
        "box",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "feedback_id", sa.Integer, sa.ForeignKey("feedback.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("x", sa.Float, nullable=False),
        sa.Column("y", sa.Float, nullable=False),
        sa.Column("w", sa.Float, nullable=False),
        sa.Column("h", sa.Float, nullable=False),
        sa.CheckConstraint("w > 0 AND h > 0", name="box_size"),
    )
    op.create_index("ix_box_feedback_id", "box", ["feedback_id"])


def downgrade() -> None:
    """Drops them."""
    for table in ("box", "feedback", "prediction"):
        op.drop_table(table)
