"""CSV and JSON export: complete, readable by the usual parsers, harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json

import pytest

from app.store import FeedbackRepository
from tests.app.test_repository import feedback, finding


def table(text: str) -> list[dict[str, str]]:
    """A CSV text as Python's own parser reads it."""
    return list(csv.DictReader(io.StringIO(text)))


def test_json_holds_every_row_and_the_notice(repository: FeedbackRepository) -> None:
    repository.add(feedback(comment="Größe unklar\nzweite Zeile"))
    repository.add(feedback(reader="B"))
    exported = json.loads(repository.export_json())
    assert exported["notice"] == "research use only, not for clinical use"
    assert exported["feedback"] == repository.rows()
    assert exported["feedback"][1]["comment"] == "Größe unklar\nzweite Zeile"


def test_csv_holds_the_same_rows(repository: FeedbackRepository) -> None:
    repository.add(feedback(comment='commas, "quotes"\nand lines'))
    repository.add(feedback(reader="B", boxes=[], location=None))
    second, first = table(repository.export_csv())
    assert (first["reader"], second["reader"]) == ("Dr Example", "B")
    assert first["comment"] == 'commas, "quotes"\nand lines'
    assert json.loads(first["boxes"]) == [[10.5, 20.25, 30.0, 40.0], [0.0, 0.0, 200.0, 100.0]]
    assert json.loads(first["parameters"])["display"]["threshold"] == 0.4
    assert float(first["probability"]) == 0.125
    assert (second["boxes"], second["location"]) == ("[]", "")
    assert list(first) == list(repository.rows()[0])


def test_csv_of_nothing_has_its_header(repository: FeedbackRepository) -> None:
    lines = repository.export_csv().splitlines()
    assert len(lines) == 1
    assert {"reader", "query", "probability", "presence", "boxes"} <= set(lines[0].split(","))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " =", "\n="])
def test_no_cell_can_be_run_by_a_spreadsheet(repository: FeedbackRepository, start: str) -> None:
    attack = start + 'HYPERLINK("http://example.invalid")'
    query = attack.strip() or attack
    repository.add(feedback(comment=attack, reader=attack, finding=finding(query=query, finding=query)))
    row = table(repository.export_csv())[0]
    for name in ("comment", "reader", "query", "finding"):
        assert "HYPERLINK" in row[name]
        assert row[name].lstrip()[0] not in "=+-@", name
