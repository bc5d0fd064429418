"""What positives and negatives of each finding weigh, against plain counts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from trainer.batches.dataset import PatchDataset
from trainer.config import LossConfig
from trainer.objective.balance import balance_weights

LABELS = ("Nodule", "Effusion")


class Made:
    """Two images of 100 patches: a nodule of one patch and an effusion of 60; and one free of both."""

    labels = LABELS
    states = np.array([[1, 1], [0, 0]], np.int8)

    def truth(self, position: int) -> SimpleNamespace:
        targets = np.zeros((100, 2), np.int8)
        if position == 0:
            targets[:1, 0] = targets[:60, 1] = 1
        return SimpleNamespace(
            image_targets=self.states[position],
            image_weights=np.ones(2),
            patch_targets=targets,
            positive_weights=np.ones((100, 2), np.float32),
            negative_weights=np.ones(2),
        )


def made() -> PatchDataset:
    return cast(PatchDataset, Made())


def test_with_patches_alike_a_small_finding_says_little() -> None:
    config = LossConfig(balance_power=0.0)
    weights = balance_weights(made(), np.array([0.5, 0.5]), config)
    said = np.array([1.0, 60.0]) / 2 * weights.patch_positive.numpy()
    assert said[0] == pytest.approx(said[1] / 60)
    total = said.sum() + (np.array([199.0, 140.0]) / 2 * weights.patch_negative.numpy()).sum()
    assert total == pytest.approx(1.0)  # an average image weighs 1


def test_with_outlines_alike_it_says_as_much_as_a_large_one() -> None:
    config = LossConfig(patch_unit="outline", positive_mean=0.5, negative_mean=2.0)
    weights = balance_weights(made(), np.array([0.5, 0.5]), config)
    # Two findings are known on every image that is drawn.
    assert weights.patch_positive.tolist() == pytest.approx([0.25, 0.25])
    assert weights.patch_negative.tolist() == pytest.approx([1.0, 1.0])


def test_findings_that_nobody_looked_for_do_not_count() -> None:
    class Unread(Made):
        def truth(self, position: int) -> SimpleNamespace:
            truth = super().truth(position)
            if position == 1:
                truth.negative_weights = np.array([0.0, 1.0])  # not mentioned, which says nothing of a patch
            return truth

    config = LossConfig(patch_unit="outline")
    weights = balance_weights(cast(PatchDataset, Unread()), np.array([0.5, 0.5]), config)
    assert weights.patch_positive.tolist() == pytest.approx([0.5 / 1.5] * 2)
