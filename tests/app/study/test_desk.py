"""The reading desk: opinions are stored once and whole, and are there after a restart; the washout."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from app.people.identity import Role
from app.store.writing import reading
from app.study.loading import study_data
from app.study.progress import worklist
from app.study.server import study_server
from patchclip import load_radiograph
from tests.app.page_client import film_of
from tests.app.study.conftest import CROSSOVER, SEQUENTIAL, Bench
from tests.app.study.reader_client import HEADER, ReaderClient, opinion_body, people_of, study_api

BOTH_DATABASES = True


@pytest.fixture
def anna(bench: Bench, films: Path, tmp_path: Path) -> ReaderClient:
    """The window of a reader of a sequential study of six cases."""
    bench.make(films, SEQUENTIAL, ("anna",))
    return ReaderClient(study_api(bench, tmp_path, people_of(bench)), "anna")


def first_of(client: ReaderClient, study: int = 2) -> int:
    """The assignment that is next."""
    return int(client.call("study_worklist", study=study)["next"])


def rows(bench: Bench, table: str = "study_reading") -> int:
    """How many rows a table has."""
    with bench.database.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() or 0)


@pytest.mark.sqlite
def test_a_case_is_made_ready_when_it_is_opened_before_the_worker_came_to_it(
    bench: Bench, anna: ReaderClient, films: Path
) -> None:
    assignment = first_of(anna)
    reply = anna.client.post("/api/study_open", json={"assignment": assignment}, headers={HEADER: anna.token})
    codes = film_of(reply.content)
    with bench.database.connect() as connection:
        path = connection.execute(
            text(
                "SELECT json_extract(reference, '$.path') FROM study_case JOIN assignment "
                "ON assignment.case_id = study_case.id WHERE assignment.id = :id"
            ),
            {"id": assignment},
        ).scalar_one()
    seen = load_radiograph(films / path).pixels
    scaled = (codes - codes.min()) / (codes.max() - codes.min())
    assert np.corrcoef(scaled.ravel(), seen.ravel())[0, 1] > 0.999


def test_what_was_made_ahead_may_be_removed_or_damaged(bench: Bench, anna: ReaderClient) -> None:
    bench.make_ready()
    assert bench.server.ahead.pending() == []
    computed = [answer.execution for answer in study_data(bench.database, 2).answers]
    assert computed and all(told == bench.engine.computation.to_dict() for told in computed)
    kept = sorted((bench.folder / "ready").iterdir())
    assert len(kept) == 12
    assignment = first_of(anna)
    head = anna.call("study_open", assignment=assignment)
    anna.save(assignment)
    answers = anna.call("study_answers", assignment=assignment)
    for number, path in enumerate(kept):
        path.write_bytes(path.read_bytes()[:50]) if number % 2 else path.unlink()
    assert anna.call("study_open", assignment=assignment)["film"] == head["film"]
    for path in (bench.folder / "ready").glob("*.maps"):
        path.write_bytes(b"{")
    assert anna.call("study_answers", assignment=assignment) == answers


def test_a_save_is_stored_once_for_its_key_whatever_comes_in_between(
    bench: Bench, anna: ReaderClient
) -> None:
    body = opinion_body(first_of(anna))
    replies = [anna.call("study_save", **body) for _ in range(3)]
    assert replies[0] == replies[1] == replies[2]
    assert (rows(bench), rows(bench, "finding_reading")) == (1, 2)
    anna.call("study_save", **opinion_body(body["assignment"]))
    assert anna.call("study_save", **body)["revision"] == 1  # a late try changes nothing
    assert "another reading" in anna.call("study_save", **{**body, "comment": "other"})["error"].lower()
    assert rows(bench) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"findings": []}, "open"),
        ({"findings": [{"label": "Effusion", "presence": "present"}]}, "Pleural_Thickening is open"),
        ({"findings": [{"label": "Mass", "presence": "present"}]}, "does not ask for"),
        ({"findings": [{"label": "Effusion", "presence": "maybe"}]}, "open"),
        ({"comment": "x" * 2001}, "2000 characters"),
        ({"opened_at": "2026-01-02T03:04:05"}, "opened_at"),
        ({"opened_at": "yesterday"}, "opened_at"),
        ({"active_ms": -1}, "active_ms"),
        ({"key": "1"}, "key"),
        ({"opinion": "third"}, "opinion"),
        ({"truth": 1}, "does not know a part"),
    ],
)
def test_what_is_incomplete_is_refused_with_a_sentence(
    bench: Bench, anna: ReaderClient, changes: dict[str, Any], words: str
) -> None:
    error = anna.save(first_of(anna), **changes)["error"]
    assert anna.status == 400
    assert words in error
    assert error.endswith(".")
    assert rows(bench) == 0


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        ({"presence": "maybe"}, "present, absent or unsure"),
        ({"presence": "absent"}, "called absent, yet it has a box"),
        ({"boxes": [[90, 90, 30, 30]]}, "outside the film"),
        ({"boxes": [[1, 2, 0, 3]]}, "outside the film"),
        ({"confidence": 101}, "findings"),
        ({"maps": {"A": "correct"}}, "No map was shown"),
        ({"maps": {"Z": "correct"}}, "does not show"),
        ({"maps": {"A": "right"}}, "correct, partly correct or wrong"),
    ],
)
def test_a_finding_that_contradicts_itself_is_refused(
    bench: Bench, anna: ReaderClient, finding: dict[str, Any], words: str
) -> None:
    body = opinion_body(first_of(anna))
    body["findings"][0] |= finding
    assert words in anna.call("study_save", **body)["error"]
    assert anna.status == 400
    assert rows(bench) == 0


def test_an_unreadable_case_is_done_without_findings(anna: ReaderClient) -> None:
    assignment = first_of(anna)
    saved = anna.save(assignment, unreadable=True, findings=[], comment="rotated")
    assert saved["next"] not in (None, assignment)
    listed = anna.call("study_worklist", study=2)
    assert (listed["done"], listed["total"]) == (1, 6)
    assert next(i["status"] for i in listed["items"] if i["assignment"] == assignment) == "unreadable"
    anna.save(assignment)  # looked at again: it can be read
    assert anna.call("study_worklist", study=2)["next"] == assignment


@pytest.mark.sqlite
def test_reading_goes_on_where_it_stopped_after_a_restart(
    bench: Bench, anna: ReaderClient, tmp_path: Path
) -> None:
    first = first_of(anna)
    anna.save(first)
    anna.call("study_answers", assignment=first)
    anna.save(first, "second")
    begun = first_of(anna)
    anna.save(begun, comment="begun")

    bench.database.dispose()
    bench.server = study_server(bench.database, bench.engine, None, bench.folder, None, bench.lanes)
    again = ReaderClient(study_api(bench, tmp_path, people_of(bench)), "anna")
    listed = again.call("study_worklist", study=2)
    assert (listed["next"], listed["done"]) == (begun, 1)
    assert {i["assignment"]: i["status"] for i in listed["items"] if i["status"] != "new"} == {
        first: "done",
        begun: "first",
    }
    assert again.call("study_open", assignment=begun)["locked"]["comment"] == "begun"
    assert again.call("study_open", assignment=first)["reading"]["opinion"] == "second"


def test_a_closed_study_is_listed_and_neither_opened_nor_changed(
    bench: Bench, anna: ReaderClient, tmp_path: Path
) -> None:
    assignment = first_of(anna)
    lead = ReaderClient(study_api(bench, tmp_path, people_of(bench, reader=Role.LEAD)), "reader")
    lead.call("study_close", study=2)
    assert lead.status == 200
    assert [item["closed"] for item in anna.call("study_list")["studies"]] == [True]
    for name in ("study_open", "study_answers"):
        assert "closed" in anna.call(name, assignment=assignment)["error"]
    assert "closed" in anna.save(assignment)["error"]
    assert rows(bench) == 0
    # Whoever leads studies sees those, too, in which they read nothing.
    (seen,) = lead.call("study_list")["studies"]
    assert (seen["study"], seen["total"], seen["closed"]) == (2, 0, True)
    anna.call("study_open_again", study=2)
    assert anna.status == 403
    lead.call("study_close", study=2)  # it is closed already, which is no second event
    lead.call("study_open_again", study=2)
    assert lead.status == 200
    (seen,) = lead.call("study_list")["studies"]
    assert [(item["kind"], item["person"]) for item in seen["events"]] == [
        ("closed", "reader"),
        ("opened again", "reader"),
    ]
    closed, opened = (datetime.fromisoformat(item["happened_at"]) for item in seen["events"])
    assert datetime.now(UTC) - timedelta(minutes=10) < closed <= opened <= datetime.now(UTC)
    assert anna.call("study_list")["studies"][0]["events"] == []
    for change in ("UPDATE study_event SET person = 'nobody'", "DELETE FROM study_event"):
        with pytest.raises(DatabaseError, match="never changed"), bench.database.begin() as connection:
            connection.execute(text(change))
    assert "error" not in anna.save(assignment)
    assert rows(bench) == 1


def test_the_second_period_opens_after_the_washout_of_this_reader(
    bench: Bench, films: Path, tmp_path: Path
) -> None:
    study = bench.make(films, CROSSOVER.replace("Nodule", "Pleural_Thickening"), ("anna", "ben"), "cross")
    anna = ReaderClient(study_api(bench, tmp_path, people_of(bench)), "anna")
    before = datetime.now(UTC)
    while (assignment := anna.call("study_worklist", study=study)["next"]) is not None:
        anna.save(assignment)
    listed = anna.call("study_worklist", study=study)
    assert (listed["done"], listed["total"]) == (6, 12)
    opens = datetime.fromisoformat(listed["waits_until"])
    assert timedelta(days=28) - timedelta(seconds=1) <= opens - before <= timedelta(days=28, minutes=10)
    assert anna.call("study_list")["studies"][-1]["waits_until"] == listed["waits_until"]

    people = people_of(bench)
    with reading(bench.database, bench.studies.file) as session:
        for reader, later in (("anna", timedelta()), ("ben", timedelta(days=1000))):
            now = opens + timedelta(seconds=1) + later
            work = worklist(session, study, people[reader].id, now, 28, "random")
            second = {item.status for item in work.items if item.period == 2}
            assert second == ({"new"} if reader == "anna" else {"waiting"})


def test_events_are_added_and_never_changed(bench: Bench, anna: ReaderClient) -> None:
    assignment = first_of(anna)
    anna.call("study_open", assignment=assignment)
    anna.call("study_event", assignment=assignment, kind="zoom", detail={"zoom": 1.5, "by": "wheel"})
    anna.call("study_event", assignment=assignment, kind="thought")
    assert anna.status == 400
    with bench.database.connect() as connection:
        kinds = connection.execute(text("SELECT kind, CAST(detail AS TEXT) FROM event ORDER BY id")).all()
        assert [tuple(row) for row in kinds] == [
            ("opened", '{"opinion": "first"}'),
            ("zoom", '{"zoom": 1.5, "by": "wheel"}'),
        ]
    for change in ("UPDATE event SET kind = 'pan'", "DELETE FROM event"):
        with pytest.raises(Exception, match="never changed"), bench.database.begin() as connection:
            connection.execute(text(change))


def test_a_file_that_was_exchanged_is_not_read(bench: Bench, films: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for number, film in enumerate(sorted(films.rglob("*.png"))[:2]):
        (copy / f"{number}.png").write_bytes(film.read_bytes())
    study = bench.make(copy, SEQUENTIAL, ("anna",), "exchanged")
    (copy / "0.png").write_bytes((copy / "1.png").read_bytes())
    anna = ReaderClient(study_api(bench, tmp_path, people_of(bench)), "anna")
    replies = [
        anna.call("study_open", assignment=item["assignment"])
        for item in anna.call("study_worklist", study=study)["items"]
    ]
    errors = [reply["error"] for reply in replies if "error" in reply]
    assert len(errors) == 1
    assert "another than when the study was made" in errors[0]


def test_a_study_of_another_model_says_so(bench: Bench, anna: ReaderClient) -> None:
    assignment = first_of(anna)

    def made_with(sha256: str) -> None:
        with bench.database.begin() as connection:
            connection.execute(text(f"UPDATE study SET model_sha256 = '{sha256}' WHERE id = 2"))

    made_with("0" * 64)
    assert "start it with that checkpoint" in anna.call("study_open", assignment=assignment)["error"]
    made_with(bench.engine.sha256)  # as if the model had been put back
    assert anna.call("study_open", assignment=assignment)["opinion"] == "first"
