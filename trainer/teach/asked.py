"""A model that is asked of sets of images: what it says, and which drawn findings it sees at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from patchclip.model.calibration import Calibration
from patchclip.model.patchclip import PatchCLIP
from patchclip.text.vocabulary import Vocabulary
from trainer.data.loaded import Loaded
from trainer.fit.validation import DevLogits, dev_logits
from trainer.objective.prompts import PromptBank
from trainer.teach.compare import Answers, compare

CHANCE = 0.5  # AUROC


class Asked:
    """A model on a device.

    Args:
        model: moved there.
        vocabulary: its own.
        labels: findings of it that are asked.
        device: where it computes.
        mirror: whether the mirror image is encoded too.
    """

    def __init__(
        self,
        model: PatchCLIP,
        vocabulary: Vocabulary,
        labels: Sequence[str],
        device: torch.device,
        *,
        mirror: bool,
    ) -> None:
        self._model, self._device, self._mirror = model.to(device), device, mirror
        self._bank = PromptBank(model, vocabulary, list(labels)).to(device)

    def logits(self, items: Sequence[Loaded]) -> DevLogits:
        """Of both branches and patches, as the engine computes them."""
        size = self._model.config.image_size
        return dev_logits(self._model, self._bank, items, size, self._device, mirror=self._mirror)

    def answers(self, items: Sequence[Loaded], calibration: Calibration) -> Answers:
        """What it says of images, and how its logits are read."""
        return Answers(self.logits(items), calibration, items)


def seen(answers: Answers, items: Sequence[Loaded], labels: Sequence[str], replicates: int) -> set[str]:
    """Findings that a model tells better than by chance: the 95 % interval of the AUROC lies above 0.5."""
    alone = compare(answers, answers, items, labels, replicates, 0, by_readers=False)
    return {
        label
        for label, rows in alone.findings.items()
        if "auroc" in rows and (rows["auroc"].old.ci[0] or 0.0) > CHANCE
    }


def without_findings(items: Sequence[Loaded], labels: Sequence[str]) -> tuple[Loaded, ...]:
    """The same images, of which nothing is known about these findings."""
    return tuple(replace(item, sample=item.sample.without(labels)) for item in items)
