"""Weights under which no group of images stands for a finding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from patchclip.image.geometry import Letterbox
from trainer.batches.source_balance import LARGEST, balance_weights_of, groups_of
from trainer.config import DataConfig
from trainer.data.loaded import Loaded
from trainer.data.sample import Sample

CONFIG = replace(DataConfig(), source_balance=1.0)


def example(seed: int = 0) -> tuple[list[str], np.ndarray, np.ndarray]:
    """1,000 images of two hospitals: three findings of unlike frequency, the last one read in one hospital
    alone."""
    rng = np.random.default_rng(seed)
    here = np.arange(1000) < 700
    frequency = np.where(here[:, None], [0.1, 0.4, 0.3], [0.6, 0.35, 0.3])
    states = (rng.random((1000, 3)) < frequency).astype(np.int8)
    states[~here, 2] = -1
    states[here & (states[:, 0] == 0), 0] = 2  # not mentioned
    return ["here" if flag else "there" for flag in here], states, np.full(1000, 1e-3)


def frequency(group: str, groups: list[str], states: np.ndarray, weights: np.ndarray, k: int) -> float:
    chosen = (np.array(groups) == group) & (states[:, k] >= 0)
    return float(np.average(states[chosen, k] == 1, weights=weights[chosen, k]))


def test_a_finding_is_as_frequent_in_every_group_when_weighed() -> None:
    groups, states, chance = example()
    weights = balance_weights_of(groups, states, chance, CONFIG)
    for k in (0, 1):
        plain = [frequency(name, groups, states, np.ones_like(weights), k) for name in ("here", "there")]
        weighed = [frequency(name, groups, states, weights, k) for name in ("here", "there")]
        assert abs(plain[0] - plain[1]) > (0.3 if k == 0 else 0.02)
        assert weighed[0] == pytest.approx(weighed[1], abs=0.03 if k == 0 else 0.01)
    assert (weights[:, 2] == 1).all()  # one group cannot stand for what no other was read for


def test_the_finding_no_longer_tells_the_group() -> None:
    """The AUROC of the label for the hospital, which a model could otherwise reach by knowing the
    hospital."""
    groups, states, chance = example()
    there = np.array(groups) == "there"
    weights = balance_weights_of(groups, states, chance, CONFIG)
    assert roc_auc_score(there, states[:, 0] == 1) > 0.7
    assert roc_auc_score(there, states[:, 0] == 1, sample_weight=weights[:, 0]) == pytest.approx(
        0.5, abs=0.02
    )


def test_weights_follow_how_often_an_image_is_drawn() -> None:
    groups, states, chance = example()
    drawn = chance * np.where(states[:, 0] == 1, 3.0, 1.0)
    drawn /= drawn.sum()
    weights = balance_weights_of(groups, states, drawn, CONFIG) * drawn[:, None]
    assert frequency("here", groups, states, weights, 0) == pytest.approx(
        frequency("there", groups, states, weights, 0), abs=0.03
    )


def test_power_between_nothing_and_all() -> None:
    groups, states, chance = example()
    none = balance_weights_of(groups, states, chance, DataConfig())
    half = balance_weights_of(groups, states, chance, replace(CONFIG, source_balance=0.5))
    full = balance_weights_of(groups, states, chance, CONFIG)
    assert (none == 1).all() and np.allclose(half, np.sqrt(full))
    assert full.max() <= LARGEST and full.min() >= 1 / LARGEST


def test_a_group_that_shows_one_class_alone_teaches_nothing_of_it() -> None:
    """But not where chance would have shown it no other either."""
    groups = ["here"] * 100 + ["there"] * 100 + ["few"] * 10
    states = np.zeros((210, 1), np.int8)
    states[:50] = 1
    weights = balance_weights_of(groups, states, np.full(210, 1 / 210), CONFIG)
    assert (weights[100:200] == 0).all() and (weights[:100] > 0).all() and (weights[200:] > 0.5).all()
    half = balance_weights_of(groups, states, np.full(210, 1 / 210), replace(CONFIG, source_balance=0.5))
    assert (half[100:200] == 0.5).all()


def test_groups_are_made_of_cohort_view_and_resolution() -> None:
    def item(source: str, cohort: str, view: str | None, pixels: int) -> Loaded:
        sample = Sample(Path("a.png"), "1", source, {}, view=view, cohort=cohort)
        return Loaded(np.zeros((8, 8), np.uint8), Letterbox(pixels, pixels - 2, 8), sample)

    items = [item("nih", "nih", "AP", 512), item("nih_hires", "nih", "PA", 768), item("vindr", "", None, 768)]
    assert groups_of(items, ("source",), 512) == ["nih", "nih", "vindr"]
    assert groups_of(items, ("source", "view", "resolution"), 640) == [
        "nih AP small", "nih PA large", "vindr unknown view large",
    ]  # fmt: skip
