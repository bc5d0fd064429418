"""Saving and listing feedback: what is given comes back, what is wrong is refused, what fails says why."""

from __future__ import annotations

import dataclasses
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy
from sqlalchemy import event

from app.store import (
    FeedbackRepository,
    NamedFinding,
    NewFeedback,
    Outline,
    StoreError,
    migrate,
    open_database,
)
from patchclip import Answer, PatchMap, Region
from patchclip.types import Box

BOTH_DATABASES = True
POINT = Outline("point", ((50.0, 60.0),))


def finding(**changes: Any) -> Answer:
    """An answer to "no pneumothorax on the left"."""
    values = np.zeros((2, 2), np.float32)
    values[0, 1] = 0.75
    answer = Answer(
        query="no pneumothorax on the left",
        finding="pneumothorax",
        label="Pneumothorax",
        negated=True,
        laterality="left",
        in_vocabulary=True,
        probability=0.125,
        map=PatchMap(values, (0, 0, 200, 100)),
        regions=(Region(100.0, 0.0, 60.0, 50.0, 0.75, (150.0, 25.0)),),
        threshold=0.5,
    )
    return dataclasses.replace(answer, **changes)


def feedback(**changes: Any) -> NewFeedback:
    """A complete judgement on a picture of 100 x 200 pixels (height x width)."""
    judgement = NewFeedback(
        image_sha256="ab" * 32,
        image_size=(100, 200),
        model_name="small",
        model_sha256="cd" * 32,
        answer=finding(),
        reader="  Dr Example ",
        presence="present",
        location="partly",
        map_shown=True,
        saliency_shown=("grad_cam",),
        confidence=70,
        seconds=12.5,
        comment=" apex only ",
        boxes=[Box(10.5, 20.25, 30.0, 40.0), Box(0.0, 0.0, 200.0, 100.0)],
        display={"threshold": 0.4, "colours": "viridis", "smooth": False, "zoom": 2.5},
        outlines=(Outline("point", ((50.0, 60.0),)), Outline("polygon", ((0, 0), (9, 0), (9, 9.5)))),
    )
    return dataclasses.replace(judgement, **changes)


def test_a_judgement_comes_back_as_it_was_given(repository: FeedbackRepository) -> None:
    before = datetime.now(UTC)
    saved = repository.add(feedback())
    assert before <= saved.when <= before + timedelta(seconds=30)
    assert repository.rows() == [
        {
            "id": 1,
            "reading": 1,
            "revision": 1,
            "supersedes": None,
            "current": True,
            "withdrawn": False,
            "created_at": saved.when.isoformat(timespec="seconds"),
            "reader": "Dr Example",
            "image_sha256": "ab" * 32,
            "image_height": 100,
            "image_width": 200,
            "model_name": "small",
            "model_sha256": "cd" * 32,
            "execution": None,
            "asked": True,
            "query": "no pneumothorax on the left",
            "finding": "pneumothorax",
            "negated": True,
            "side": "left",
            "in_vocabulary": True,
            "query_probability": 0.125,
            "finding_probability": 0.875,
            "threshold": 0.5,
            "presence": "present",
            "confidence": 70,
            "location": "partly",
            "comment": "apex only",
            "boxes": [[10.5, 20.25, 30.0, 40.0], [0.0, 0.0, 200.0, 100.0]],
            "outlines": [
                {"kind": "point", "points": [[50.0, 60.0]]},
                {"kind": "polygon", "points": [[0, 0], [9, 0], [9, 9.5]]},
            ],
            "seconds": 12.5,
            "map_shown": True,
            "saliency_shown": ["grad_cam"],
            "zoom": 2.5,
            "parameters": {
                "place": None,
                "map_maximum": 0.75,
                "regions": [[100.0, 0.0, 60.0, 50.0, 0.75]],
                "display": {"threshold": 0.4, "colours": "viridis", "smooth": False, "zoom": 2.5},
                "map_shown": True,
                "saliency_shown": ["grad_cam"],
            },
        }
    ]
    assert saved.when.utcoffset() == timedelta(0)
    assert str(repository.rows()[0]["created_at"]).endswith("+00:00")


@pytest.mark.sqlite
def test_rows_lie_in_their_tables(repository: FeedbackRepository, tmp_path: Path) -> None:
    repository.add(feedback())
    with sqlite3.connect(tmp_path / "feedback.sqlite3") as connection:
        joined = connection.execute(
            "SELECT box.x, box.y, box.w, box.h, feedback.presence, prediction.probability FROM box "
            "JOIN feedback ON box.feedback_id = feedback.id "
            "JOIN prediction ON feedback.prediction_id = prediction.id ORDER BY box.id"
        ).fetchall()
    assert joined == [(10.5, 20.25, 30.0, 40.0, "present", 0.125), (0.0, 0.0, 200.0, 100.0, "present", 0.125)]


def test_newest_first_and_limited(repository: FeedbackRepository) -> None:
    for reader in ("first", "second", "third"):
        repository.add(feedback(reader=reader))
    assert [row["reader"] for row in repository.rows()] == ["third", "second", "first"]
    assert [row["reader"] for row in repository.rows(limit=2)] == ["third", "second"]


def test_judgements_are_counted_by_picture(repository: FeedbackRepository) -> None:
    for sha in ("11", "22", "22"):
        repository.add(feedback(image_sha256=sha * 32))
    assert [repository.judged(sha * 32) for sha in ("11", "22", "33")] == [1, 2, 0]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"presence": ""}, "present, absent or unsure"),
        ({"presence": "perhaps"}, "present, absent or unsure"),
        ({"location": "right"}, "correct, partly correct or wrong"),
        ({"reader": "   "}, "name or initials"),
        ({"comment": "half a \ud83d"}, "half of a character"),
        ({"reader": "\udc4d"}, "half of a character"),
        ({"reader": "x" * 81}, "80 characters"),
        ({"comment": "x" * 2001}, "2001 characters and the limit is 2000"),
        ({"boxes": [Box(190, 10, 20, 10)]}, "outside the image"),
        ({"boxes": [Box(-5, 10, 20, 10)]}, "outside the image"),
        ({"boxes": [Box(10, 10, 0, 10)]}, "outside the image"),
        ({"boxes": [Box(float("nan"), 10, 5, 10)]}, "outside the image"),
        ({"answer": finding(in_vocabulary=False, probability=None)}, "no prediction to judge"),
        ({"confidence": 101}, "from 0 to 100"),
        ({"presence": "absent"}, "called absent, yet 4 outlines are drawn"),
        ({"presence": "absent", "boxes": [], "outlines": [POINT]}, "called absent, yet 1 outline is drawn"),
        ({"outlines": [Outline("point", ((201, 5),))]}, "A point lies outside the image"),
        ({"outlines": [Outline("polygon", ((0, 0), (5, 5), (5, 101)))]}, "A polygon lies outside the image"),
        ({"outlines": [Outline("polygon", ((0, 0), (5, 5)))]}, "A polygon has 3 to 200 corners"),
        ({"map_shown": False}, "The map was not shown, so it cannot be judged"),
        ({"answer": NamedFinding("pneumothorax", True)}, "The map was not shown, so it cannot be judged"),
        ({"answer": NamedFinding(" ", False), "location": None}, "Name the finding that you read"),
        ({"answer": NamedFinding("x" * 201, False), "location": None}, "more than 200 characters"),
        (
            {"presence": "absent", "location": "correct", "boxes": [], "outlines": []},
            "lit where the finding is called absent",
        ),
        ({"location": "correct", "regions_shown": 0}, "dark where the finding is called present"),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_nothing_is_saved(
    repository: FeedbackRepository, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(StoreError, match=words):
        repository.add(feedback(**changes))
    assert repository.rows() == []


def test_a_number_that_was_stored_out_of_scope_is_given_to_nobody(
    repository: FeedbackRepository, database: sqlalchemy.Engine
) -> None:
    repository.add(feedback())
    with database.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE prediction SET in_vocabulary = false"))
    row = repository.rows()[0]
    assert (row["in_vocabulary"], row["query_probability"], row["finding_probability"]) == (False, None, None)
    assert "0.125" not in repository.export_csv() + repository.export_json()


def test_location_may_be_left_open(repository: FeedbackRepository) -> None:
    repository.add(feedback(location=None, boxes=[], outlines=[], comment=""))
    row = repository.rows()[0]
    assert (row["location"], row["boxes"], row["comment"]) == (None, [], "")


@pytest.mark.sqlite
def test_a_locked_database_says_so_and_takes_the_same_feedback_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "locked.sqlite3"
    engine = open_database(path)

    @event.listens_for(engine, "connect")
    def _impatient(connection: Any, _: object) -> None:
        connection.execute("PRAGMA busy_timeout=50")

    migrate(engine)
    repository = FeedbackRepository(engine)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match=r"busy.*Save again"):
            repository.add(feedback())
        other.execute("ROLLBACK")
    repository.add(feedback())
    assert len(repository.rows()) == 1
    engine.dispose()


def test_a_store_that_cannot_be_read_says_so(
    repository: FeedbackRepository, database: sqlalchemy.Engine
) -> None:
    with database.begin() as connection:
        connection.execute(sqlalchemy.text("ALTER TABLE box RENAME TO other"))
        connection.execute(sqlalchemy.text("ALTER TABLE feedback RENAME TO gone"))
    with pytest.raises(StoreError, match="cannot be read"):
        repository.rows()
    with pytest.raises(StoreError, match="cannot be read"):
        repository.judged("ab" * 32)


def test_the_same_key_stores_once_even_when_it_comes_twice_at_once(repository: FeedbackRepository) -> None:
    with ThreadPoolExecutor(8) as pool:
        times = list(pool.map(lambda _: repository.add(feedback(key="a" * 32)), range(16)))
    assert len(set(times)) == 1
    assert len(repository.rows()) == 1
    repository.add(feedback(key="b" * 32))
    repository.add(feedback())
    repository.add(feedback())
    assert len(repository.rows()) == 4


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "changes", [{"comment": "other"}, {"presence": "unsure"}, {"image_sha256": "ef" * 32}, {"confidence": 71}]
)
def test_a_key_is_of_one_judgement_alone(repository: FeedbackRepository, changes: dict[str, Any]) -> None:
    repository.add(feedback(key="a" * 32))
    with pytest.raises(StoreError, match="Another reading"):
        repository.add(feedback(key="a" * 32, **changes))
    assert len(repository.rows()) == 1


@pytest.mark.sqlite
@pytest.mark.parametrize("loss", ["deleted", "replaced"])
def test_a_database_that_is_taken_away_is_noticed(
    repository: FeedbackRepository, tmp_path: Path, loss: str
) -> None:
    repository.add(feedback())
    path = tmp_path / "feedback.sqlite3"
    path.rename(tmp_path / "moved.sqlite3")
    if loss == "replaced":
        path.write_bytes((tmp_path / "moved.sqlite3").read_bytes())
    for use in (lambda: repository.add(feedback()), repository.rows, repository.count):
        with pytest.raises(StoreError, match=r"removed or replaced.*restart"):
            use()


@pytest.mark.sqlite
def test_a_full_disk_is_a_sentence_and_takes_the_feedback_once_there_is_room(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "full.sqlite3")
    migrate(engine)
    room = {"pages": 1}

    @event.listens_for(engine, "checkout")
    def _little_room(connection: Any, *_: object) -> None:
        # SQLite gives the very error of a full disk where a database has as many pages as it may.
        connection.execute(f"PRAGMA max_page_count={room['pages']}")

    repository = FeedbackRepository(engine)
    long = feedback(display={"colours": "x" * 100_000})
    with pytest.raises(StoreError, match=r"disk is full.*Save again"):
        repository.add(long)
    room["pages"] = 10_000
    repository.add(long)
    assert len(repository.rows()) == 1
    engine.dispose()


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "changes",
    [
        {"presence": "absent", "location": "wrong", "boxes": [], "outlines": []},
        {"presence": "absent", "location": "correct", "boxes": [], "outlines": [], "regions_shown": 0},
        {"presence": "present", "location": "correct"},
        {"presence": "unsure", "location": "correct", "regions_shown": 0},
    ],
)
def test_what_does_not_contradict_itself_is_saved(
    repository: FeedbackRepository, changes: dict[str, Any]
) -> None:
    assert repository.add(feedback(**changes)).revision == 1


def revised(repository: FeedbackRepository) -> list[tuple[Any, ...]]:
    """(id, reading, revision, supersedes, current) of each row, oldest first."""
    names = ("id", "reading", "revision", "supersedes", "current")
    return [tuple(row[name] for name in names) for row in reversed(repository.rows())]


def test_a_revision_supersedes_and_stays_one_reading(repository: FeedbackRepository) -> None:
    first = repository.add(feedback(key="a" * 32))
    repository.add(feedback(reader="another"))
    second = repository.add(feedback(comment="two", supersedes=first.id, key="b" * 32))
    assert repository.add(feedback(comment="two", supersedes=first.id, key="b" * 32)) == second
    third = repository.add(feedback(comment="three", supersedes=second.id))
    assert [saved.revision for saved in (first, second, third)] == [1, 2, 3]
    assert revised(repository) == [
        (1, 1, 1, None, False),
        (2, 2, 1, None, True),
        (3, 1, 2, 1, False),
        (4, 1, 3, 3, True),
    ]
    assert repository.judged("ab" * 32) == 2
    assert repository.count() == 4


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "changes",
    [
        {"supersedes": 99},
        {"reader": "another"},
        {"image_sha256": "ef" * 32},
        {"answer": finding(query="pneumothorax")},
        {"answer": NamedFinding("pneumothorax", True), "location": None},
    ],
)
def test_only_ones_own_reading_of_the_same_is_revised(
    repository: FeedbackRepository, changes: dict[str, Any]
) -> None:
    first = repository.add(feedback())
    with pytest.raises(StoreError, match="own reading of the same film and finding"):
        repository.add(feedback(**{"supersedes": first.id, **changes}))
    assert len(repository.rows()) == 1


def test_of_two_revisions_at_once_one_is_refused(repository: FeedbackRepository) -> None:
    first = repository.add(feedback()).id

    def revise(number: int) -> str:
        try:
            repository.add(feedback(comment=str(number), supersedes=first))
        except StoreError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(revise, range(8)))
    assert said.count("") == 1
    assert all("revised meanwhile" in sentence or "busy" in sentence for sentence in said if sentence)
    assert len(repository.rows()) == 2


def test_a_reading_without_a_question_has_no_number_and_no_model(repository: FeedbackRepository) -> None:
    named = NamedFinding("pleural effusion", True, "left", "left base")
    repository.add(feedback(answer=named, location=None, map_shown=False, saliency_shown=()))
    repository.add(feedback(answer=NamedFinding("Chilaiditi", False), location=None, map_shown=False))
    own, row = repository.rows()
    assert (row["asked"], row["query"], row["finding"], row["side"]) == (
        False,
        "",
        "pleural effusion",
        "left",
    )
    assert row["parameters"]["place"] == "left base"
    nothing = ("query_probability", "finding_probability", "threshold", "model_name", "model_sha256")
    assert [row[name] for name in nothing] == [None] * 5
    assert (own["finding"], own["in_vocabulary"]) == ("Chilaiditi", False)
