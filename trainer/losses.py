"""The training objectives: prompt-pair cross-entropies at four levels, as vectorised functions of logit differences.

Everywhere z = logit("X") - logit("no X"); cross-entropy over the two-way softmax equals softplus(-z) for "X" and softplus(z)
for "no X" (method of Patch-CLIP, doi 10.1038/s41598-026-52235-x, steps 7 and 8). Every term is a sum over a batch of
per-element losses times fixed weights, divided by the batch size: no term depends on which other images share the batch, so
splitting a batch over processes changes nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def pair_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Element-wise cross-entropy of the softmax over (positive, negative) prompts.

    logits: float [...], z; targets: [...] of 1 (positive prompt) or 0 (negative prompt) -> float [...], nats.
    """
    return F.binary_cross_entropy_with_logits(logits.float(), targets.float(), reduction="none")


def image_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Global, pooled or multiple-instance term.

    logits [B, K]; targets int [B, K], 1 present, 0 absent, -1 unknown; weights [B, K] >= 0 -> scalar.
    """
    losses = pair_cross_entropy(logits, targets.clamp(min=0)) * weights * (targets >= 0)
    return losses.sum() / len(logits)


def patch_loss(logits: Tensor, targets: Tensor, positive_weight: Tensor, negative_weight: Tensor) -> Tensor:
    """Patch term: one masked cross-entropy over all images, patches and findings at once.

    Args:
        logits: [B, P, K].
        targets: int8 [B, P, K]; 1 under an outline, 0 free of the finding, -1 ignored.
        positive_weight: [K], weight of a positive patch.
        negative_weight: [B, K], weight of a negative patch of each image.

    Returns:
        scalar.
    """
    positive = (targets == 1).float()
    weights = positive * positive_weight + (targets == 0) * negative_weight.unsqueeze(1)
    # `pair_cross_entropy` times weights, summed, in one kernel: this is the largest tensor of a step.
    return F.binary_cross_entropy_with_logits(logits.float(), positive, weight=weights, reduction="sum") / len(logits)


def sparse_pairs(
    patch_logits: Tensor, patch_targets: Tensor, image_targets: Tensor, limit: int
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Chooses the patch sets that the sparse branch learns from.

    Every (image, finding) with positive patches gives a positive set of them. Every image gives one negative set: of the
    findings it is free of, the one whose patches are lit most, and of those patches the `limit` / 8 most lit: what the sparse
    branch meets at inference when the map is wrong.

    Args:
        patch_logits: [B, P, K], detached inside.
        patch_targets: int8 [B, P, K].
        image_targets: int [B, K].
        limit: most patches in a set.

    Returns:
        image [N], finding [N], index [N, M], mask bool [N, M], target [N] in {0, 1}.
    """
    logits = patch_logits.detach().float()
    positive = (patch_targets == 1).transpose(1, 2)
    image_p, finding_p = positive.any(dim=2).nonzero(as_tuple=True)
    # Largest sets are cut at random-free order: the most lit of the positive patches stay.
    ranked = logits.transpose(1, 2)[image_p, finding_p].masked_fill(~positive[image_p, finding_p], -torch.inf)
    values_p, index_p = ranked.topk(min(limit, ranked.shape[1]), dim=1)
    peaks = logits.max(dim=1).values.masked_fill(image_targets != 0, -torch.inf)
    best, finding_n = peaks.max(dim=1)
    image_n = torch.isfinite(best).nonzero(as_tuple=True)[0]
    finding_n = finding_n[image_n]
    _, index_n = logits.transpose(1, 2)[image_n, finding_n].topk(min(max(1, limit // 8), logits.shape[1]), dim=1)
    mask_p = torch.isfinite(values_p)
    pad = index_p.shape[1] - index_n.shape[1]
    index_n, mask_n = F.pad(index_n, (0, pad)), F.pad(torch.ones_like(index_n, dtype=torch.bool), (0, pad))
    target = torch.cat([torch.ones_like(image_p), torch.zeros_like(image_n)])
    return (
        torch.cat([image_p, image_n]),
        torch.cat([finding_p, finding_n]),
        torch.cat([index_p, index_n]),
        torch.cat([mask_p, mask_n]),
        target,
    )


def sparse_loss(logits: Tensor, targets: Tensor, batch: int) -> Tensor:
    """Sparse term: logits [N] of the sets, targets [N] -> scalar, per image of the batch."""
    return pair_cross_entropy(logits, targets).sum() / batch
