"""ROC and AFROC curves, arms compared, calibration: against scikit-learn and plain loops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from app.insights.calibration import calibration
from app.insights.comparison import comparison
from app.insights.curves import afroc, roc
from app.insights.opinions import Readings
from app.study.data import CaseTruth
from patchclip.evaluate.mrmc import Ratings, analyse
from patchclip.types import Box
from tests.app.insights.studies import READERS, drawn_study, mark, study

LEFT, RIGHT = Box(0, 0, 100, 100), Box(200, 0, 100, 100)
IN_LEFT, IN_RIGHT, ELSEWHERE = Box(20, 20, 40, 40), Box(230, 30, 20, 20), Box(500, 500, 10, 10)


@pytest.mark.parametrize("condition", ["first", "second"])
def test_areas_are_those_of_scikit_learn(condition: str) -> None:
    data = drawn_study()
    readings = Readings(data)
    opinions = readings.of("Nodule", condition)
    truth = {item.case: item.present for item in data.truths if item.finding == "Nodule"}
    for reader in READERS:
        curve = roc(readings, opinions, reader)
        assert curve is not None
        scores = {m.case: m.score for m in opinions.marks.values() if m.reader == reader}
        assert curve.area.value == pytest.approx(
            roc_auc_score([truth[case] for case in scores], list(scores.values()))
        )
        assert (curve.present, curve.absent) == (8, 16)
        x, y = ([getattr(point, axis) for point in curve.points] for axis in "xy")
        assert np.trapezoid(y, x) == pytest.approx(curve.area.value)
        assert sorted(case for point in curve.points for case in point.cases) == sorted(scores)
        assert all(scores[case] == point.rating for point in curve.points for case in point.cases)


def a_free_response_study() -> Readings:
    """Two normal cases (one marked), one with two true boxes (one found), one with one (found), one without
    a place."""
    marks = [
        mark("Ada", 1, "absent", confidence=80),
        mark("Ada", 2, "present", confidence=20, boxes=(ELSEWHERE,)),
        mark("Ada", 3, "present", confidence=60, boxes=(IN_LEFT, ELSEWHERE)),
        mark("Ada", 4, "present", confidence=20, boxes=(IN_RIGHT,)),
        mark("Ada", 5, "present", confidence=90),
    ]
    truths = [
        CaseTruth(1, "Effusion", False),
        CaseTruth(2, "Effusion", False),
        CaseTruth(3, "Effusion", True, (LEFT, RIGHT)),
        CaseTruth(4, "Effusion", True, (RIGHT,)),
        CaseTruth(5, "Effusion", True),
    ]
    return Readings(study(marks, truths))


def test_afroc_by_hand() -> None:
    """Ratings: normal (unmarked, 60); true boxes 80, unmarked, 60.

    Pairs won: 80 both times; unmarked against unmarked a half, against 60 none; 60 against unmarked one,
    against 60 a half: 4 of 6. In the weighted curve the boxes of case 3 count a half each, of 2 x 2 pairs.
    """
    readings = a_free_response_study()
    opinions = readings.of("Effusion", "unaided")
    curve = afroc(readings, opinions, "Ada", weighted=False)
    weighted = afroc(readings, opinions, "Ada", weighted=True)
    assert curve is not None and weighted is not None
    assert curve.area.value == pytest.approx((2 + 0.5 + 1.5) / 6)
    assert weighted.area.value == pytest.approx((0.5 * 2 + 0.5 * 0.5 + 1.5) / 4)
    assert [(point.x, point.y, point.cases) for point in curve.points] == [
        (0.0, 0.0, ()),
        (0.0, pytest.approx(1 / 3), (3,)),
        (0.5, pytest.approx(2 / 3), (2, 4)),
    ]
    assert [(point.x, point.y) for point in weighted.points][1:] == [(0.0, 0.25), (0.5, 0.75)]
    assert (curve.present, curve.absent, curve.kind, weighted.kind) == (2, 2, "AFROC", "wAFROC")


@pytest.mark.parametrize("weighted", [False, True])
def test_the_area_is_that_under_the_drawn_curve(weighted: bool) -> None:
    readings = Readings(drawn_study(cases=30, seed=8))
    curve = afroc(readings, readings.of("Effusion", "first"), "Ben", weighted=weighted)
    assert curve is not None and curve.area.value is not None
    x = [point.x for point in curve.points] + [1.0]
    y = [point.y for point in curve.points] + [1.0]
    assert np.trapezoid(y, x) == pytest.approx(curve.area.value)
    low, high = curve.area.ci
    assert low is not None and high is not None and low < curve.area.value < high


def test_without_both_kinds_of_cases_there_is_no_curve() -> None:
    marks = [mark("Ada", 1, "present", boxes=(IN_LEFT,)), mark("Ada", 2, "absent")]
    readings = Readings(study(marks, [CaseTruth(1, "Effusion", True), CaseTruth(2, "Effusion", False)]))
    opinions = readings.of("Effusion", "unaided")
    assert roc(readings, opinions, "Ada") is not None
    assert afroc(readings, opinions, "Ada", weighted=True) is None  # no true box
    only = Readings(study(marks, [CaseTruth(1, "Effusion", True)]))
    assert roc(only, only.of("Effusion", "unaided"), "Ada") is None


@pytest.mark.parametrize(
    ("arm", "pair"), [("sequential", ("first", "second")), ("crossover", ("unaided", "aided"))]
)
def test_arms_are_compared_as_the_multi_reader_analysis_does(arm: str, pair: tuple[str, str]) -> None:
    data = drawn_study(arm=arm)
    result = comparison(Readings(data), "Effusion", pair)
    truth = {item.case: item.present for item in data.truths if item.finding == "Effusion"}
    values = np.full((2, 3, 24), np.nan)
    for m in data.marks:
        if m.finding == "Effusion":
            with_model = m.opinion == "second" or m.arm == "aided"
            values[int(with_model), READERS.index(m.reader), m.case - 1] = m.score
    expected = analyse(Ratings(values, np.array([truth[case] for case in range(1, 25)]), pair, READERS))
    assert result.result is not None and (result.reason, result.left_out) == ("", 0)
    assert result.result.areas == pytest.approx(expected.areas)
    assert result.result.analyses[0].differences == expected.analyses[0].differences
    assert result.result.analyses[0].differences[0].area.value < 0  # the model helps in this study


def test_cases_that_not_all_have_read_in_both_are_left_out_and_counted() -> None:
    data = drawn_study()
    less = [m for m in data.marks if not (m.reader == "Cleo" and m.case == 5 and m.opinion == "second")]
    result = comparison(Readings(replace(data, marks=tuple(less))), "Effusion", ("first", "second"))
    assert 5 not in result.cases and len(result.cases) == 23 and result.left_out == 1


def test_a_study_that_is_too_small_says_so() -> None:
    data = drawn_study()
    few = [m for m in data.marks if m.case <= 4]
    result = comparison(Readings(replace(data, marks=tuple(few))), "Effusion", ("first", "second"))
    assert result.result is None
    assert result.reason == ("The study has 1 diseased and 3 normal cases; an analysis needs 2 of each.")
    alone = [m for m in data.marks if m.reader == "Ada"]
    result = comparison(Readings(replace(data, marks=tuple(alone))), "Effusion", ("first", "second"))
    assert "1 reader;" in result.reason


def test_calibration_is_that_of_scikit_learn_and_of_counting() -> None:
    data = drawn_study()
    readings = Readings(data)
    opinions = readings.of("Effusion", "first")
    result = calibration(readings, opinions, "Cleo")
    truth = {item.case: item.present for item in data.truths if item.finding == "Effusion"}
    scores = {m.case: m.score for m in opinions.marks.values() if m.reader == "Cleo"}
    assert result is not None
    assert result.brier.value == pytest.approx(
        brier_score_loss([truth[case] for case in scores], [score / 100 for score in scores.values()])
    )
    assert sum(item.observed.total for item in result.bins) == 24
    for item in result.bins:
        inside = [c for c, s in scores.items() if item.low <= s < item.high or s == item.high == 100]
        assert item.observed.total == len(inside)
        assert item.observed.count == sum(truth[case] for case in inside)
        assert item.stated == pytest.approx(np.mean([scores[case] for case in inside]) / 100)
