"""CSV and JSON export: complete, readable by the usual parsers, harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from app.store import FeedbackRepository, NamedFinding
from patchclip.execution import Computation
from tests.app.test_repository import feedback, finding


def table(text: str) -> list[dict[str, str]]:
    """A CSV text as Python's own parser reads it."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


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
    assert (float(first["query_probability"]), float(first["finding_probability"])) == (0.125, 0.875)
    assert (first["confidence"], first["seconds"], first["zoom"]) == ("70", "12.5", "2.5")
    assert (first["map_shown"], json.loads(first["saliency_shown"])) == ("True", ["grad_cam"])
    assert (second["boxes"], second["location"]) == ("[]", "")
    assert list(first) == list(repository.rows()[0])


def test_every_answer_says_how_it_was_computed_and_what_nobody_asked_does_not(
    repository: FeedbackRepository,
) -> None:
    computed = Computation("torch", "bf16", mirror=False, input_size=512, device="cpu").to_dict()
    repository.add(feedback(execution=computed))
    repository.add(feedback(execution=computed, answer=NamedFinding("cyst", False), location=None))
    repository.add(feedback(execution=None))  # as older versions stored it
    unknown, unasked, asked = json.loads(repository.export_json())["feedback"]
    assert asked["execution"] == computed
    assert unasked["execution"] is None and unknown["execution"] is None
    assert [row["execution"] for row in table(repository.export_csv())] == ["", "", json.dumps(computed)]


def test_csv_of_nothing_has_its_header(repository: FeedbackRepository) -> None:
    lines = repository.export_csv().splitlines()
    assert len(lines) == 1
    assert {"reader", "query", "query_probability", "presence", "current", "image_sha256", "boxes"} <= set(
        lines[0].split(",")
    )


STARTS = (
    "=",
    "+",
    "-",
    "@",
    "\t=",
    "\r=",
    " =",
    "\n=",
    "\v+",
    "\u3000@",
    "＝",
    "＋",
    "－",
    "＠",
    "﹣",
    "\u200b=",
)


@pytest.mark.parametrize("start", STARTS)
def test_no_cell_can_be_run_by_a_spreadsheet(repository: FeedbackRepository, start: str) -> None:
    attack = start + 'HYPERLINK("http://example.invalid")'
    query = attack.strip() or attack
    repository.add(feedback(comment=attack, reader=attack, answer=finding(query=query, finding=query)))
    row = table(repository.export_csv())[0]
    for name in ("comment", "reader", "query", "finding"):
        assert "HYPERLINK" in row[name]
        assert row[name].startswith("'"), name


def test_a_line_end_of_any_kind_stays_inside_its_cell(repository: FeedbackRepository) -> None:
    repository.add(feedback(comment="first\r=cmd|' /C calc'!A0\rlast", reader="a\rb"))
    text = repository.export_csv()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == 2
    assert len(rows[0]) == len(rows[1])
    row = dict(zip(*rows, strict=True))
    assert row["comment"] == "first\r=cmd|' /C calc'!A0\rlast"
    assert row["reader"] == "a\rb"
    unquoted = re.sub(r'"(?:[^"]|"")*"', "", text)  # what a reader of bare lines sees outside quotes
    assert unquoted.count("\r") == unquoted.count("\r\n") == 2
