"""What the probability of an image is made of: the image-level branches and their logits."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import assert_never

import torch
from torch import Tensor

from patchclip.errors import CheckpointError
from patchclip.model.patchclip import ImageEmbeddings, PatchCLIP, mil_logit


class Branch(StrEnum):
    """A way from an image's embeddings to one logit per finding.

    `Branch(name)` raises CheckpointError where there is none of that name.
    """

    GLOBAL = "global"
    """The tower's pooled feature."""
    POOLED = "pooled"
    """The learned weighting of the patch tokens."""
    MIL = "mil"
    """The smooth maximum over the patches, see `mil_logit`."""

    @classmethod
    def _missing_(cls, value: object) -> Branch:
        raise CheckpointError(
            f'There is no image-level branch "{value}" (known: {", ".join(cls)}); update Patch-CLIP, '
            "or name one of these."
        )


def branch_logit(
    branch: Branch, model: PatchCLIP, embeddings: ImageEmbeddings, positive: Tensor, negative: Tensor
) -> Tensor:
    """One branch's logits [B, K]; positive, negative: the ends of the prompt pairs, [K, D]."""
    match branch:
        case Branch.GLOBAL:
            return model.pair_logits(embeddings.global_, positive, negative)
        case Branch.POOLED:
            return model.pair_logits(embeddings.pooled, positive, negative)
        case Branch.MIL:
            patches = model.pair_logits(embeddings.patches, positive, negative)
            return mil_logit(patches, embeddings.valid)
        case _:
            assert_never(branch)


def image_logit(
    model: PatchCLIP,
    embeddings: ImageEmbeddings,
    positive: Tensor,
    negative: Tensor,
    branches: Sequence[Branch],
) -> Tensor:
    """Mean of the branches' logits, [B, K]; probability, saliency and tests of faithfulness stand on it."""
    logits = [branch_logit(branch, model, embeddings, positive, negative) for branch in branches]
    return torch.stack(logits).mean(dim=0)
