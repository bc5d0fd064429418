"""How people sign in: accounts, personal links, and who is signed in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds three tables; without an account nobody needs to sign in, as before."""
    op.create_table(
        "account",
        sa.Column("reader_id", sa.Integer, sa.ForeignKey("reader.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("folded", sa.String(320), nullable=False, unique=True),
        sa.Column("password_hash", sa.String(200)),
        sa.Column("disabled_at", sa.DateTime),
    )
    op.create_table(
        "sign_in_link",
        sa.Column("id", sa.Integer, primary_key=True),
        _reader(),
        sa.Column("token_sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("purpose", sa.String(10), nullable=False),
        sa.Column("reusable", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
        sa.Column("used_at", sa.DateTime),
        sa.CheckConstraint("purpose IN ('sign-in', 'password')", name="link_purposes"),
    )
    op.create_index("ix_sign_in_link_reader_id", "sign_in_link", ["reader_id"])
    op.create_table(
        "sign_in",
        sa.Column("id", sa.Integer, primary_key=True),
        _reader(),
        sa.Column("token_sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("seen_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
    )
    op.create_index("ix_sign_in_reader_id", "sign_in", ["reader_id"])


def downgrade() -> None:
    """As it was: the readers stay, and nobody can sign in any more."""
    for table in ("sign_in", "sign_in_link", "account"):
        op.drop_table(table)


def _reader() -> sa.Column[int]:
    return sa.Column("reader_id", sa.Integer, sa.ForeignKey("reader.id", ondelete="CASCADE"), nullable=False)
