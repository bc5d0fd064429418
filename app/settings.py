"""Settings of the front end: defaults, environment variables and command-line flags, all from one model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict, SettingsError

from patchclip import PatchClipError


class UsageError(PatchClipError):
    """A flag or an environment variable is wrong."""


class Settings(BaseSettings):
    """Patch-CLIP's front end. Research use only, not for clinical use.

    Each setting is a flag, e.g. --port 7861, or an environment variable, PATCHCLIP_PORT=7861; where both are
    given the flag counts.
    """

    model_config = SettingsConfigDict(
        env_prefix="PATCHCLIP_",
        extra="forbid",
        cli_prog_name="python -m app",
        cli_kebab_case=True,
        cli_exit_on_error=False,
        cli_hide_none_type=True,
    )

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on; anything but this machine itself needs your own access control.",
    )
    port: int = Field(7860, ge=1, le=65535, description="Port to listen on.")
    allowed_hosts: str = Field(
        "",
        description="Names, parted by commas, that the page is reached by besides the address listened on.",
    )
    database: Path = Field(
        Path("~/.local/share/patch-clip/feedback.sqlite3"),
        validate_default=True,
        description="SQLite file that holds the feedback.",
    )
    checkpoint: Path | None = Field(None, description="Folder of a checkpoint; the bundled one if not given.")
    upload_limit_mb: int = Field(64, ge=1, description="Largest file that may be opened, in MB.")
    open_studies: int = Field(
        12, ge=1, description="Studies kept open in one browser window; the one unused longest makes room."
    )

    @field_validator("database")
    @classmethod
    def _below_home(cls, path: Path) -> Path:
        return path.expanduser()

    @property
    def host_names(self) -> tuple[str, ...]:
        """The names of `allowed_hosts`."""
        return tuple(self.allowed_hosts.replace(",", " ").split())


def read_settings(arguments: Sequence[str]) -> Settings:
    """The settings of a command line, without the program's name; --help prints the flags and exits.

    Raises:
        UsageError: a flag is unknown, or a value makes no sense.
    """
    try:
        return CliApp.run(Settings, cli_args=list(arguments))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in problem["loc"])
        raise UsageError(
            f"The setting {name} is not valid ({problem['msg']}); python -m app --help says what it is."
        ) from error
    except SettingsError as error:
        reason = str(error).removeprefix("error parsing CLI: ")
        raise UsageError(
            f"The command line cannot be read ({reason}); python -m app --help lists the flags."
        ) from error
