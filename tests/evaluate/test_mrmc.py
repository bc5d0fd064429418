"""Multi-reader analysis: against the published example, plain loops and scikit-learn."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from patchclip.errors import DataError
from patchclip.evaluate.mrmc import Ratings, analyse, area_under_curve
from tests.tiny import ROOT

VAN_DYKE = ROOT.parent / "shared" / "reference" / "vandyke.csv"
"""Van Dyke et al., 42nd RSNA 1993: 5 readers, spin-echo and cine MRI of 114 patients, aortic dissection."""


def a_study(arms: int = 2, readers: int = 3, cases: int = 24, seed: int = 0, better: float = 0.0) -> Ratings:
    """Ratings of 1 to 9, of which those in later arms tell diseased cases better."""
    rng = np.random.default_rng(seed)
    diseased = np.arange(cases) % 3 == 0
    signal = diseased * (1.0 + better * np.arange(arms)[:, None, None])
    latent = signal + rng.normal(0, 1, cases) * 0.7 + rng.normal(0, 1, (arms, readers, cases))
    values = np.clip(np.round(latent * 2 + 4), 1, 9)
    return Ratings(values, diseased, tuple("ABCD"[:arms]), tuple(f"r{number}" for number in range(readers)))


@pytest.mark.skipif(not VAN_DYKE.exists(), reason="the published example is not there")
def test_the_published_example_is_reproduced() -> None:
    """Figures of Chakraborty's RJafroc (dataset02, Wilcoxon areas, method OR, jackknife covariances)."""
    with VAN_DYKE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    values, diseased = np.full((2, 5, 114), np.nan), np.zeros(114, bool)
    for row in rows:
        case = int(row["case"]) - 1
        values[int(row["treatment"]) - 1, int(row["reader"]) - 1, case] = float(row["rating"])
        diseased[case] = row["truth"] == "1"
    result = analyse(Ratings(values, diseased, ("1", "2"), tuple("12345")))
    assert [arm.value for arm in result.arms] == pytest.approx([0.89703704, 0.94083736], abs=5e-9)
    covariances = result.covariances
    assert covariances.variance == pytest.approx(0.0008022883, abs=5e-11)
    assert covariances.other_arm == pytest.approx(0.0003466137, abs=5e-11)
    assert covariances.other_reader == pytest.approx(0.0003440748, abs=5e-11)
    assert covariances.other_both == pytest.approx(0.0002390284, abs=5e-11)

    random, fixed_readers, _ = result.analyses
    assert (random.test.f, random.test.df2, random.test.p) == pytest.approx(
        (4.4563187, 15.259675, 0.05166569), rel=1e-6
    )
    (difference,) = random.differences
    assert difference.arms == ("1", "2")
    assert (difference.area.value, difference.area.low, difference.area.high) == pytest.approx(
        (-0.04380032, -0.08795950, 0.00035885), abs=5e-9
    )
    assert (fixed_readers.test.f, fixed_readers.test.p) == pytest.approx((5.4759532, 0.01927984), rel=1e-6)


def test_areas_are_scikit_learns() -> None:
    study = a_study(seed=3)
    for arm, reader in np.ndindex(2, 3):
        ours = area_under_curve(study.values[arm, reader], study.diseased)
        assert ours == pytest.approx(roc_auc_score(study.diseased, study.values[arm, reader]), abs=1e-12)


def test_covariances_are_those_of_a_plain_jackknife() -> None:
    study = a_study(seed=5, cases=15)
    cases = len(study.diseased)

    def area(arm: int, reader: int, without: int) -> float:
        kept = [case for case in range(cases) if case != without]
        pairs = [(p, n) for p in kept if study.diseased[p] for n in kept if not study.diseased[n]]
        rating = study.values[arm, reader]
        won = [float(rating[p] > rating[n]) + 0.5 * float(rating[p] == rating[n]) for p, n in pairs]
        return sum(won) / len(won)

    areas = {
        (arm, reader): [area(arm, reader, without) for without in range(cases)]
        for arm in range(2)
        for reader in range(3)
    }

    def covariance(one: tuple[int, int], other: tuple[int, int]) -> float:
        x, y = areas[one], areas[other]
        products = [(a - sum(x) / cases) * (b - sum(y) / cases) for a, b in zip(x, y, strict=True)]
        return (cases - 1) / cases * sum(products)

    kinds: dict[str, list[float]] = {"variance": [], "other_arm": [], "other_reader": [], "other_both": []}
    for one in areas:
        for other in areas:
            same = (one[0] == other[0], one[1] == other[1])
            name = {
                (True, True): "variance",
                (False, True): "other_arm",
                (True, False): "other_reader",
                (False, False): "other_both",
            }[same]
            kinds[name].append(covariance(one, other))
    found = analyse(study).covariances
    for name, values in kinds.items():
        assert getattr(found, name) == pytest.approx(sum(values) / len(values), abs=1e-12)


def test_a_better_arm_is_found_and_the_same_one_is_not() -> None:
    better = analyse(a_study(readers=5, cases=90, better=1.5)).analyses[0]
    (difference,) = better.differences
    assert difference.p < 0.01 and difference.area.high < 0 and difference.p == pytest.approx(better.test.p)
    study = a_study()
    twice = Ratings(np.repeat(study.values[:1], 2, axis=0), study.diseased, ("A", "B"), study.readers)
    (none,) = analyse(twice).analyses[0].differences
    assert none.area.value == 0 and none.p == 1


def test_three_arms_have_three_differences() -> None:
    pairs = analyse(a_study(arms=3)).analyses[0].differences
    assert [pair.arms for pair in pairs] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert pairs[0].area.value + pairs[2].area.value == pytest.approx(pairs[1].area.value, abs=1e-12)


def test_what_cannot_be_analysed_is_a_sentence() -> None:
    study = a_study()
    with pytest.raises(DataError, match="0 diseased and 24 normal cases"):
        Ratings(study.values, np.zeros(24, bool), study.arms, study.readers)
    with pytest.raises(DataError, match="1 arm and 3 readers"):
        analyse(Ratings(study.values[:1], study.diseased, ("A",), study.readers))
    with pytest.raises(DataError, match="2 arms and 1 reader;"):
        analyse(Ratings(study.values[:, :1], study.diseased, study.arms, ("r0",)))
