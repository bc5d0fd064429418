"""The endpoints asked directly, as a reader would with curl: nothing of the model, the truth, the files or
other readers is there before it is due."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from sqlalchemy import text

from app.people.identity import Role
from tests.app.study.conftest import CROSSOVER, SECRET, SEQUENTIAL, Bench
from tests.app.study.reader_client import ReaderClient, opinion_body, people_of, study_api

COMMENT = "benedicts own words"
NEVER = (
    b"probability",
    b"threshold",
    b"regions",
    b"grad_cam",
    b"gradcam",
    b"patch",
    b"truth",
    b"sha256",
    b"png",
)


@pytest.fixture
def manifest(films: Path) -> Path:
    """One that tells the truth of every film."""
    path = films / "cases.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "truth_Effusion", "truth_pleural thickening"])
        for number, film in enumerate(sorted(films.rglob("*.png"))):
            writer.writerow([film.relative_to(films).as_posix(), number % 2, ""])
    return path


def clients(bench: Bench, tmp_path: Path, *names: str) -> list[ReaderClient]:
    """A window for each."""
    api = study_api(bench, tmp_path, people_of(bench, lead=Role.LEAD))
    return [ReaderClient(api, name) for name in names]


def secrets_of(bench: Bench) -> list[bytes]:
    """What no reader may receive of a study: hashes of pixels, model, protocol; names of files."""
    with bench.database.connect() as connection:
        hashes = connection.execute(
            text("SELECT image_sha256 FROM study_case UNION SELECT model_sha256 FROM study WHERE id > 1")
        ).scalars()
        protocols = connection.execute(text("SELECT protocol_sha256 FROM study")).scalars()
        return [SECRET.encode(), *(word.encode() for word in (*hashes, *protocols))]


def test_nothing_is_found_before_the_first_opinion(bench: Bench, manifest: Path, tmp_path: Path) -> None:
    study = bench.make(manifest, SEQUENTIAL, ("anna", "benedict"))
    bench.make_ready()
    anna, benedict = clients(bench, tmp_path, "anna", "benedict")

    for item in benedict.call("study_worklist", study=study)["items"]:
        benedict.save(item["assignment"], comment=COMMENT)
        benedict.call("study_answers", assignment=item["assignment"])
        assert benedict.save(item["assignment"], "second", comment=COMMENT)["revision"] == 1
    others = [item["assignment"] for item in benedict.call("study_worklist", study=study)["items"]]

    own = anna.call("study_worklist", study=study)
    assert [item["status"] for item in own["items"]] == ["new"] * 6
    anna.call("study_list")
    for item in own["items"]:
        opened = anna.call("study_open", assignment=item["assignment"])
        assert (opened["opinion"], opened["answers"], opened["maps"]) == ("first", None, [])
        assert opened["warnings"] == []
        assert "answers" in anna.call("study_answers", assignment=item["assignment"])["error"]
        assert anna.status == 403
        anna.call("study_event", assignment=item["assignment"], kind="zoom", detail={"zoom": 2.5})
        anna.call("study_save", **opinion_body(item["assignment"], "second"))
        assert anna.status == 403
    for assignment in [*others, 999_999]:
        for name in ("study_open", "study_answers"):
            assert anna.call(name, assignment=assignment)["error"].startswith("There is no case")
            assert anna.status == 404
        anna.save(assignment)
        assert anna.status == 404
        anna.call("study_event", assignment=assignment, kind="zoom")
        assert anna.status == 404
    for name, body in (
        ("study_cases", {"study": study}),
        ("study_close", {"study": study}),
        ("study_choices", {}),
    ):
        anna.call(name, **body)
        assert anna.status == 403

    received = anna.received
    for word in (*NEVER, *secrets_of(bench), COMMENT.encode(), b"benedict"):
        assert word not in received.replace(b"x-patch-clip-film", b""), word
    with bench.database.connect() as connection:
        assert (
            connection.execute(text("SELECT count(*) FROM assignment WHERE answers_at NOT NULL")).scalar()
            == 6
        )


def test_once_the_first_opinion_is_stored_the_answers_come_and_lock_it(
    bench: Bench, manifest: Path, tmp_path: Path
) -> None:
    study = bench.make(manifest, SEQUENTIAL, ("anna",))
    bench.make_ready()
    (anna,) = clients(bench, tmp_path, "anna")
    assignment = anna.call("study_worklist", study=study)["next"]
    assert anna.save(assignment)["next"] == assignment
    assert anna.save(assignment, comment="seen again")["revision"] == 2  # nothing was shown yet

    opened = anna.call("study_open", assignment=assignment)
    assert (opened["opinion"], opened["reading"], opened["answers"]) == ("second", None, None)
    assert opened["locked"]["comment"] == "seen again"
    assert opened["warnings"] == ["The image is only 96 x 96 pixels; small findings cannot be seen."]
    assert opened["maps"] == ["A", "B"]
    answers = anna.call("study_answers", assignment=assignment)["answers"]
    assert [item["label"] for item in answers] == ["Effusion", "Pleural_Thickening"]
    for item in answers:
        assert 0 <= item["probability"] <= 1
        assert item["cut"] == {"A": 0.5, "B": 0.5}
        shapes = {name: (len(each["values"]), len(each["values"][0])) for name, each in item["map"].items()}
        assert shapes["A"] == shapes["B"]
        # No number tells a method: a map that is lit anywhere has the highest value 1, of a region too.
        for name, each in item["map"].items():
            assert each["max"] == 1.0 or each["max"] < 0.5, name
            assert max((region["score"] for region in item["regions"][name]), default=0.0) <= each["max"]
    for word in (b"grad_cam", b"gradcam", b'"patch', *secrets_of(bench)):
        assert word not in anna.received, word

    assert "locked" in anna.save(assignment)["error"]
    assert anna.status == 403
    judged = opinion_body(assignment, "second")
    judged["findings"][0]["maps"] = {"A": "correct", "B": "wrong"}
    saved = anna.call("study_save", **judged)
    assert saved["next"] not in (None, assignment)
    with bench.database.connect() as connection:
        rows = connection.execute(
            text("SELECT opinion, revision, model_sha256 FROM study_reading ORDER BY id")
        ).all()
    assert [tuple(row) for row in rows] == [
        ("first", 1, None),
        ("first", 2, None),
        ("second", 1, bench.engine.sha256),
    ]


def test_an_unaided_arm_never_answers_and_an_aided_one_at_once(
    bench: Bench, manifest: Path, tmp_path: Path
) -> None:
    study = bench.make(manifest, CROSSOVER.replace("Nodule", "Pleural_Thickening"), ("anna",))
    bench.make_ready()
    (anna,) = clients(bench, tmp_path, "anna")
    work = anna.call("study_worklist", study=study)["items"]
    unaided = [item["assignment"] for item in work if item["arm"] == "unaided" and item["period"] == 1]
    aided = [item["assignment"] for item in work if item["arm"] == "aided" and item["period"] == 1]
    assert (len(unaided), len(aided)) == (3, 3)
    for assignment in unaided:
        assert anna.call("study_open", assignment=assignment)["answers"] is None
        anna.save(assignment)
        assert "never shown" in anna.call("study_answers", assignment=assignment)["error"]
        assert anna.status == 403
    assert not [word for word in NEVER if word in anna.received.replace(b"x-patch-clip-film", b"")]

    opened = anna.call("study_open", assignment=aided[0])
    assert [item["maps"] for item in opened["answers"]] == [["A"], ["A"]]
    judged = opinion_body(unaided[0])
    judged["findings"][0]["maps"] = {"A": "correct"}
    assert "No map was shown" in anna.call("study_save", **judged)["error"]

    later = next(item for item in work if item["period"] == 2)
    assert later["status"] == "waiting"
    for name in ("study_open", "study_answers"):
        assert "later period" in anna.call(name, assignment=later["assignment"])["error"]
        assert anna.status == 403


def test_a_probability_that_the_protocol_hides_is_not_sent(bench: Bench, films: Path, tmp_path: Path) -> None:
    study = bench.make(films, SEQUENTIAL + "probability = false\n", ("anna",))
    bench.make_ready()
    (anna,) = clients(bench, tmp_path, "anna")
    assignment = anna.call("study_worklist", study=study)["next"]
    anna.save(assignment)
    for item in anna.call("study_answers", assignment=assignment)["answers"]:
        assert (item["probability"], item["threshold"]) == (None, None)
    with bench.database.connect() as connection:
        stored = connection.execute(text("SELECT probability FROM study_answer")).scalars().all()
    assert not [value for value in stored if json.dumps(round(value, 4)).encode() in anna.received]


def test_without_a_person_nothing_is_answered(bench: Bench, films: Path, tmp_path: Path) -> None:
    bench.make(films, SEQUENTIAL, ("anna",))
    (anna,) = clients(bench, tmp_path, "anna")
    anna.client.headers["x-test-person"] = "nobody"
    for name in ("study_list", "study_worklist", "study_open", "study_answers", "study_save", "study_cases"):
        anna.call(name)
        assert anna.status == 401, name
