"""The versions of a checkpoint's record, and the way from each to the next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from patchclip.errors import CheckpointError
from patchclip.records import parse_json

FORMAT = 4
SECTIONS = ("config", "vocabulary", "calibration", "gates")
Record = dict[str, Any]


def read_record(text: bytes, path: Path) -> Record:
    """A record as this version writes it, whatever version wrote it.

    Args:
        text: of the file.
        path: names it in errors.

    Raises:
        CheckpointError: it is none, its format is newer than this version's, or a section is no object.
    """
    try:
        record: Any = parse_json(text)
    except ValueError as error:
        raise CheckpointError(f"{path} is not valid JSON; fetch the checkpoint again.") from error
    if not isinstance(record, dict):
        raise CheckpointError(f"{path} holds no JSON object; fetch the checkpoint again.")
    number = record.get("format")
    if type(number) is not int or not (number == FORMAT or number in UPGRADES):
        raise CheckpointError(
            f"{path} has format {str(number)[:20]}, this version reads 1 to {FORMAT}; update Patch-CLIP."
        )
    for name in SECTIONS:
        if not isinstance(record.get(name), dict):
            raise CheckpointError(f'{path} has no section "{name}"; fetch the checkpoint again.')
    if not all(isinstance(gate, dict) for gate in record["gates"].values()):
        raise CheckpointError(f"{path} has a gate that is no JSON object; fetch the checkpoint again.")
    upgraded: Record = record
    while upgraded["format"] in UPGRADES:
        upgraded = UPGRADES[upgraded["format"]](upgraded)
    if not isinstance(upgraded.get("published", 0), dict | None):
        raise CheckpointError(f'{path} has no section "published"; fetch the checkpoint again.')
    if not isinstance(upgraded.get("members"), list):
        raise CheckpointError(f'{path} has no section "members"; fetch the checkpoint again.')
    return upgraded


def _from_1(record: Record) -> Record:
    """Format 1 knew models that were trained here alone."""
    return {**record, "format": 2, "published": None}


def _from_2(record: Record) -> Record:
    """Format 2 knew no ensembles."""
    return {**record, "format": 3, "members": []}


def _from_3(record: Record) -> Record:
    """Format 3 knew of no sources that logits tell."""
    return {**record, "format": 4, "calibration": {"sources": None, **record["calibration"]}}


UPGRADES: dict[int, Callable[[Record], Record]] = {1: _from_1, 2: _from_2, 3: _from_3}
"""Format -> what makes a record of the next one of it; every earlier format has an entry."""
