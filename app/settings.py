"""Settings of the front end: defaults, environment variables, and command-line flags on top."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _data_folder() -> Path:
    return Path.home() / ".local" / "share" / "patch-clip"


class Settings(BaseSettings):
    """Each field is read from the environment variable PATCHCLIP_ + its name in capitals, e.g. PATCHCLIP_PORT=7861."""

    model_config = SettingsConfigDict(env_prefix="PATCHCLIP_", extra="forbid")

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on; anything but this machine itself needs your own access control.",
    )
    port: int = Field(7860, ge=1, le=65535, description="Port to listen on.")
    database: Path = Field(
        default_factory=lambda: _data_folder() / "feedback.sqlite3",
        description="SQLite file that holds the feedback.",
    )
    checkpoint: Path | None = Field(None, description="Folder of a checkpoint; the bundled one if not given.")
    upload_limit_mb: int = Field(64, ge=1, description="Largest file that may be opened, in MB.")
    open_studies: int = Field(
        12, ge=1, description="Studies kept open in one browser window; the one unused longest makes room."
    )
