"""The patient bootstrap against a loop that really resamples, and against scipy."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from scipy import stats

from patchclip.evaluate import image_metrics as metrics
from patchclip.evaluate.bootstrap import Figure, PatientBootstrap, holm, two_sided_p

RNG = np.random.default_rng(0)


def test_replicates_are_resampled_patients() -> None:
    patients = [f"p{k // 3}" for k in range(60)]
    values = RNG.random(60)
    bootstrap = PatientBootstrap(patients, 50, seed=4)
    weights = bootstrap.weights(np.arange(60))
    names = np.unique(patients)
    for row in weights[1:]:
        drawn = [name for name in names for _ in range(int(row[patients.index(name)]))]
        assert len(drawn) == len(names)
        chosen = [values[k] for name in drawn for k in range(60) if patients[k] == name]
        assert metrics.mean(values, row[None])[0] == pytest.approx(np.mean(chosen))
    for name in names:  # all images of a patient come together
        columns = [k for k in range(60) if patients[k] == name]
        assert (weights[:, columns] == weights[:, columns[:1]]).all()


def test_interval_is_scipys_when_each_patient_has_one_image() -> None:
    values = RNG.normal(5, 2, 120)
    figure = PatientBootstrap([str(k) for k in range(120)], 4000, seed=1).figure(
        np.arange(120), lambda w: metrics.mean(values, w)
    )
    other = stats.bootstrap(
        (values,), np.mean, n_resamples=4000, method="percentile", random_state=2
    ).confidence_interval
    assert figure.value == pytest.approx(values.mean())
    assert figure.ci == pytest.approx((other.low, other.high), abs=0.06)
    assert figure.n == 120


def test_same_seed_same_patients() -> None:
    patients = [str(k % 9) for k in range(30)]
    one, two, other = (PatientBootstrap(patients, 20, seed).weights(np.arange(30)) for seed in (5, 5, 6))
    assert (one == two).all()
    assert (one != other).any()


def test_undefined_is_null() -> None:
    figure = PatientBootstrap(["a", "b"], 10).figure(np.arange(2), lambda w: np.full(len(w), np.nan))
    assert figure.to_json() == {"value": None, "ci": [None, None], "n": 2}


def test_a_copy_of_a_figure_keeps_its_replicates() -> None:
    figure = PatientBootstrap([str(k) for k in range(9)], 20).mean(np.arange(9), np.arange(9.0))
    for other in (replace(figure, n=3), copy.deepcopy(figure), pickle.loads(pickle.dumps(figure))):
        assert len(other.replicates) == 21 and (other.replicates == figure.replicates).all()
    with pytest.raises(FrozenInstanceError):
        figure.replicates = np.empty(0)  # type: ignore[misc]
    assert Figure.from_json(figure.to_json()) == figure


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_p_is_twice_the_smaller_tail() -> None:
    assert two_sided_p(np.array([1.0] * 97 + [-1.0] * 3)) == pytest.approx(0.06)
    assert two_sided_p(np.ones(100)) == pytest.approx(0.01)
    assert two_sided_p(np.array([1.0, -1.0] * 50)) == 1
    assert two_sided_p(np.array([np.nan])) == 1
