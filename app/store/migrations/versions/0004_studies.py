"""Reader studies; all feedback so far belongs to the study "free reading"."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from app.store.models import words

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    "event",
    "finding_reading",
    "study_reading",
    "assignment",
    "study_answer",
    "study_case",
    "reader",
    "study",
)
EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # of no bytes


def upgrade() -> None:
    """Adds the tables, the study "free reading", the one reader of a server without sign-in."""
    _make_study_tables()
    _make_reading_tables()
    now = datetime.now(UTC).replace(tzinfo=None)
    op.execute(
        sa.text(
            "INSERT INTO study (id, name, protocol, protocol_sha256, findings, created_at) "
            "VALUES (1, 'free reading', '', :sha256, '{}', :now)"
        ).bindparams(sa.bindparam("sha256", EMPTY_SHA256), sa.bindparam("now", now, sa.DateTime))
    )
    op.execute(
        sa.text(
            "INSERT INTO reader (id, name, role, created_at) VALUES (1, 'reader', 'admin', :now)"
        ).bindparams(sa.bindparam("now", now, sa.DateTime))
    )
    # A column with a default leaves every row where it is; foreign keys are off meanwhile (see `migrate`).
    if op.get_context().dialect.name == "postgresql":
        for table in ("study", "reader"):  # their first numbers were given by hand
            op.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 1)")
    op.execute("ALTER TABLE feedback ADD COLUMN study_id INTEGER DEFAULT 1 NOT NULL REFERENCES study (id)")
    op.create_index("ix_feedback_study_id", "feedback", ["study_id"])


def downgrade() -> None:
    """As it was; reader studies have no place there and go, feedback stays."""
    op.drop_index("ix_feedback_study_id", "feedback")
    op.execute("ALTER TABLE feedback DROP COLUMN study_id")
    for table in TABLES:
        op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION event_never_changes()")


def _make_study_tables() -> None:
    op.create_table(
        "study",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(80), nullable=False, unique=True),
        sa.Column("folder", sa.Text),
        sa.Column("protocol", sa.Text, nullable=False),
        sa.Column("protocol_sha256", sa.String(64), nullable=False),
        sa.Column("findings", sa.JSON, nullable=False),
        sa.Column("model_name", words(100)),
        sa.Column("model_sha256", sa.String(64)),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("closed_at", sa.DateTime),
    )
    op.create_table(
        "study_case",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("study_id", "study.id"),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("image_sha256", sa.String(64), nullable=False),
        sa.Column("image_height", sa.Integer, nullable=False),
        sa.Column("image_width", sa.Integer, nullable=False),
        sa.Column("reference", sa.JSON, nullable=False),
        sa.Column("truth", sa.JSON, nullable=False),
        sa.UniqueConstraint("study_id", "number", name="case_number"),
        sa.UniqueConstraint("study_id", "image_sha256", name="case_image"),
        sa.CheckConstraint("number >= 1", name="case_count"),
    )
    op.create_index("ix_study_case_study_id", "study_case", ["study_id"])
    op.create_table(
        "study_answer",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("case_id", "study_case.id"),
        sa.Column("finding", words(500), nullable=False),
        sa.Column("probability", sa.Float, nullable=False),
        sa.Column("threshold", sa.Float, nullable=False),
        sa.Column("regions", sa.JSON, nullable=False),
        sa.UniqueConstraint("case_id", "finding", name="answer_finding"),
        sa.CheckConstraint("probability >= 0 AND probability <= 1", name="answer_range"),
    )
    op.create_index("ix_study_answer_case_id", "study_answer", ["case_id"])


def _make_reading_tables() -> None:
    op.create_table(
        "reader",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(80), nullable=False, unique=True),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.CheckConstraint("role IN ('reader', 'lead', 'admin')", name="reader_roles"),
    )
    op.create_table(
        "assignment",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("case_id", "study_case.id"),
        sa.Column("reader_id", sa.Integer, sa.ForeignKey("reader.id"), nullable=False),
        sa.Column("arm", sa.String(10), nullable=False),
        sa.Column("period", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("maps", sa.JSON, nullable=False),
        sa.Column("answers_at", sa.DateTime),
        sa.UniqueConstraint("case_id", "reader_id", "arm", name="assignment_once"),
        sa.CheckConstraint("arm IN ('unaided', 'aided', 'sequential')", name="assignment_arms"),
        sa.CheckConstraint("period >= 1 AND position >= 1", name="assignment_order"),
    )
    op.create_index("ix_assignment_case_id", "assignment", ["case_id"])
    op.create_index("ix_assignment_reader_id", "assignment", ["reader_id"])
    op.create_table(
        "study_reading",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("assignment_id", "assignment.id"),
        sa.Column("opinion", sa.String(10), nullable=False),
        sa.Column("key", sa.String(32), nullable=False, unique=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column(
            "supersedes_id",
            sa.Integer,
            sa.ForeignKey("study_reading.id", ondelete="CASCADE"),
            unique=True,
        ),
        sa.Column("opened_at", sa.DateTime, nullable=False),
        sa.Column("saved_at", sa.DateTime, nullable=False),
        sa.Column("active_ms", sa.Integer, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("unreadable", sa.Boolean, nullable=False),
        sa.Column("model_sha256", sa.String(64)),
        sa.UniqueConstraint("assignment_id", "opinion", "revision", name="reading_revision"),
        sa.CheckConstraint("opinion IN ('first', 'second')", name="reading_opinions"),
        sa.CheckConstraint("revision >= 1", name="reading_count"),
        sa.CheckConstraint("active_ms >= 0", name="reading_time"),
    )
    op.create_index("ix_study_reading_assignment_id", "study_reading", ["assignment_id"])
    op.create_table(
        "finding_reading",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("reading_id", "study_reading.id"),
        sa.Column("finding", words(500), nullable=False),
        sa.Column("presence", sa.String(10), nullable=False),
        sa.Column("confidence", sa.Integer),
        sa.Column("boxes", sa.JSON, nullable=False),
        sa.Column("verdicts", sa.JSON, nullable=False),
        sa.UniqueConstraint("reading_id", "finding", name="finding_once"),
        sa.CheckConstraint("presence IN ('present', 'absent', 'unsure')", name="finding_presence"),
        sa.CheckConstraint("confidence IS NULL OR confidence BETWEEN 0 AND 100", name="finding_confidence"),
    )
    op.create_index("ix_finding_reading_reading_id", "finding_reading", ["reading_id"])
    op.create_table(
        "event",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("assignment_id", sa.Integer, sa.ForeignKey("assignment.id"), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("happened_at", sa.DateTime, nullable=False),
    )
    op.create_index("ix_event_assignment_id", "event", ["assignment_id"])
    _lock_events()


def _lock_events() -> None:
    """What is stored of events stays, whoever asks."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION event_never_changes() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'events are never changed'; END $$"
        )
        for name, change, each in (("row", "UPDATE OR DELETE", "ROW"), ("table", "TRUNCATE", "STATEMENT")):
            op.execute(
                f"CREATE TRIGGER event_{name}_stays BEFORE {change} ON event "
                f"FOR EACH {each} EXECUTE FUNCTION event_never_changes()"
            )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER event_no_{change.lower()} BEFORE {change} ON event "
            "BEGIN SELECT RAISE(ABORT, 'events are never changed'); END"
        )


def _reference(name: str, target: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, sa.ForeignKey(target, ondelete="CASCADE"), nullable=False)
