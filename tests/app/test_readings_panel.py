"""Readings as the page sends them: stored with what was shown, revised, counted, refused with a sentence."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
import sqlalchemy

from app.readings_panel import MOST_ROWS
from app.store import FeedbackRepository
from tests.app.fake_engine import PEAK, FakeEngine
from tests.app.page_client import PageClient, reading


def test_a_reading_is_stored_with_what_was_shown(
    window: PageClient, repository: FeedbackRepository, study: str
) -> None:
    window.call("ask", study=study, text="no pneumothorax")
    reply = window.call("save", **reading(study))
    assert (reply["row"], reply["revision"], reply["finding"]) == (1, 1, "pneumothorax")
    row = repository.rows()[0]
    assert (row["image_height"], row["image_width"]) == (400, 320)
    assert (row["query"], row["finding"], row["negated"]) == ("no pneumothorax", "pneumothorax", True)
    assert row["query_probability"] == pytest.approx(0.17)
    assert row["finding_probability"] == pytest.approx(0.83)
    assert (row["confidence"], row["seconds"], row["zoom"]) == (80, 33.25, 1.5)
    assert (row["map_shown"], row["saliency_shown"]) == (True, ["grad_cam"])
    assert (row["model_name"], row["model_sha256"]) == ("fake-model", "f" * 64)
    assert row["execution"] == FakeEngine.computation.to_dict()
    assert (row["presence"], row["location"], row["boxes"]) == ("absent", "wrong", [])
    assert row["parameters"]["display"] == {"threshold": 0.35, "colours": "cividis", "zoom": 1.5}
    assert window.call("history") == {"rows": [row], "total": 1}
    assert json.loads(window.call("export", kind="json")["text"])["feedback"] == [row]
    assert (
        next(csv.DictReader(io.StringIO(window.call("export", kind="csv")["text"])))["comment"]
        == "nothing there"
    )


def test_a_judged_picture_is_known_again(window: PageClient, png: bytes, study: str) -> None:
    window.call("ask", study=study, text="no pneumothorax")
    given = reading(study)
    window.call("save", **given)
    opened = window.send("open_upload", png)
    assert opened["judged"] is None  # whose judgements, the page has to ask
    images = [opened["sha256"], "0" * 64]
    assert window.call("judged", reader=f" {given['reader']} ", images=images) == {"judged": [1, 0]}
    assert window.call("judged", reader="Dr Other", images=images) == {"judged": [0, 0]}
    assert window.call("judged", reader="", images=images) == {"judged": [0, 0]}


def test_a_named_reader_gets_rows_and_files_of_that_name_alone(window: PageClient, study: str) -> None:
    window.call("ask", study=study, text="no pneumothorax")
    for reader in ("Dr A", "Dr B"):
        window.call("save", **reading(study, reader=reader))
    whose: list[tuple[str | None, list[str]]] = [
        ("Dr A", ["Dr A"]),
        (" Dr B ", ["Dr B"]),
        ("Dr C", []),
        ("", []),
        (None, ["Dr B", "Dr A"]),
    ]
    for name, readers in whose:
        listed = window.call("history", reader=name)
        exported = json.loads(window.call("export", kind="json", reader=name)["text"])["feedback"]
        assert listed == {"rows": exported, "total": len(readers)}
        assert [row["reader"] for row in exported] == readers


def test_history_says_how_much_it_leaves_out(
    window: PageClient, monkeypatch: pytest.MonkeyPatch, study: str
) -> None:
    monkeypatch.setattr("app.readings_panel.MOST_ROWS", 2)
    window.call("ask", study=study, text="no pneumothorax")
    for comment in ("first", "second", "third"):
        window.call("save", **reading(study, comment=comment))
    reply = window.call("history")
    assert [row["comment"] for row in reply["rows"]] == ["third", "second"]
    assert reply["total"] == 3
    assert MOST_ROWS == 200


def test_an_unreadable_database_stops_nobody_from_looking_and_asking(
    window: PageClient, database: sqlalchemy.Engine, png: bytes
) -> None:
    with database.begin() as connection:
        connection.execute(sqlalchemy.text("DROP TABLE feedback"))
    opened = window.send("open_upload", png)
    assert opened["judged"] == 0
    assert any("database cannot be read" in warning for warning in opened["warnings"])
    assert len(window.call("ask", study=opened["study"], text="mass")["answers"]) == 1
    assert "cannot be read" in window.call("history")["error"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"query": "mass"}, "not asked of this study"),
        ({"query": None, "location": None}, "Name the finding that you read"),
        ({"query": None, "location": None, "finding": "no mass"}, "Name the finding itself"),
        ({"query": None, "location": None, "finding": "mass and nodule"}, "one finding at a time"),
        ({"query": None, "finding": "mass"}, "not shown"),
        ({"map_shown": False}, "not shown"),
        ({"location": "right"}, "correct, partly correct or wrong"),
        ({"location": "correct"}, "lit where the finding is called absent"),
        ({"boxes": [[1, 2, 3, 4]]}, "yet 1 outline is drawn"),
        ({"shapes": [{"kind": "point", "points": [1, 2]}]}, "yet 1 outline is drawn"),
        ({"confidence": 101}, "confidence"),
        ({"supersedes": 7}, "own reading"),
        ({"shapes": [{"kind": "point", "points": [[1, 2]]}]}, "does not understand an outline"),
        ({"shapes": [{"kind": "polygon", "points": [[1, 2], [3, 4]]}]}, "does not understand an outline"),
        ({"shapes": [{"kind": "ring", "points": [1, 2]}]}, "does not understand an outline"),
        ({"shapes": [{"kind": "point", "points": [1, 2]}] * 101}, "100 outlines at most"),
        ({"presence": ""}, "present, absent or unsure"),
        ({"reader": " "}, "name or initials"),
        ({"boxes": [[300, 20, 30, 40]]}, "outside the image"),
        ({"boxes": [[1, 2, 3]]}, "does not understand"),
        ({"boxes": [["a", 2, 3, 4]]}, "does not understand"),
    ],
)
def test_a_reading_that_cannot_be_saved_says_why(
    window: PageClient, repository: FeedbackRepository, study: str, changes: dict[str, Any], words: str
) -> None:
    window.call("ask", study=study, text="no pneumothorax")
    assert words in window.call("save", **reading(study, **changes))["error"]
    assert repository.rows() == []


def test_a_reading_sent_again_is_stored_once(
    window: PageClient, repository: FeedbackRepository, study: str
) -> None:
    window.call("ask", study=study, text="no pneumothorax")
    sent = reading(study)
    first, again = window.call("save", **sent), window.call("save", **sent)
    assert first == again
    assert len(repository.rows()) == 1
    assert "key" in window.call("save", **{**sent, "comment": "something else"})["error"]
    window.call("save", **reading(study))
    assert len(repository.rows()) == 2


def test_whether_a_map_is_lit_is_told_by_what_was_shown(
    window: PageClient, repository: FeedbackRepository, study: str
) -> None:
    """Above the highest value of a map nothing was painted."""
    window.call("ask", study=study, text="no pneumothorax")
    dark = {"display": {"threshold": PEAK + 0.05}}
    assert "saved" in window.call("save", **reading(study, location="correct", **dark))
    present = reading(study, presence="present", location="correct", **dark)
    assert "dark where the finding is called present" in window.call("save", **present)["error"]
    assert "saved" in window.call("save", **reading(study, presence="present", location="correct"))
    assert [row["presence"] for row in repository.rows()] == ["present", "absent"]


def test_shapes_and_boxes_are_stored(window: PageClient, repository: FeedbackRepository, study: str) -> None:
    window.call("ask", study=study, text="no pneumothorax")
    shapes = [
        {"kind": "box", "points": [10, 20, 30, 40]},
        {"kind": "point", "points": [5, 6.5]},
        {"kind": "polygon", "points": [[0, 0], [9, 0], [9, 9]]},
    ]
    drawn = {"presence": "present", "shapes": shapes, "boxes": [[1, 2, 3, 4]]}
    assert "saved" in window.call("save", **reading(study, **drawn))
    row = repository.rows()[0]
    assert row["boxes"] == [[1, 2, 3, 4], [10, 20, 30, 40]]
    assert row["outlines"] == [
        {"kind": "point", "points": [[5, 6.5]]},
        {"kind": "polygon", "points": [[0, 0], [9, 0], [9, 9]]},
    ]


def test_a_saved_reading_is_revised(window: PageClient, repository: FeedbackRepository, study: str) -> None:
    window.call("ask", study=study, text="no pneumothorax")
    first = window.call("save", **reading(study))
    second = window.call("save", **reading(study, presence="unsure", supersedes=first["row"]))
    assert (second["row"], second["revision"]) == (2, 2)
    again = window.call("save", **reading(study, presence="present", supersedes=first["row"]))
    assert "revised meanwhile" in again["error"]
    rows = [(row["presence"], row["current"], row["reading"]) for row in repository.rows()]
    assert rows == [("unsure", True, 1), ("absent", False, 1)]


@pytest.mark.parametrize(
    ("named", "finding", "in_vocabulary", "side"),
    [
        ("effusion", "pleural effusion", True, None),
        (" left  pleural effusion ", "pleural effusion", True, "left"),
        ("Chilaiditi sign", "Chilaiditi sign", False, None),
        ("胸腔积液", "胸腔积液", False, None),
    ],
)
def test_a_finding_is_read_without_asking(
    window: PageClient,
    repository: FeedbackRepository,
    study: str,
    named: str,
    finding: str,
    in_vocabulary: bool,
    side: str | None,
) -> None:
    unasked = {"query": None, "finding": named, "location": None, "map_shown": False}
    assert window.call("save", **reading(study, **unasked))["finding"] == finding
    row = repository.rows()[0]
    assert (row["asked"], row["query"], row["finding"]) == (False, "", finding)
    assert (row["in_vocabulary"], row["side"]) == (in_vocabulary, side)
    assert (row["query_probability"], row["model_sha256"], row["saliency_shown"]) == (None, None, [])
