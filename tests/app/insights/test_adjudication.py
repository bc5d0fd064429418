"""Disagreements without names, and the consensus that is made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.orm import Session

from app.insights.adjudication import disagreement, queue_rows, settle
from app.insights.consensus import Decision, decide, decisions
from app.insights.disagreements import adjudicated_condition, disagreements
from app.insights.opinions import InsightsError, Readings
from app.insights.source import Source
from app.store import migrate, open_database
from app.store.study_models import Assignment, FindingReading, Reader, Study, StudyCase, StudyReading
from patchclip.types import Box
from tests.app.insights.studies import mark, study

BOX, OVERLAPPING, APART = Box(10, 10, 40, 40), Box(12, 10, 40, 40), Box(200, 200, 30, 30)
WHEN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def test_only_what_readers_disagree_on_is_in_the_queue() -> None:
    marks = [
        mark("Ada", 1, "present", boxes=(BOX,)),
        mark("Ben", 1, "present", boxes=(OVERLAPPING,)),
        mark("Ada", 2, "present"),
        mark("Ben", 2, "absent"),
        mark("Ada", 3, "present", boxes=(BOX,)),
        mark("Ben", 3, "present", boxes=(APART,)),
        mark("Ada", 4, "absent"),
        mark("Ben", 4, "absent"),
        mark("Ada", 5, "unsure"),
        mark("Ben", 5, "absent"),
        mark("Ada", 6, "present"),
    ]
    queue = disagreements(Readings(study(marks)))
    assert [(item.case, item.about) for item in queue] == [(2, "presence"), (3, "place"), (5, "presence")]
    assert {voice.presence for voice in queue[0].voices} == {"present", "absent"}
    assert "Ada" not in str(queue) and "Ben" not in str(queue)


def test_opinions_are_weighed_as_they_are_in_the_end() -> None:
    marks = [
        mark(reader, 1, word, arm="sequential", opinion=opinion)
        for reader, words in (("Ada", ("present", "absent")), ("Ben", ("absent", "absent")))
        for opinion, word in zip(("first", "second"), words, strict=True)
    ]
    readings = Readings(study(marks))
    assert adjudicated_condition(readings) == "second"
    assert disagreements(readings) == ()


def test_letters_follow_no_reader_from_case_to_case() -> None:
    marks = [
        mark(reader, case, "present" if reader == "Ada" else "absent")
        for case in range(1, 41)
        for reader in ("Ada", "Ben", "Cleo")
    ]
    queue = disagreements(Readings(study(marks)))
    of_ada = [voice.letter for item in queue for voice in item.voices if voice.presence == "present"]
    assert len(of_ada) == 40
    assert all(of_ada.count(letter) >= 5 for letter in "ABC")
    again = disagreements(Readings(study(reversed(marks))))
    assert [item.voices for item in again] == [item.voices for item in queue]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    """A study (number 2) of two cases whose two readers disagree on the second one."""
    engine = open_database(tmp_path / "feedback.sqlite3")
    migrate(engine)
    with Session(engine) as session, session.begin():
        ada = Reader(name="Ada", role="reader", created_at=WHEN)
        ben = Reader(name="Ben", role="reader", created_at=WHEN)
        lead = Reader(name="Lea", role="lead", created_at=WHEN)
        trial = Study(
            name="Effusion",
            folder=str(tmp_path),
            protocol='title = "Effusion"\nfindings = ["Effusion"]\narms = ["unaided"]\n',
            protocol_sha256="d" * 64,
            findings={"Effusion": "pleural effusion"},
            model_name="m",
            model_sha256="e" * 64,
            created_at=WHEN,
        )
        session.add_all([ada, ben, lead, trial])
        session.flush()
        for number in (1, 2):
            case = StudyCase(
                study_id=trial.id,
                number=number,
                image_sha256=f"{number:064x}",
                image_height=400,
                image_width=320,
                reference={"path": f"{number}.png"},
                truth={},
            )
            session.add(case)
            session.flush()
            for reader in (ada, ben):
                session.add(
                    _reading(session, case, reader, "present" if reader is ada and number == 2 else "absent")
                )
    yield engine
    engine.dispose()


def _reading(session: Session, case: StudyCase, reader: Reader, presence: str) -> StudyReading:
    assignment = Assignment(
        case_id=case.id, reader_id=reader.id, arm="unaided", period=1, position=case.number, maps={}
    )
    session.add(assignment)
    session.flush()
    return StudyReading(
        assignment_id=assignment.id,
        opinion="first",
        key=f"{case.id:016x}{reader.id:016x}",
        digest="f" * 64,
        revision=1,
        opened_at=WHEN,
        saved_at=WHEN,
        active_ms=9000,
        comment="",
        unreadable=False,
        findings=[
            FindingReading(
                finding="Effusion",
                presence=presence,
                confidence=70,
                boxes=[[10, 10, 40, 40]] if presence == "present" else [],
                verdicts={},
            )
        ],
    )


def _lead(engine: sqlalchemy.Engine) -> int:
    with Session(engine) as session:
        return session.scalars(sqlalchemy.select(Reader.id).where(Reader.name == "Lea")).one()


def test_a_consensus_closes_a_disagreement_and_is_exported(database: sqlalchemy.Engine) -> None:
    source = Source(database)
    (trial,) = source.studies()
    assert queue_rows(source, trial.id) == [[2, "Effusion", "presence", "open"]]
    item = disagreement(source, trial.id, 2, "Effusion")
    letter = next(voice.letter for voice in item.voices if voice.presence == "present")

    first = settle(source, trial.id, item, "present", [letter], " clear meniscus ", _lead(database))
    assert (first.revision, first.boxes, first.comment) == (1, (BOX,), "clear meniscus")
    assert queue_rows(source, trial.id) == [[2, "Effusion", "presence", "present"]]
    second = settle(source, trial.id, item, "absent", [], "", _lead(database))
    assert second.revision == 2
    (decision,) = source.decisions(trial.id)
    assert decision == second
    assert decision.record() == {
        "case": 2,
        "finding": "Effusion",
        "presence": "absent",
        "boxes": [],
        "condition": "unaided",
        "revision": 2,
        "decided_at": second.decided_at and second.decided_at.isoformat(timespec="seconds"),
    }
    with database.connect() as connection:
        assert connection.exec_driver_sql("SELECT presence, revision FROM consensus ORDER BY id").all() == [
            ("present", 1),
            ("absent", 2),
        ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"presence": ""}, "Say whether the finding is present, absent or unsure"),
        ({"presence": "absent", "boxes": (BOX,)}, "A finding that is not present has no place"),
        ({"case": 9}, "The study has no case 9"),
        ({"finding": "Mass"}, "The study does not ask for this finding"),
        ({"comment": "x" * 2001}, "longer than 2000 characters"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(
    database: sqlalchemy.Engine, change: dict[str, object], words: str
) -> None:
    (trial,) = Source(database).studies()
    whole = Decision(2, "Effusion", "present", (), "", "unaided", _lead(database))
    with pytest.raises(InsightsError, match=words):
        decide(database, trial.id, replace(whole, **change))  # type: ignore[arg-type]
    assert decisions(database, trial.id) == []


def test_where_readers_agree_nothing_is_to_be_decided(database: sqlalchemy.Engine) -> None:
    source = Source(database)
    (trial,) = source.studies()
    with pytest.raises(InsightsError, match="Readers do not disagree on Effusion in case 1"):
        disagreement(source, trial.id, 1, "Effusion")
