"""Sensitivity and specificity on the images that an operating point was chosen on, and on others."""

from __future__ import annotations

import numpy as np

from patchclip.model.calibration import Calibration, FindingCalibration
from trainer.calibrate.accuracy import at_thresholds, cross_validated
from trainer.calibrate.joint import operating_point

LABELS = ["Effusion", "Nodule"]
PLAIN = Calibration.identity(LABELS)


def probabilities(logits: np.ndarray) -> np.ndarray:
    return np.asarray(PLAIN.of("Effusion").image_probability(logits.astype(np.float32)))


def dark(like: np.ndarray) -> np.ndarray:
    """No map of any is lit."""
    return np.zeros(like.shape, np.bool_)


def test_noise_is_no_better_than_chance_though_the_chosen_point_looks_so() -> None:
    rng = np.random.default_rng(0)
    labels = [str(k) for k in range(20)]
    noise = Calibration.identity(labels)
    table = np.where(rng.random((400, 20)) < 0.1, 1, 0).astype(np.int8)
    image = rng.normal(size=table.shape)
    honest = cross_validated(
        image, dark(table), table, [str(n // 2) for n in range(400)], labels, noise, agreement=0
    ).accuracy
    gains, flattered = [], []
    for k, label in enumerate(labels):
        item, values = honest[label], probabilities(image[:, k])
        assert (item.present, item.present + item.absent) == ((table[:, k] == 1).sum(), 400)
        gains.append(item.sensitivity.value + item.specificity.value - 1)
        called = values >= operating_point(values, table[:, k], dark(values), agreement=0)
        flattered.append(called[table[:, k] == 1].mean() - called[table[:, k] == 0].mean())
    assert np.mean(flattered) > 0.07 and abs(np.mean(gains)) < 0.04


def test_what_separates_is_found_and_rare_or_unknown_findings_are_left_out() -> None:
    table = np.zeros((100, 2), np.int8)
    table[:40, 0], table[40:50, 0] = 1, -1
    table[:8, 1] = 1
    image = np.stack([np.where(table[:, 0] == 1, 3.0, -3.0), np.zeros(100)], axis=1)
    one_patient = ["one"] * 8 + [str(k) for k in range(92)]
    measured = cross_validated(image, dark(table), table, one_patient, LABELS, PLAIN).accuracy
    assert set(measured) == {"Effusion"}  # all 8 nodules are of one patient
    item = measured["Effusion"]
    assert (item.true_positives, item.present, item.true_negatives, item.absent) == (40, 40, 50, 50)


def test_elsewhere_the_thresholds_stay_where_they_are() -> None:
    at = FindingCalibration(image_threshold=0.6)
    table = np.array([[1, 0], [1, 0], [0, 0], [2, 0], [-1, 0]], np.int8)
    image = np.array([[2.0, 0], [0.1, 0], [-1.0, 0], [3.0, 0], [9.0, 0]])
    measured = at_thresholds(image, table, LABELS, Calibration({"Effusion": at, "Nodule": at}, at))
    assert set(measured) == {"Effusion"}
    item = measured["Effusion"]
    assert (item.true_positives, item.present, item.true_negatives, item.absent) == (1, 2, 1, 2)
