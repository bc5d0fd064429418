"""Which branches answer is decided on held-out images."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.calibrate import best_branches
from trainer.validate import mean_auroc


def table() -> np.ndarray:
    states = np.tile(np.array([1, 0, 2, 0], np.int8), 10)[:, None]
    return np.concatenate([states, np.full_like(states, -1)], axis=1)  # nothing is known of the second finding


def test_a_branch_that_only_adds_noise_does_not_answer() -> None:
    rng = np.random.default_rng(0)
    truth = (table() == 1).astype(np.float32)
    image = {"global": rng.normal(0, 5, (40, 2)).astype(np.float32), "pooled": rng.normal(0, 5, (40, 2)).astype(np.float32), "mil": truth}
    assert best_branches(image, table(), ("global", "pooled", "mil")) == ("mil",)
    assert best_branches(image, table(), ("global",)) == ("global",)


def test_of_equals_the_most_branches_answer() -> None:
    truth = (table() == 1).astype(np.float32)
    assert best_branches({"global": truth, "mil": 3 * truth}, table(), ("global", "mil")) == ("global", "mil")


def test_mean_auroc_counts_not_mentioned_as_absent_and_leaves_out_the_unknown() -> None:
    scores = np.zeros((40, 2), np.float32)
    scores[table()[:, 0] == 1, 0] = 1
    scores[table()[:, 0] == 2, 0] = 2  # "not mentioned" above every positive: a third of the 30 negatives
    assert mean_auroc(scores, table()) == pytest.approx(20 / 30)
