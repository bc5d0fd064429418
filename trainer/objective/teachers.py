"""Learning from other models' answers: trained models, the teachers, look at the same augmented batch, and
the model learns what they say of every patch and of the image (distillation; Hinton et al. 2015,
arXiv:1503.02531; looking at the same picture as the student: Beyer et al., CVPR 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from patchclip.errors import DataError
from patchclip.model.checkpoint import load_checkpoint
from patchclip.model.patchclip import PatchCLIP, mil_logit
from patchclip.text.vocabulary import Vocabulary
from trainer.batches.dataset import Batch
from trainer.objective.prompts import PromptBank


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the teachers say of a batch.

    Attributes:
        patches: float32 [B, P, K], their mean logit of each patch.
        image: float32 [B, K], the mean of their smooth maxima over the patches.
    """

    patches: Tensor
    image: Tensor


class Teachers:
    """Models that are done learning; their mean answers."""

    def __init__(self, folders: Sequence[str], vocabulary: Vocabulary, device: torch.device) -> None:
        """
        Args:
            folders: of checkpoints.
            vocabulary: whose findings they are asked for.
            device: to compute on.

        Raises:
            CheckpointError: a folder holds no checkpoint.
        """
        self._models: list[tuple[str, PatchCLIP, Tensor, Tensor]] = []
        for folder in folders:
            model = load_checkpoint(Path(folder)).model.to(device).eval().requires_grad_(False)
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            bank = PromptBank(model, vocabulary, list(vocabulary.labels)).to(device)
            with torch.no_grad():
                self._models.append((folder, model, *bank.directions(model, None)))

    @torch.no_grad()
    def lesson(self, batch: Batch) -> Lesson:
        """What they say of a batch.

        Raises:
            DataError: a teacher's patches are not those of the batch.
        """
        patches: list[Tensor] = []
        images: list[Tensor] = []
        wanted = batch.valid.shape[-1]
        for folder, model, positive, negative in self._models:
            edge = round(batch.pixels.shape[-1] / model.config.image_size * model.grid[1])
            if edge != wanted:
                raise DataError(
                    f"The teacher {folder} has {edge} patches along an edge where the recipe has {wanted}; "
                    "name teachers with patches of the recipe's size."
                )
            seen = model.encode_image(batch.pixels, batch.valid)
            logits = model.pair_logits(seen.patches, positive, negative).float()
            patches.append(logits)
            images.append(mil_logit(logits, seen.valid))
        return Lesson(torch.stack(patches).mean(dim=0), torch.stack(images).mean(dim=0))


def taught_image_loss(logits: Tensor, lesson: Tensor) -> Tensor:
    """Cross-entropy of the teachers' probabilities of an image: logits, lesson [B, K] -> scalar, the mean
    over images and findings, which all weigh alike, as an average known one does in the terms on labels."""
    return F.binary_cross_entropy_with_logits(logits.float(), lesson.sigmoid())


def taught_patch_loss(logits: Tensor, lesson: Tensor, valid: Tensor, lit: float) -> Tensor:
    """Cross-entropy of the teachers' probabilities of each patch.

    The patches of an image share a weight of 1 for each finding, and those that the teachers light a weight
    of `lit` more, in proportion to their probabilities, so that a lit nodule of two patches is not lost among
    a thousand dark ones. A patch weighs alike whether it is to be lit or dark, so that the least loss is
    where the teachers are.

    Args:
        logits, lesson: [B, P, K].
        valid: bool [B, P], patches that lie in the image; no others count.
        lit: >= 0.

    Returns:
        scalar, the mean over images and findings.
    """
    inside = valid.unsqueeze(-1).float()
    probability = lesson.sigmoid()
    bright = probability * inside
    weights = inside / inside.sum(dim=1, keepdim=True).clamp(min=1) + lit * bright / bright.sum(
        dim=1, keepdim=True
    ).clamp(min=1)
    return F.binary_cross_entropy_with_logits(
        logits.float(), probability, weight=weights, reduction="sum"
    ) / (logits.shape[0] * logits.shape[2])
