"""Where comparisons of models are kept: the newest one that can be read is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.models.comparisons import FOLDER, RECORD, Comparisons


def write(folder: Path, name: str, text: str) -> None:
    """One comparison, as the trainer leaves it."""
    place = folder / FOLDER / name
    place.mkdir(parents=True)
    (place / RECORD).write_text(text)


def told(made_at: str, old: str, new: str) -> str:
    """A record without figures."""
    names = {"old": {"name": "a", "sha256": old}, "new": {"name": "b", "sha256": new}}
    return json.dumps(
        {"format": 1, "made_at": made_at, **names, "study": None, "left_out": 0, "comparisons": {}}
    )


@pytest.mark.parametrize("damaged", ["{", "[]", "", '{"format": 1}'])
def test_a_damaged_record_hides_no_older_one(tmp_path: Path, damaged: str) -> None:
    write(tmp_path, "1", told("2026-01-01", "f" * 64, "e" * 64))
    write(tmp_path, "2", told("2026-01-02", "f" * 64, "e" * 64))
    write(tmp_path, "3", told("2026-01-03", "f" * 64, "d" * 64))
    write(tmp_path, "4", damaged)
    newest = Comparisons(tmp_path).newest("f" * 64, "e" * 64)
    assert newest is not None and newest.made_at == "2026-01-02"
    assert Comparisons(tmp_path).newest("e" * 64, "f" * 64) is None
