"""The order of a worklist: the seed's, the manifest's, or the doubtful cases first."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from tests.app.study.conftest import SEQUENTIAL, Bench
from tests.app.study.reader_client import ReaderClient, opinion_body, people_of, study_api


def order_of(client: ReaderClient, study: int) -> list[int]:
    """The cases' numbers as the reader gets them."""
    return [item["case"] for item in client.call("study_worklist", study=study)["items"]]


def test_readers_have_orders_of_their_own_unless_it_is_given(
    bench: Bench, films: Path, tmp_path: Path
) -> None:
    drawn = bench.make(films, SEQUENTIAL, ("anna", "ben"), "drawn")
    given = bench.make(films, SEQUENTIAL + 'order = "given"\n', ("anna", "ben"), "given")
    api = study_api(bench, tmp_path, people_of(bench))
    anna, ben = (ReaderClient(api, name) for name in ("anna", "ben"))
    assert sorted(order_of(anna, drawn)) == sorted(order_of(ben, drawn)) == list(range(1, 7))
    assert order_of(anna, drawn) != order_of(ben, drawn)
    assert order_of(anna, given) == order_of(ben, given) == list(range(1, 7))


def test_disputed_cases_come_first_then_those_near_the_threshold(
    bench: Bench, films: Path, tmp_path: Path
) -> None:
    study = bench.make(films, SEQUENTIAL + 'order = "uncertain"\n', ("anna", "ben", "carl"))
    margins = {1: 0.45, 2: 0.3, 3: 0.05, 4: 0.2, 5: 0.1}  # the model was not asked of case 6 yet
    with bench.database.begin() as connection:
        for case, margin in margins.items():
            for finding, probability in (("Effusion", 0.5 + margin), ("Pleural_Thickening", 0.99)):
                connection.execute(
                    text(
                        "INSERT INTO study_answer (case_id, finding, probability, threshold, regions) "
                        "SELECT id, :finding, :probability, 0.5, '{}' FROM study_case "
                        "WHERE study_id = :study AND number = :case"
                    ),
                    {"finding": finding, "probability": probability, "study": study, "case": case},
                )
    api = study_api(bench, tmp_path, people_of(bench))
    anna, ben, carl = (ReaderClient(api, name) for name in ("anna", "ben", "carl"))
    assert order_of(carl, study) == [3, 5, 4, 2, 1, 6]

    for client, presence in ((anna, "present"), (ben, "absent")):
        items = client.call("study_worklist", study=study)["items"]
        assignment = next(item["assignment"] for item in items if item["case"] == 1)
        body = opinion_body(assignment)
        body["findings"][0] = {"label": "Effusion", "presence": presence}
        client.call("study_save", **body)
    assert order_of(carl, study) == [1, 3, 5, 4, 2, 6]
