"""A saved reading is taken back by a revision that says so: nothing is deleted, and nothing counts it."""

from __future__ import annotations

import csv
import io
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.store import FeedbackRepository, StoreError, migrate, open_database
from app.store.export import as_csv
from tests.app.page_client import PageClient, reading
from tests.app.test_repository import feedback
from trainer.data.adapters.feedback_database import opened
from trainer.data.adapters.feedback_free import free_judgements

BOTH_DATABASES = True
READER = "Dr Example"
KEY = "a" * 32


def test_a_withdrawal_is_a_revision_that_says_so(repository: FeedbackRepository) -> None:
    first = repository.add(feedback())
    second = repository.add(feedback(presence="unsure", supersedes=first.id))
    taken = repository.withdraw(second.id, f" {READER} ", KEY)
    assert (taken.revision, taken.id) == (3, second.id + 1)
    newest, *before = repository.rows()
    assert (newest["withdrawn"], newest["reading"], newest["supersedes"]) == (True, first.id, second.id)
    assert (newest["presence"], newest["reader"]) == ("unsure", READER)
    assert [row["withdrawn"] for row in before] == [False, False]
    assert [row["current"] for row in repository.rows()] == [False, False, False]
    assert len(before[1]["boxes"]) == 2  # what was said stands where it was said
    assert repository.judged("ab" * 32) == 0
    assert repository.count() == 3
    told = list(csv.DictReader(io.StringIO(as_csv(repository.rows()))))
    assert [(row["current"], row["withdrawn"]) for row in told] == [("False", "True")] + 2 * [
        ("False", "False")
    ]


def test_a_withdrawal_is_stored_once_and_only_of_what_stands(repository: FeedbackRepository) -> None:
    first = repository.add(feedback())
    taken = repository.withdraw(first.id, READER, KEY)
    assert repository.withdraw(first.id, READER, KEY) == taken
    assert repository.count() == 2
    with pytest.raises(StoreError, match="revised meanwhile"):
        repository.withdraw(first.id, READER, "b" * 32)
    assert repository.withdraw(taken.id, READER, "c" * 32) == taken


@pytest.mark.parametrize(("row", "reader"), [(1, "Dr Other"), (7, READER)])
def test_nobody_withdraws_anothers_reading(repository: FeedbackRepository, row: int, reader: str) -> None:
    repository.add(feedback())
    with pytest.raises(StoreError, match="own reading can be withdrawn"):
        repository.withdraw(row, reader, KEY)
    assert [item["current"] for item in repository.rows()] == [True]


def test_what_was_withdrawn_is_taken_up_again_as_a_revision(repository: FeedbackRepository) -> None:
    first = repository.add(feedback())
    taken = repository.withdraw(first.id, READER, KEY)
    again = repository.add(feedback(supersedes=taken.id))
    assert again.revision == 3
    assert [(row["revision"], row["current"]) for row in repository.rows()] == [
        (3, True),
        (2, False),
        (1, False),
    ]
    assert repository.judged("ab" * 32) == 1


def test_the_page_withdraws_and_a_film_is_not_judged_any_more(
    window: PageClient, repository: FeedbackRepository, png: bytes, study: str
) -> None:
    window.call("ask", study=study, text="no pneumothorax")
    given = reading(study)
    row = window.call("save", **given)["row"]
    reply = window.call("withdraw", key=KEY, row=row, reader=given["reader"])
    assert (reply["row"], reply["revision"]) == (row + 1, 2)
    images = [window.send("open_upload", png)["sha256"]]
    assert window.call("judged", reader=given["reader"], images=images) == {"judged": [0]}
    assert repository.rows()[0]["withdrawn"]
    assert "own reading" in window.call("withdraw", key="b" * 32, row=99, reader=given["reader"])["error"]


def test_nobody_trains_on_what_was_withdrawn(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite3"
    engine = open_database(path)
    migrate(engine)
    store = FeedbackRepository(engine)
    kept, gone = store.add(feedback(comment="kept")), store.add(feedback(presence="unsure"))
    store.withdraw(gone.id, READER, KEY)
    engine.dispose()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM feedback").fetchone() == (3,)
    with opened(path) as tables:
        judgements = free_judgements(tables, path, frozenset())
    assert [item.presence for item in judgements] == ["present"]
    assert kept.id == 1
