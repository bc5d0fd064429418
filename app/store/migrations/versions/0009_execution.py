"""How a stored answer was computed: library, precision, mirror image, size of the input, device."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of answers that stand there already nobody knows."""
    for table in ("prediction", "study_answer"):
        op.add_column(table, sa.Column("execution", sa.JSON, nullable=True))


def downgrade() -> None:
    """As it was; how answers were computed has no place there and goes."""
    for table in ("prediction", "study_answer"):
        op.drop_column(table, "execution")
