"""How often labels that were mined from reports are wrong, counted where readers looked for the same finding
on their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from patchclip.errors import DataError
from trainer.data.loaded import Loaded
from trainer.data.sample import Sample

PSEUDO = 10.0
"""Images that the rates of all findings together count as beside those of one, which may be few."""
MOST = 0.95
"""Invented and missed labels together, at most: beyond it a label would tell nothing."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Images by what the mined report says of a finding and by what readers saw.

    Attributes:
        confirmed: named and seen.
        invented: named, and not seen.
        missed: not named, and seen.
        silent: neither.
    """

    confirmed: int
    invented: int
    missed: int
    silent: int

    @classmethod
    def of(cls, samples: Sequence[Sample], label: str) -> Counts:
        """Those of one finding."""
        pairs = [sample.checked[label] for sample in samples if label in sample.checked]
        return cls(
            *(pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False)))
        )

    @property
    def images(self) -> int:
        """All of them."""
        return self.confirmed + self.invented + self.missed + self.silent


@dataclass(frozen=True, slots=True)
class LabelNoise:
    """Rates of K findings, float32 [K] each.

    Attributes:
        invented: share of the images without a finding whose mined label names it.
        missed: share of the images with a finding whose mined label does not.
    """

    invented: Tensor
    missed: Tensor

    def of(self, mined: Tensor) -> tuple[Tensor, Tensor]:
        """The rates [B, K] of image targets, 0 where `mined` bool [B, K] is False."""
        return self.invented * mined, self.missed * mined


def noise_rates(samples: Sequence[Sample], labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Invented and missed [K] each, of every finding drawn towards the rates of all findings together.

    Raises:
        DataError: no image was read and mined for the same finding.
    """
    counts = [Counts.of(samples, label) for label in labels]
    free = np.array([count.invented + count.silent for count in counts], np.float64)
    there = np.array([count.confirmed + count.missed for count in counts], np.float64)
    if not (free.sum() and there.sum()):
        raise DataError(
            "loss.label_noise needs images of which both mined labels and readings are known (ChestX-Det or "
            "expert_labels.csv), and there are none; set it to 0."
        )
    invented = np.array([count.invented for count in counts])
    missed = np.array([count.missed for count in counts])
    rates = [
        (wrong + PSEUDO * wrong.sum() / known.sum()) / (known + PSEUDO)
        for wrong, known in ((invented, free), (missed, there))
    ]
    excess = np.maximum(1.0, (rates[0] + rates[1]) / MOST)
    return rates[0] / excess, rates[1] / excess


def label_noise(
    items: Sequence[Loaded], labels: Sequence[str], share: float, device: torch.device
) -> LabelNoise | None:
    """What a recipe's `loss.label_noise` asks for; None where it is 0.

    Raises:
        DataError: see `noise_rates`.
    """
    if not share:
        return None
    invented, missed = noise_rates([item.sample for item in items], labels)
    return LabelNoise(
        *(torch.tensor(share * rate, dtype=torch.float32, device=device) for rate in (invented, missed))
    )
