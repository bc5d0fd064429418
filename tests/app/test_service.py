"""What the page may ask of the server: answers, errors as sentences, and no trace of an upload."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from app.service import EXAMPLES, MOST_QUERIES, MOST_ROWS, Service
from app.store import FeedbackRepository
from tests.app.fake_engine import PEAK

WINDOW = "window-1"


def call(service: Service, method: str, /, **request: Any) -> dict[str, Any]:
    """A call as the page makes it: by name, guarded."""
    methods = {offered.__name__: offered for offered in service.methods()}
    return methods[method]({"window": WINDOW, **request})


def upload(service: Service, uploads: Path, content: bytes, name: str = "upload.png") -> dict[str, Any]:
    """Opens a file as if it had just arrived."""
    folder = uploads / "0123456789"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return call(service, "open_upload", path=str(folder / name))


@pytest.fixture
def study(service: Service, uploads: Path, png: bytes) -> str:
    """The id of an open study of 400 x 320 pixels."""
    return str(upload(service, uploads, png)["study"])


def test_start_tells_the_model_and_what_may_be_asked(service: Service) -> None:
    start = call(service, "start")
    assert start["model"] == {"name": "fake-model", "sha256": "f" * 64}
    assert "pleural effusion" in start["suggestions"]
    assert start["most_queries"] == MOST_QUERIES
    assert all(len(table) == 256 for table in start["colours"].values())


def test_an_upload_is_opened_and_its_file_is_gone(service: Service, uploads: Path, png: bytes) -> None:
    opened = upload(service, uploads, png, "Mustermann_Erika.png")
    assert opened["size"] == [400, 320]
    assert opened["judged"] == 0
    assert opened["synthetic"] is False
    assert opened["decode_ms"] > 0
    assert opened["encode_ms"] == 1.5
    assert "Mustermann" not in json.dumps(opened)
    assert [path for path in uploads.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"just some text", "PNG"), (b"\0" * 128 + b"DICM" + b"\x02\0\0\0broken", "DICOM"), (b"", "empty")],
)
def test_what_is_no_radiograph_is_said_and_its_file_is_gone(
    service: Service, uploads: Path, content: bytes, words: str
) -> None:
    error = upload(service, uploads, content, "Mustermann_Erika.txt")["error"]
    assert words in error
    assert "Mustermann" not in error
    assert [path for path in uploads.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("path", ["/etc/passwd", "../feedback.sqlite3", "nothing-here.png", ""])
def test_only_files_of_the_upload_folder_are_opened(
    service: Service, uploads: Path, tmp_path: Path, path: str
) -> None:
    before = (tmp_path / "feedback.sqlite3").read_bytes()
    for candidate in (path, str(uploads / path)):
        assert "did not arrive" in call(service, "open_upload", path=candidate)["error"]
    assert (tmp_path / "feedback.sqlite3").read_bytes() == before
    assert Path("/etc/passwd").is_file()


@pytest.mark.parametrize("name", ["../vocabulary.json", "/etc/passwd", "none.png", ""])
def test_only_bundled_examples_are_opened_as_examples(service: Service, name: str) -> None:
    assert "no such example" in call(service, "open_example", name=name)["error"]


def test_every_bundled_example_opens_and_is_marked(service: Service) -> None:
    names = call(service, "start")["examples"]
    assert len(names) >= 2
    assert all(name.startswith("synthetic") for name in names)
    for name in names:
        opened = call(service, "open_example", name=name)
        assert opened["synthetic"] is True
        assert min(opened["size"]) >= 256
    assert sorted(path.name for path in EXAMPLES.iterdir() if path.suffix in {".png", ".dcm"}) == names


def test_several_queries_are_answered_in_order(service: Service, study: str) -> None:
    reply = call(
        service, "ask", study=study, text="pleural effusion; no pneumothorax ;; fractured femur; left mass"
    )
    effusion, pneumothorax, femur, mass = reply["answers"]
    assert reply["query_ms"] > 0
    assert (effusion["probability"], effusion["understood"]) == (0.83, "pleural effusion")
    assert effusion["map"]["max"] == pytest.approx(PEAK)
    assert effusion["map"]["values"][1][2] == pytest.approx(PEAK)
    assert effusion["map"]["extent"] == [0, 0, 320, 400]
    assert effusion["threshold"] == 0.5
    assert pneumothorax["probability"] == pytest.approx(0.17)
    assert pneumothorax["understood"].startswith("pneumothorax, negated")
    assert (femur["probability"], femur["in_vocabulary"], femur["map"]["max"]) == (None, False, 0)
    assert "far from what this model has learnt" in femur["warnings"][0]
    assert "left half" in mass["understood"]


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "empty"), ("  ; ", "empty"), ("x" * 6000, "6000"), ("; ".join(["mass"] * 21), "21 queries")],
)
def test_queries_that_cannot_be_answered_say_why(service: Service, study: str, text: str, words: str) -> None:
    assert words in call(service, "ask", study=study, text=text)["error"]


def test_nothing_open_and_closed_studies_are_said(
    service: Service, uploads: Path, png: bytes, study: str
) -> None:
    assert "No radiograph is open" in call(service, "ask", text="mass")["error"]
    assert "No radiograph is open" in call(service, "save", study="")["error"]
    for _ in range(2):
        upload(service, uploads, png)
    assert "no longer in memory" in call(service, "ask", study=study, text="mass")["error"]


def test_a_window_cannot_reach_another_windows_study(service: Service, study: str) -> None:
    assert "no longer in memory" in call(service, "ask", study=study, text="mass", window="window-2")["error"]
    assert "answers" in call(service, "ask", study=study, text="mass")


def test_grad_cam_is_of_an_answered_query(service: Service, study: str) -> None:
    assert "ask it first" in call(service, "compare", study=study, query="mass")["error"]
    call(service, "ask", study=study, text="mass")
    reply = call(service, "compare", study=study, query="mass")
    assert reply["map"]["values"][0] == pytest.approx([0, 1 / 3, 2 / 3, 1], abs=1e-3)
    assert reply["saliency_ms"] > 0


def reading(study: str, **changes: Any) -> dict[str, Any]:
    """A complete reading as the page sends it."""
    filled = {
        "study": study,
        "query": "no pneumothorax",
        "presence": "absent",
        "location": "wrong",
        "comment": "nothing there",
        "boxes": [[10, 20, 30, 40]],
        "reader": "Dr Example",
        "display": {"threshold": 0.35, "colours": "cividis", "nested": {"not": "kept"}},
    }
    return {**filled, **changes}


def test_a_reading_is_stored_with_what_was_shown(
    service: Service, repository: FeedbackRepository, study: str
) -> None:
    call(service, "ask", study=study, text="no pneumothorax")
    assert "saved" in call(service, "save", **reading(study))
    row = repository.rows()[0]
    assert (row["image_height"], row["image_width"]) == (400, 320)
    assert (row["query"], row["finding"], row["negated"]) == ("no pneumothorax", "pneumothorax", True)
    assert row["probability"] == pytest.approx(0.17)
    assert (row["model_name"], row["model_sha256"]) == ("fake-model", "f" * 64)
    assert (row["presence"], row["location"], row["boxes"]) == ("absent", "wrong", [[10, 20, 30, 40]])
    assert row["parameters"]["display"] == {"threshold": 0.35, "colours": "cividis"}
    assert call(service, "history") == {"rows": [row], "total": 1}
    assert json.loads(call(service, "export", kind="json")["text"])["feedback"] == [row]
    assert (
        next(csv.DictReader(io.StringIO(call(service, "export", kind="csv")["text"])))["comment"]
        == "nothing there"
    )


def test_a_judged_picture_is_known_again(service: Service, uploads: Path, png: bytes, study: str) -> None:
    call(service, "ask", study=study, text="no pneumothorax")
    call(service, "save", **reading(study))
    assert upload(service, uploads, png)["judged"] == 1


def test_history_says_how_much_it_leaves_out(
    service: Service, monkeypatch: pytest.MonkeyPatch, study: str
) -> None:
    monkeypatch.setattr("app.service.MOST_ROWS", 2)
    call(service, "ask", study=study, text="no pneumothorax")
    for comment in ("first", "second", "third"):
        call(service, "save", **reading(study, comment=comment))
    reply = call(service, "history")
    assert [row["comment"] for row in reply["rows"]] == ["third", "second"]
    assert reply["total"] == 3
    assert MOST_ROWS == 200


def test_an_unreadable_database_stops_nobody_from_looking_and_asking(
    service: Service, database: sqlalchemy.Engine, uploads: Path, png: bytes
) -> None:
    with database.begin() as connection:
        connection.execute(sqlalchemy.text("DROP TABLE feedback"))
    opened = upload(service, uploads, png)
    assert opened["judged"] == 0
    assert any("database cannot be read" in warning for warning in opened["warnings"])
    assert len(call(service, "ask", study=opened["study"], text="mass")["answers"]) == 1
    assert "cannot be read" in call(service, "history")["error"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"query": "mass"}, "choose its answer"),
        ({"query": None}, "choose its answer"),
        ({"presence": ""}, "present, absent or unsure"),
        ({"reader": " "}, "name or initials"),
        ({"boxes": [[300, 20, 30, 40]]}, "outside the image"),
        ({"boxes": [[1, 2, 3]]}, "does not understand"),
        ({"boxes": [["a", 2, 3, 4]]}, "does not understand"),
    ],
)
def test_a_reading_that_cannot_be_saved_says_why(
    service: Service, repository: FeedbackRepository, study: str, changes: dict[str, Any], words: str
) -> None:
    call(service, "ask", study=study, text="no pneumothorax")
    assert words in call(service, "save", **reading(study, **changes))["error"]
    assert repository.rows() == []
