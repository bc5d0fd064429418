"""What seeing the model changes: shift, reliance, maps, time; against counting and statsmodels."""

from __future__ import annotations

import json

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar

from app.insights.figures import figures
from app.insights.opinions import Readings
from app.insights.pace import progress, reading_times, weighted_median
from app.insights.paired import Discordance, discordance
from app.insights.record import record
from app.insights.reliance import is_map_right, reliance, wrong_maps
from app.insights.shift import ALL, shifts
from app.insights.verdicts import EVERY, map_comparisons
from app.study.data import CaseTruth, Mark, ModelAnswer
from patchclip.types import Box
from tests.app.insights.studies import READERS, TRUE_BOX, drawn_study, mark, study

ELSEWHERE = Box(400, 400, 30, 30)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 7), (12, 3), (5, 5), (0, 9)])
def test_mcnemar_is_that_of_statsmodels(first: int, second: int) -> None:
    table = Discordance(20, first, second, 4)
    expected = mcnemar([[20, first], [second, 4]], exact=True).pvalue
    assert table.p == pytest.approx(expected)
    assert table.n == 24 + first + second
    assert discordance([True, True, False, False], [True, False, True, False]) == Discordance(1, 1, 1, 1)


def test_shifts_are_counted() -> None:
    data = drawn_study()
    result = {
        (item.measure, item.reader): item for item in shifts(Readings(data), "Effusion", "first", "second")
    }
    truth = {item.case: item.present for item in data.truths if item.finding == "Effusion"}
    assert list(result) == [(m, r) for m in ("sensitivity", "specificity") for r in (ALL, *READERS)]
    for (measure, reader), item in result.items():
        present = measure == "sensitivity"
        right = {
            opinion: [
                (m.presence == "present") == present
                for m in data.marks
                if m.finding == "Effusion"
                and m.opinion == opinion
                and reader in (ALL, m.reader)
                and truth[m.case] == present
            ]
            for opinion in ("first", "second")
        }
        assert item.value_before.value == pytest.approx(np.mean(right["first"]))
        assert item.value_after.value == pytest.approx(np.mean(right["second"]))
        assert item.difference.value == pytest.approx(np.mean(right["second"]) - np.mean(right["first"]))
        assert item.difference.n == len(right["first"])
    low, high = result["sensitivity", ALL].difference.ci
    assert low is not None and high is not None and low <= high


def a_study_of_reliance() -> list[Mark]:
    """Of six cases: (first opinion, second) beside what the model and the truth say."""
    told = [("a", "p"), ("a", "a"), ("p", "a"), ("a", "p"), ("a", "a"), ("p", "p")]
    words = {"a": "absent", "p": "present"}
    return [
        mark("Ada", case, words[letter], arm="sequential", opinion=opinion)
        for case, pair in enumerate(told, start=1)
        for opinion, letter in zip(("first", "second"), pair, strict=True)
    ]


def test_over_reliance_is_the_change_of_a_right_opinion_to_the_models_wrong_one() -> None:
    truth = [False, False, True, True, True, True]
    model = [True, True, False, True, True, True]  # wrong in 1, 2 and 3
    data = study(
        a_study_of_reliance(),
        [CaseTruth(case, "Effusion", value) for case, value in enumerate(truth, start=1)],
        [
            ModelAnswer(case, "Effusion", 0.4 if value else 0.39, 0.4, {})
            for case, value in enumerate(model, start=1)
        ],
    )
    both, ada = reliance(Readings(data), "Effusion", "first", "second")
    assert (both.reader, ada.reader) == (ALL, "Ada")
    assert ada.misled.value == pytest.approx(2 / 3)  # 1 and 3 of 1, 2, 3
    assert ada.misled.n == 3
    assert ada.with_wrong_before.value == 0.0
    assert ada.with_wrong_after.value == pytest.approx(2 / 3)
    assert (ada.helped.value, ada.ignored.value, ada.helped.n) == (0.5, 0.5, 2)  # 4 of 4 and 5
    assert both.misled == ada.misled


def test_a_map_is_right_by_the_truth() -> None:
    answer = ModelAnswer(
        1, "Effusion", 0.9, 0.4, {"patch": (ELSEWHERE, TRUE_BOX), "gradcam": (ELSEWHERE,), "dark": ()}
    )
    here = CaseTruth(1, "Effusion", True, (TRUE_BOX,))
    nothing = CaseTruth(1, "Effusion", False)
    assert [is_map_right(answer, here, name) for name in ("patch", "gradcam", "dark")] == [True, False, False]
    assert [is_map_right(answer, nothing, name) for name in ("patch", "dark")] == [False, True]
    assert is_map_right(answer, CaseTruth(1, "Effusion", True), "patch") is None
    assert is_map_right(answer, here, "other") is None


def test_wrong_maps_that_readers_call_correct_are_counted() -> None:
    said = ["correct", "wrong", "correct", "wrong"]
    marks = [
        mark("Ada", case, "present", arm="aided", verdicts={"gradcam": word})
        for case, word in enumerate(said, 1)
    ]
    truths = [CaseTruth(case, "Effusion", True, (TRUE_BOX,)) for case in range(1, 5)]
    lit = [ELSEWHERE, ELSEWHERE, TRUE_BOX, TRUE_BOX]  # wrong, wrong, right, right
    answers = [
        ModelAnswer(case, "Effusion", 0.9, 0.4, {"gradcam": (box,)}) for case, box in enumerate(lit, 1)
    ]
    both, _ = wrong_maps(Readings(study(marks, truths, answers)), "Effusion")
    assert (both.method, both.reader) == ("gradcam", ALL)
    assert (both.called_correct.value, both.called_correct.n) == (0.5, 2)
    assert (both.called_wrong.value, both.called_wrong.n) == (0.5, 2)


def test_maps_are_compared_on_the_same_readings() -> None:
    data = drawn_study()
    result = {(item.finding, item.reader): item for item in map_comparisons(Readings(data))}
    assert set(result) == {(f, r) for f in (EVERY, "Effusion", "Nodule") for r in (ALL, *READERS)}
    for (finding, reader), item in result.items():
        chosen = [
            m.verdicts
            for m in data.marks
            if m.verdicts and finding in (EVERY, m.finding) and reader in (ALL, m.reader)
        ]
        patch, cam = (np.array([v[name] == "correct" for v in chosen]) for name in ("patch", "gradcam"))
        assert item.methods == ("patch", "gradcam")
        assert [figure.value for figure in item.correct] == pytest.approx([patch.mean(), cam.mean()])
        assert item.difference.value == pytest.approx(patch.mean() - cam.mean())
        table = [[(patch & cam).sum(), (patch & ~cam).sum()], [(~patch & cam).sum(), (~patch & ~cam).sum()]]
        assert item.discordance.p == pytest.approx(mcnemar(table, exact=True).pvalue)


def test_reading_time_counts_a_reading_once_for_all_of_its_findings() -> None:
    marks = [
        mark("Ada", case, "absent", finding=finding, seconds=seconds)
        for case, seconds in ((1, 10.0), (2, 20.0), (3, 60.0))
        for finding in ("Effusion", "Nodule")
    ]
    (time,) = reading_times(study(marks))
    assert (time.median.value, time.median.n, time.low, time.high) == (20.0, 3, 15.0, 40.0)
    weights = np.array([[1.0, 1, 1], [0, 2, 1], [3, 0, 0], [1, 0, 1]])
    assert weighted_median(np.array([10.0, 20.0, 60.0]), weights).tolist() == [20, 20, 10, 35]


def test_progress_tells_done_from_begun_and_unreadable() -> None:
    marks = [
        mark("Ada", 1, "absent", arm="sequential", opinion="first"),
        mark("Ada", 1, "absent", arm="sequential", opinion="second"),
        mark("Ada", 2, "absent", arm="sequential", opinion="first"),
        mark("Ben", 1, "absent", arm="unaided"),
    ]
    data = study(
        marks,
        readers=("Ada", "Ben", "Cleo"),
        assigned={("Ada", "sequential"): 6, ("Ben", "unaided"): 6, ("Cleo", "unaided"): 6},
        unreadable=(("Ada", 3),),
    )
    rows = [(p.reader, p.arm, p.assigned, p.done, p.begun, p.unreadable) for p in progress(data)]
    assert rows == [
        ("Ada", "sequential", 6, 1, 1, 1),
        ("Ben", "unaided", 6, 1, 0, 0),
        ("Cleo", "unaided", 6, 0, 0, 0),
    ]


def test_all_figures_are_json_and_the_same_each_time() -> None:
    told = record(figures(drawn_study()))
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told == record(figures(drawn_study()))
    assert told["notice"] == "Research use only, not for clinical use"
    assert {item["finding"] for item in told["agreements"]} == {"Nodule", "Effusion"}
    assert told["agreements"][0]["finding"] == "Nodule"  # as the protocol has them
    assert told["comparisons"][0]["result"]["areas"]
    assert set(told["map_comparisons"][0]["discordance"]) == {"both", "first", "second", "neither", "p"}


def test_a_study_that_nobody_has_read_has_no_figures_but_its_progress() -> None:
    data = study([], readers=("Ada",), assigned={("Ada", "aided"): 4}, cases={1: "c" * 64})
    result = figures(data)
    assert [(item.reader, item.assigned, item.done) for item in result.progress] == [("Ada", 4, 0)]
    assert not any((result.agreements, result.curves, result.comparisons, result.reading_times))
