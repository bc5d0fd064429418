"""What a model folder tells of its model without loading it: name, hash, and how it was taught."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from patchclip import PatchClipError
from patchclip.model.checkpoint import RECORD as MODEL
from patchclip.model.checkpoint import WEIGHTS, checkpoint_sha256
from patchclip.records import parse_json

TEACHING = "teach.json"
DAMAGED = "its teach.json cannot be read"
Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Identity(_Part):
    """A model's name, and the hash of its files."""

    name: str
    sha256: Hash


class Figure(_Part):
    """A value with its 95 % interval and n; None where it is undefined."""

    value: float | None
    ci: tuple[float | None, float | None]
    n: int


class Pair(_Part):
    """A figure of the parent, of the model, and their difference."""

    old: Figure
    new: Figure
    difference: Figure


class Comparison(_Part):
    """Both models on one set of images: headline figures, and those of single findings."""

    images: int
    headlines: dict[str, Pair]
    findings: dict[str, dict[str, Pair]]


class Readings(_Part):
    """How many images with readings were learnt from and held out, of which study."""

    study: str | None
    learnt_from: int
    held_out: int


class Teaching(_Part):
    """What the trainer wrote of a teaching."""

    format: Literal[1]
    made_at: str
    verdict: Literal["accepted", "overridden", "refused"]
    reasons: list[str]
    override: str | None
    parent: Identity
    model: Identity
    readings: Readings
    calibration: str
    comparisons: dict[str, Comparison]


class Between(_Part):
    """What the trainer wrote of two models that it compared."""

    format: Literal[1]
    made_at: str
    old: Identity
    new: Identity
    study: str | None
    left_out: int
    comparisons: dict[str, Comparison]


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model of a deployment.

    Attributes:
        folder: of its checkpoint.
        name, sha256: of it.
        teaching: how it was made, where it was taught.
        note: what is wrong with that record, or "".
    """

    folder: Path
    name: str
    sha256: str
    teaching: Teaching | None = None
    note: str = ""


class Reader:
    """Reads model folders, each anew only when its files have changed."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, ...], ModelRecord]] = {}

    def record(self, folder: Path) -> ModelRecord | None:
        """Of a folder; None where it holds no checkpoint, or one that cannot be read."""
        try:
            stamp = tuple(
                value
                for name in (WEIGHTS, MODEL)
                for value in (lambda status: (status.st_mtime_ns, status.st_size))((folder / name).stat())
            )
            known = self._known.get(folder)
            if known is None or known[0] != stamp:
                known = self._known[folder] = (stamp, _read(folder))
            return known[1]
        except (OSError, ValueError, KeyError, TypeError, PatchClipError):
            return None


def read_teaching(folder: Path) -> Teaching | None:
    """The record of a teaching in a folder; None where there is none.

    Raises:
        ValueError: it is damaged.
    """
    try:
        text = (folder / TEACHING).read_bytes()
    except OSError:
        return None
    try:
        return Teaching.model_validate(parse_json(text))
    except ValidationError as error:
        raise ValueError(DAMAGED) from error


def _read(folder: Path) -> ModelRecord:
    text = (folder / MODEL).read_bytes()
    sha256 = checkpoint_sha256(folder)
    record: Mapping[str, Any] = json.loads(text)
    teaching, note = None, ""
    try:
        teaching = read_teaching(folder)
    except ValueError:
        note = DAMAGED
    if teaching is not None and teaching.model.sha256 != sha256:
        teaching, note = None, "its teach.json is of another model"
    return ModelRecord(folder, str(record["config"]["name"]), sha256, teaching, note)
