"""Which schemas there are, and what is said of a database of another one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

FIRST_TABLES = {"alembic_version", "prediction", "feedback", "box"}  # of every schema so far
MIGRATIONS = Path(__file__).parent / "migrations"
NEWER_MEANWHILE = (
    "A newer version of Patch-CLIP has changed the feedback database while this one runs, so nothing is "
    "saved; start that version, or put a copy of before back (python -m app backup FILE --restore)."
)


@cache
def known_revisions() -> frozenset[str]:
    """Of all schemas so far."""
    scripts = ScriptDirectory.from_config(configuration())
    return frozenset(script.revision for script in scripts.walk_revisions())


def configuration() -> Config:
    """Of Alembic."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
