"""How much positives and negatives of each finding weigh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainer.batches.dataset import PatchDataset
from trainer.config import LossConfig


@dataclass(frozen=True, slots=True)
class BalanceWeights:
    """Fixed weights of positives and negatives for each finding, [K] each; an average image weighs 1 over all
    findings."""

    image_positive: Tensor
    image_negative: Tensor
    patch_positive: Tensor
    patch_negative: Tensor

    def to(self, device: torch.device) -> BalanceWeights:
        """The same on a device."""
        return BalanceWeights(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


def balance_weights(dataset: PatchDataset, chance: np.ndarray, config: LossConfig) -> BalanceWeights:
    """Counts what an epoch will draw, and weighs positives by (negatives / positives)^power, at most
    `balance_limit`; with `patch_unit` "outline" the two means weigh as the recipe says.

    How much findings weigh against each other is `config.equal`'s choice. A finding seen on fewer than
    `rare_images` images weighs less in proportion, so that a handful of images does not pull the whole model.
    chance: [N], the probability that each image is drawn.
    """
    seen = (dataset.states == 1).sum(axis=0)
    # With 0, what is absent wherever it is read weighs as any other finding does.
    trusted = np.minimum(1.0, seen / config.rare_images) if config.rare_images else np.ones(len(seen))
    sums = np.zeros((4, len(dataset.labels)))
    outlines = 0.0
    for position, share in enumerate(chance):
        truth = dataset.truth(position)
        positive = (truth.patch_targets == 1) * truth.positive_weights
        sums[0] += share * (truth.image_targets == 1) * truth.image_weights
        sums[1] += share * (truth.image_targets == 0) * truth.image_weights
        sums[2] += share * positive.sum(axis=0, dtype=np.float64)
        negative = (truth.patch_targets == 0) * truth.negative_weights
        sums[3] += share * negative.sum(axis=0)
        outlines += share * float(np.maximum(positive.max(axis=0), negative.max(axis=0)).sum())
    weights: list[Tensor] = []
    for (positives, negatives), power in (
        (sums[:2], config.image_balance_power),
        (sums[2:], config.balance_power),
    ):
        ratio = np.clip((negatives / np.maximum(positives, 1e-9)) ** power, 1.0, config.balance_limit)
        # A finding with no positive outline anywhere still learns where it is not, but gently: only the image
        # terms say where it is.
        damp = np.where((positives > 0) | (config.rare_images == 0), 1.0, 0.2)
        total = np.maximum(ratio * positives + negatives, 1e-9)
        share_of = trusted * total ** (1 - config.equal)
        factor = share_of / share_of.sum() / total
        weights += [
            torch.tensor(ratio * factor * (positives > 0), dtype=torch.float32),
            torch.tensor(damp * factor, dtype=torch.float32),
        ]
    if config.patch_unit == "outline":
        each = torch.ones(len(dataset.labels)) / max(outlines, 1e-9)
        weights[2:] = [config.positive_mean * each, config.negative_mean * each]
    return BalanceWeights(*weights)
