"""Operating points at which image and map say the same."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from patchclip.model.calibration import Calibration, FindingCalibration
from trainer.calibrate.accuracy import cross_validated
from trainer.calibrate.joint import Disagreement, disagreement, lit_maps, operating_point


def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, states, and maps that see half of what the image does."""
    rng = np.random.default_rng(3)
    states = rng.choice([-1, 0, 1, 2], 400).astype(np.int8)
    values = rng.uniform(size=400) * 0.6 + 0.4 * (states == 1)
    lit = values + rng.normal(0, 0.1, 400) > 0.75
    return values.astype(np.float32), states, lit


def test_without_the_map_the_point_is_where_the_roc_curve_is_highest_above_the_diagonal() -> None:
    """Against scikit-learn's curve."""
    values, states, lit = drawn()
    seen = states >= 0
    false, true, cuts = roc_curve(states[seen] == 1, values[seen], drop_intermediate=False)
    best = cuts[np.argmax(true - false)]
    assert operating_point(values, states, lit, agreement=0) == pytest.approx(best)
    assert operating_point(values[states == 1], states[states == 1], lit[states == 1]) == 0.5


def test_the_more_agreement_is_worth_the_less_image_and_map_disagree() -> None:
    values, states, lit = drawn()
    seen = states >= 0
    shares = []
    for agreement in (0.0, 1.0, 100.0):
        point = operating_point(values, states, lit, agreement)
        shares.append(np.mean((values >= point)[seen] != lit[seen]))
    assert shares[0] > shares[1] > shares[2]
    least = min(np.mean((values[seen] >= cut) != lit[seen]) for cut in values[seen])
    assert shares[2] == pytest.approx(least)


def test_a_map_is_lit_from_the_threshold_of_its_smoothed_patches_and_padding_lends_nothing() -> None:
    plain, smooth = FindingCalibration(patch_bias=-2.0), FindingCalibration(patch_bias=-2.0, smoothing=2.0)
    of = Calibration({"Nodule": plain, "Mass": smooth}, plain)
    patches = np.full((2, 2, 8, 8), -4.0, np.float32)
    patches[0, :, 3, 3] = 2.0  # sigmoid(2 - 2) is .5; under the Gaussian it fades
    patches[:, :, 6:] = -np.inf
    lit = lit_maps(patches, np.zeros((2, 2), np.float32), ["Nodule", "Mass"], of)
    assert lit.tolist() == [[True, False], [False, False]]


def test_disagreements_are_counted_by_kind() -> None:
    called, lit = np.array([True, True, False, False]), np.array([True, False, True, True])
    counted = disagreement(called, lit) + Disagreement(1, 0, 4)
    assert (counted.hints, counted.dark, counted.answers, counted.share) == (3, 1, 8, 0.5)
    assert counted.words() == (
        "on 50.0% of 8 answers: 3 lit under a low probability, 1 dark under a high one"
    )


def test_disagreement_is_measured_on_patients_who_did_not_choose_the_point() -> None:
    values, states, lit = drawn()
    logits = np.log(values / (1.0001 - values))[:, None]
    labels, patients = ["Nodule"], [str(n) for n in range(len(values))]
    plain = Calibration.identity(labels)
    table, maps = states[:, None], lit[:, None]
    alone = cross_validated(logits, maps, table, patients, labels, plain, agreement=0).disagreement
    joint = cross_validated(logits, maps, table, patients, labels, plain).disagreement
    assert alone.answers == joint.answers == int((states >= 0).sum())
    assert joint.share < alone.share
