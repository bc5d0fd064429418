"""Settings of the front end: defaults, environment variables and command-line flags, all from one model."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict, SettingsError

from patchclip import PatchClipError
from patchclip.execution import Backend, Precision
from patchclip.resources import checkpoint_folder

HOME = Path("~/.local/share/patch-clip")
URL = re.compile(r"postgres[a-z0-9+]*://", re.IGNORECASE)


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
        description="Address to listen on; anything but this machine itself needs accounts (python -m app "
        "account) or a proxy's sign-in.",
    )
    port: int = Field(7860, ge=1, le=65535, description="Port to listen on.")
    allowed_hosts: str = Field(
        "",
        description="Names, parted by commas, that the page is reached by besides the address listened on.",
    )
    label_origins: str = Field(
        "",
        description="Origins of other pages, parted by commas, that may ask by the MONAI Label protocol.",
    )
    auth_dependency: str | None = Field(
        None,
        description="A proxy's sign-in, as module:function: it takes the Starlette request and returns the "
        "person's name, or None where nobody is signed in.",
    )
    auth_new_readers: bool = Field(
        False,
        description="Whether a name that the proxy gives and nobody has becomes a reader; refused otherwise.",
    )
    sign_in_idle_minutes: int = Field(
        120, ge=1, description="A sign-in ends after so many minutes without a request."
    )
    sign_in_hours: int = Field(12, ge=1, description="A sign-in ends after so many hours in any case.")
    database: Path | SecretStr = Field(
        HOME / "feedback.sqlite3",
        validate_default=True,
        description="SQLite file that holds the feedback, or the URL of a PostgreSQL database, "
        "postgresql://user:password@host/name. Better set as a variable, since others see flags.",
    )
    metrics_token: SecretStr | None = Field(
        None,
        description="Bearer token that GET /metrics asks for; without one, the figures are for "
        "programs on this machine alone. Better set as a variable, since others see flags.",
    )
    log_format: Literal["text", "json"] = Field(
        "text", description='What is logged: a line of words for each fault, or, as "json", an object a line.'
    )
    checkpoint: Path | None = Field(
        None,
        description='Folder of a checkpoint, or a bundled model by name, as "patchclip-cxr-b"; the smaller '
        "bundled one if not given.",
    )
    models: Path | None = Field(
        None,
        description="Folder of models that are taught and chosen in the page; models beside the database if "
        "not given.",
    )
    teach_data: list[str] = Field(
        default_factory=list,
        description="Original data that a model learns from again while it is taught, as the trainer's "
        "--data takes it, such as nih:FOLDER.",
    )
    prior: list[str] = Field(
        default_factory=list,
        description="How often a finding is present at this site, such as Effusion=0.3, or a JSON file of "
        "such pairs; probabilities are then those for this site.",
    )
    backend: Backend = Field(
        "torch",
        description="What computes the model: torch, onnx (ONNX Runtime on the graph that python -m "
        "patchclip onnx writes), or auto, whichever is faster here.",
    )
    precision: Precision = Field(
        "fp32", description="fp32, bf16, or auto: bf16 where the processor computes it natively."
    )
    mirror: bool = Field(
        True,
        description="Whether the mirror image is encoded too, where the model was calibrated so; without, a "
        "pass takes half of the time.",
    )
    twin: Path | None = Field(
        None,
        description="Folder of the box-free twin, whose saliency maps are compared with; the bundled one if "
        "not given. It is loaded when it is first asked for.",
    )
    truth: Path | None = Field(
        None,
        description="CSV file of truth boxes to compare maps with: sha256 of the pixels, finding, x, y, w, h "
        "in original pixels.",
    )
    upload_limit_mb: int = Field(64, ge=1, description="Largest file that may be opened, in MB.")
    study_memory_mb: int = Field(
        2000,
        ge=1,
        description="Memory in MB for the encodings and pictures of open studies, of all windows together; "
        "the study unused longest makes room, and is made anew when it is needed.",
    )
    study_folder: Path | None = Field(
        None,
        description="Folder for what studies keep ready: films, maps, and what was fetched from an archive; "
        "beside the database if not given.",
    )
    study_cases: Path | None = Field(
        None,
        description="Folder below which the cases lie of studies that are made in the page; none if not set.",
    )
    search_folder: Path | None = Field(
        None,
        description="Folder that patchclip batch wrote, which /archive-search searches; none if not given.",
    )
    search_films: Path | None = Field(
        None,
        description="Folder of the films that the batch read, from which hits are opened; none if not given.",
    )
    search_key: Path | None = Field(
        None,
        description="The batch's key file, by which films are found; the one in its folder if not given.",
    )

    dicomweb: SecretStr | None = Field(
        None,
        description="Address of a DICOMweb archive, in which films are found and results stored; user and "
        "password may stand in it. Better set as a variable, since others see flags.",
    )
    dicomweb_token: SecretStr | None = Field(
        None, description="Bearer token for that archive, instead of user and password."
    )
    receive_port: int | None = Field(
        None, ge=1, le=65535, description="Port on which pushed films are taken (C-STORE); none if not given."
    )
    receive_host: str = Field("127.0.0.1", description="Address on which pushed films are taken.")
    receive_title: str = Field(
        "PATCHCLIP", description="Application entity title that senders of films must call."
    )
    receive_senders: str = Field(
        "", description="Application entity titles, parted by commas, that may send films; all if not given."
    )

    @field_validator("receive_title", "receive_senders")
    @classmethod
    def _titles(cls, text: str) -> str:
        for title in text.split(","):
            if not re.fullmatch(r"[\x20-\x5b\x5d-\x7e]{0,16}", title.strip()):
                raise ValueError("an application entity title has 16 plain characters at most")
        return text

    @field_validator("checkpoint")
    @classmethod
    def _bundled_by_name(cls, value: Path | None) -> Path | None:
        return None if value is None else checkpoint_folder(value)

    @field_validator("label_origins")
    @classmethod
    def _origins(cls, text: str) -> str:
        for origin in text.replace(",", " ").split():
            if not re.fullmatch(r"https?://[^/?#@\s*]+/?", origin):
                raise ValueError("an origin is http:// or https:// with a host and, if need be, a port")
        return text

    @field_validator("database", mode="before")
    @classmethod
    def _file_or_url(cls, given: object) -> object:
        return read_database(given) if isinstance(given, str | Path) else given

    @property
    def database_folder(self) -> Path:
        """The folder of the database's file, or where it would be if the database were one."""
        return self.database.parent if isinstance(self.database, Path) else HOME.expanduser()

    @property
    def study_files(self) -> Path:
        """The folder of `study_folder`, or the one beside the database."""
        return (self.study_folder or self.database_folder / "studies").expanduser()

    @property
    def model_files(self) -> Path:
        """The folder of `models`, or the one beside the database."""
        return (self.models or self.database_folder / "models").expanduser()

    @property
    def host_names(self) -> tuple[str, ...]:
        """The names of `allowed_hosts`."""
        return tuple(self.allowed_hosts.replace(",", " ").split())

    @property
    def guests(self) -> tuple[str, ...]:
        """The origins of `label_origins`."""
        return tuple(origin.rstrip("/") for origin in self.label_origins.replace(",", " ").split())

    @property
    def senders(self) -> tuple[str, ...]:
        """The titles of `receive_senders`."""
        return tuple(title.strip() for title in self.receive_senders.split(",") if title.strip())


def read_database(given: str | Path) -> Path | SecretStr:
    """A database as it is named: a file, or the URL of one that a PostgreSQL server has.

    Raises:
        ValueError: it is the URL of something else.
    """
    if isinstance(given, str) and URL.match(given):
        return SecretStr(given)
    if "://" in str(given):
        raise ValueError("a database is a file, or postgresql://user:password@host/name")
    return Path(given).expanduser()


def _database_flag(given: str) -> Path | SecretStr:
    try:
        return read_database(given)
    except ValueError as error:  # of which argparse would show what was given, password and all
        raise argparse.ArgumentTypeError(str(error)) from error


def add_database_flag(parser: argparse.ArgumentParser) -> None:
    """Gives a command --database, of which it gets a path or the URL that it hides."""
    parser.add_argument(
        "--database",
        type=_database_flag,
        default=read_settings([]).database,
        metavar="FILE",
        help="of the server, or its URL",
    )


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
