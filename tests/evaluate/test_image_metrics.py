"""Image-level metrics against scikit-learn and plain loops, and their properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from patchclip.evaluate import image_metrics as metrics

RNG = np.random.default_rng(7)
SCORES = np.round(RNG.random(80), 2)  # rounding makes ties
TRUTH = (SCORES + RNG.normal(0, 0.4, 80)) > 0.6
ONES = np.ones((1, 80))
COUNTS = RNG.multinomial(80, np.full(80, 1 / 80), size=5).astype(float)


@pytest.mark.parametrize("weights", [ONES, COUNTS], ids=["sample", "replicates"])
def test_auroc_and_average_precision_are_scikit_learns(weights: np.ndarray) -> None:
    for row, area, precision in zip(
        weights,
        metrics.auroc(SCORES, TRUTH, weights),
        metrics.average_precision(SCORES, TRUTH, weights),
        strict=True,
    ):
        assert area == pytest.approx(oracle.roc_auc_score(TRUTH, SCORES, sample_weight=row))
        assert precision == pytest.approx(oracle.average_precision_score(TRUTH, SCORES, sample_weight=row))


def test_weights_are_repetitions() -> None:
    """A replicate is the metric of the sample in which each image stands as often as it was drawn."""
    repeated = np.repeat(np.arange(80), COUNTS[0].astype(int))
    for metric in (
        metrics.auroc,
        metrics.average_precision,
        metrics.brier,
        metrics.sensitivity_at_specificity,
    ):
        drawn = metric(SCORES, TRUTH, COUNTS[:1])[0]
        assert drawn == pytest.approx(
            metric(SCORES[repeated], TRUTH[repeated], np.ones((1, len(repeated))))[0]
        ), metric.__name__


def test_brier_is_scikit_learns() -> None:
    assert metrics.brier(SCORES, TRUTH, ONES)[0] == pytest.approx(oracle.brier_score_loss(TRUTH, SCORES))


def test_sensitivity_at_specificity_is_the_best_threshold() -> None:
    best = 0.0
    for threshold in np.unique(SCORES):
        called = threshold <= SCORES
        if (~called[~TRUTH]).mean() >= 0.95:
            best = max(best, called[TRUTH].mean())
    assert metrics.sensitivity_at_specificity(SCORES, TRUTH, ONES)[0] == pytest.approx(best)


def test_calibration_error_is_a_plain_loop() -> None:
    order = np.argsort(SCORES, kind="stable")
    error = 0.0
    for part in np.array_split(order, 15):
        error += len(part) / 80 * abs(SCORES[part].mean() - TRUTH[part].mean())
    assert metrics.expected_calibration_error(SCORES, TRUTH, ONES)[0] == pytest.approx(error)


def test_true_probabilities_have_the_calibration_error_of_chance() -> None:
    """Drawn by a plain loop; and a model that is wrong stands out of it."""
    rng = np.random.default_rng(3)
    probabilities = rng.beta(1, 4, size=300)
    ones = np.ones((1, 300))
    drawn = [
        metrics.expected_calibration_error(probabilities, rng.random(300) < probabilities, ones)[0]
        for _ in range(400)
    ]
    chance = metrics.calibration_error_by_chance(probabilities, draws=2000)
    assert chance.shape == (2001,) and chance[0] == pytest.approx(chance[1:].mean())
    assert chance[0] == pytest.approx(np.mean(drawn), rel=0.05)
    assert np.quantile(chance[1:], 0.975) == pytest.approx(np.quantile(drawn, 0.975), rel=0.1)
    wrong = metrics.expected_calibration_error(np.sqrt(probabilities), rng.random(300) < probabilities, ones)[
        0
    ]
    assert wrong > np.quantile(chance[1:], 0.999)
    few = metrics.calibration_error_by_chance(np.array([0.5, 0.5]), draws=50)  # fewer values than bins
    assert set(few[1:]) == {0.5}


def test_one_class_only_is_undefined() -> None:
    nothing = np.zeros(80, bool)
    assert np.isnan(metrics.auroc(SCORES, nothing, ONES)[0])
    assert np.isnan(metrics.average_precision(SCORES, nothing, ONES)[0])
    assert np.isnan(metrics.sensitivity_at_specificity(SCORES, ~nothing, ONES)[0])


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=4, max_size=40))
@settings(max_examples=60, deadline=None)
def test_monotone_transforms_leave_auroc_alone(rows: list[tuple[int, bool]]) -> None:
    scores = np.array([score for score, _ in rows], float)
    truth = np.array([value for _, value in rows])
    ones = np.ones((1, len(rows)))
    plain, bent = metrics.auroc(scores, truth, ones)[0], metrics.auroc(np.exp(scores / 7) - 3, truth, ones)[0]
    assert (np.isnan(plain) and np.isnan(bent)) or plain == pytest.approx(bent)
    if not np.isnan(plain):
        assert metrics.auroc(-scores, truth, ones)[0] == pytest.approx(1 - plain)


def test_mean_leaves_out_what_is_undefined() -> None:
    assert metrics.mean(
        np.array([1.0, np.nan, 3.0]), np.array([[1.0, 1.0, 1.0], [3.0, 9.0, 1.0]])
    ) == pytest.approx([2.0, 1.5])
