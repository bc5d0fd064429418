"""Weights under which no group of images stands for a finding: neither a hospital, nor a view, nor a
resolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainer.config import DataConfig
from trainer.data.loaded import Loaded

PRIOR = 5.0
"""Images by which a group's count is drawn to what independence would give: small groups are no evidence."""
LARGEST = 10.0
"""No image weighs more than so many times, or less than so many times less, than without balance."""


def groups_of(items: Sequence[Loaded], properties: Sequence[str], size: int) -> list[str]:
    """The group of each image.

    Args:
        items: decoded images.
        properties: of "source" (the cohort), "view" and "resolution" (whether it has fewer pixels along its
            longer edge than the model's input).
        size: of the model's input, in pixels.
    """

    def value(item: Loaded, name: str) -> str:
        if name == "source":
            return item.sample.patients
        if name == "view":
            return item.sample.view or "unknown view"
        return "small" if max(item.box.height, item.box.width) < size else "large"

    return [" ".join(value(item, name) for name in properties) for item in items]


def balance_weights_of(
    groups: Sequence[str],
    states: NDArray[np.int8],
    chance: NDArray[np.float64],
    config: DataConfig,
) -> NDArray[np.float64]:
    """What each image weighs for each finding, [N, K], so that group and finding are independent.

    P(group) P(class) / P(group, class) over what is known and drawn (Kamiran & Calders, Knowledge and
    Information Systems 2012, section 4.2, "reweighing"), to the power `source_balance`. A group that shows
    one class alone of a finding, where chance would have shown it `PRIOR` images of the other, can only teach
    itself: its weight is 1 - `source_balance`.

    Args:
        groups: [N], see `groups_of`.
        states: [N, K], see `trainer.data.states.state_table`.
        chance: [N], how likely each image is drawn.
        config: of the recipe.
    """
    weights = np.ones(states.shape)
    if config.source_balance == 0:
        return weights
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    trust = np.where(states == 2, config.not_mentioned_weight, 1.0) * (states >= 0)
    mass = chance[:, None] * len(chance) * trust  # in images
    for k in range(states.shape[1]):
        present = states[:, k] == 1
        counts = np.zeros((len(names), 2))
        np.add.at(counts, (index, present.astype(np.int64)), mass[:, k])
        total = counts.sum()
        if np.count_nonzero(counts.sum(axis=1)) < 2 or not counts.sum(axis=0).all():
            continue
        expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / total
        ratio = np.clip((expected + PRIOR) / (counts + PRIOR), 1 / LARGEST, LARGEST)
        cells = ratio**config.source_balance
        one_class = ((counts == 0) & (expected >= PRIOR)).any(axis=1)
        cells[one_class] = 1 - config.source_balance
        weights[:, k] = cells[index, present.astype(np.int64)]
    return weights
