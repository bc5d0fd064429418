"""Values of a JSON file to dataclasses, strictly: a text is no number, a number no yes or no, and what is
wrong is one sentence."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from patchclip.errors import CheckpointError

T = TypeVar("T")


def parse_json(text: bytes) -> Any:
    """Any JSON value.

    Raises:
        ValueError: it is no JSON, is nested too deeply, or has a number that is not finite.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def read_by_label(path: Path, kind: type[T]) -> dict[str, T]:
    """A checkpoint's file of one record for each finding; empty where the checkpoint has none.

    Raises:
        CheckpointError: the file is damaged.
    """
    remedy = "fetch the checkpoint again"
    if not path.is_file():
        return {}
    try:
        values = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is not valid JSON; {remedy}.") from error
    wanted: Any = dict[str, kind]  # type: ignore[valid-type]
    records: dict[str, T] = typed(wanted, values, str(path), remedy)
    return records


def typed(kind: type[T], values: object, what: str, remedy: str) -> T:
    """A dataclass from what its fields are in JSON; keys that are no field are ignored.

    Args:
        kind: the dataclass, or another type that pydantic knows.
        values: from `parse_json`.
        what: begins the sentence of an error, e.g. "The model config".
        remedy: ends it, e.g. "fetch the checkpoint again".

    Raises:
        CheckpointError: a field is missing or of another type.
    """
    wanted: Any = kind
    try:
        value: T = _adapter(wanted).validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part)[:60] for part in first["loc"]) or "all of it"
        raise CheckpointError(f"{what} cannot be read ({place}: {first['msg']}); {remedy}.") from None
    return value


@lru_cache(maxsize=32)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no number")
