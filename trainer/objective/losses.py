"""The training objectives: prompt-pair cross-entropies at four levels, as vectorised functions of logit
differences.

Everywhere z = logit("X") - logit("no X"); cross-entropy over the two-way softmax equals softplus(-z) for "X"
and softplus(z) for "no X" (method of Patch-CLIP, doi 10.1038/s41598-026-52235-x, steps 7 and 8). Every term
is a sum over a batch of per-element losses times fixed weights, divided by the batch size: no term depends on
which other images share the batch, so splitting a batch over processes changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


def pair_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Element-wise cross-entropy of the softmax over (positive, negative) prompts.

    logits: float [...], z; targets: [...] of 1 (positive prompt) or 0 (negative prompt) -> float [...], nats.
    """
    return F.binary_cross_entropy_with_logits(logits.float(), targets.float(), reduction="none")


def image_loss(
    logits: Tensor, targets: Tensor, weights: Tensor, noise: tuple[Tensor, Tensor] | None = None
) -> Tensor:
    """Global, pooled or multiple-instance term.

    logits [B, K]; targets int [B, K], 1 present, 0 absent, -1 unknown; weights [B, K] >= 0; noise: how often
    each target is wrong, see `noisy_cross_entropy` -> scalar.
    """
    known = targets.clamp(min=0)
    losses = (
        pair_cross_entropy(logits, known) if noise is None else noisy_cross_entropy(logits, known, *noise)
    )
    return (losses * weights * (targets >= 0)).sum() / len(logits)


def noisy_cross_entropy(logits: Tensor, targets: Tensor, invented: Tensor, missed: Tensor) -> Tensor:
    """Element-wise cross-entropy of labels that are sometimes wrong (forward correction: Patrini et al., CVPR
    2017, theorem 2, with two classes).

    With p the probability that the finding is there, the label says so with `invented` (1 - p) + (1 -
    `missed`) p, which is what is compared with it. Where both are 0 this is `pair_cross_entropy`.

    Args:
        logits: float [...], z, of p.
        targets: [...] of 1 or 0, what the label says.
        invented: [...], how often a label names a finding that is not there; in [0, 1).
        missed: [...], how often it does not name one that is; `invented` + `missed` < 1.

    Returns:
        float [...], nats.
    """
    present, absent = F.logsigmoid(logits.float()), F.logsigmoid(-logits.float())
    said = targets > 0
    here = torch.where(said, 1 - missed, missed)
    elsewhere = torch.where(said, invented, 1 - invented)
    # log(0) is taken as a probability that float32 still tells from 0, and whose gradient is 0.
    least = torch.finfo(torch.float32).tiny
    return -torch.logaddexp(here.clamp(min=least).log() + present, elsewhere.clamp(min=least).log() + absent)


def patch_loss(
    logits: Tensor,
    targets: Tensor,
    positive_weight: Tensor,
    negative_weight: Tensor,
    trust: Tensor | None = None,
    *,
    means: bool = False,
) -> Tensor:
    """Patch term: one masked cross-entropy over all images, patches and findings at once.

    Args:
        logits: [B, P, K].
        targets: int8 [B, P, K]; 1 under an outline, 0 free of the finding, -1 ignored.
        positive_weight: [K], weight of a positive patch.
        negative_weight: [B, K], weight of a negative patch of each image.
        trust: [B, P, K], what each positive patch weighs beside that; 1 without.
        means: the positive patches of an image and finding share their weight between them, and so do the
            negative ones.

    Returns:
        scalar.
    """
    positive = (targets == 1).float()
    positive_weights = positive * positive_weight if trust is None else positive * positive_weight * trust
    negative = (targets == 0).float()
    negative_weights = negative * negative_weight.unsqueeze(1)
    if means:
        positive_weights = positive_weights / positive.sum(dim=1, keepdim=True).clamp(min=1)
        negative_weights = negative_weights / negative.sum(dim=1, keepdim=True).clamp(min=1)
    weights = positive_weights + negative_weights
    # `pair_cross_entropy` times weights, summed, in one kernel: this is the largest tensor of a step.
    return F.binary_cross_entropy_with_logits(
        logits.float(), positive, weight=weights, reduction="sum"
    ) / len(logits)


@dataclass(frozen=True, slots=True)
class SparseSets:
    """Patch sets that the sparse branch learns from; it is a training objective alone, no answer stands on
    it.

    Attributes:
        image, finding: int [N], which image and which finding a set is of.
        index: int [N, M], its patches; arbitrary where `mask` is False.
        mask: bool [N, M]; a set's patches stand before its empty slots.
        target: int [N], 1 present or 0 absent.
        weight: float [N], trust in that target.
    """

    image: Tensor
    finding: Tensor
    index: Tensor
    mask: Tensor
    target: Tensor
    weight: Tensor


def sparse_sets(
    patch_logits: Tensor,
    patch_targets: Tensor,
    image_targets: Tensor,
    image_weights: Tensor,
    valid: Tensor,
    limit: int,
) -> SparseSets:
    """Chooses the patch sets that the sparse branch learns from.

    Every (image, finding) with positive patches gives a positive set of them. Every image gives one negative
    set: of the findings that it is trusted to be free of, the one whose patches are lit most, and of those
    patches the `limit` / 8 most lit, which are those of a wrong map.

    Args:
        patch_logits: [B, P, K], detached inside.
        patch_targets: int8 [B, P, K].
        image_targets: int [B, K].
        image_weights: [B, K] >= 0, trust in the image targets; a finding of weight 0 is as good as unknown.
        valid: bool [B, P], patches that lie in the image; no others are in a set.
        limit: most patches in a set.
    """
    logits = patch_logits.detach().float().masked_fill(~valid.unsqueeze(-1), -torch.inf).transpose(1, 2)
    positive = (patch_targets == 1).transpose(1, 2) & valid.unsqueeze(1)
    image_p, finding_p = positive.any(dim=2).nonzero(as_tuple=True)
    # Of sets that are too large, the most lit of the positive patches stay.
    ranked = logits[image_p, finding_p].masked_fill(~positive[image_p, finding_p], -torch.inf)
    values_p, index_p = ranked.topk(min(limit, ranked.shape[1]), dim=1)
    free = (image_targets == 0) & (image_weights > 0)
    best, finding_n = logits.amax(dim=2).masked_fill(~free, -torch.inf).max(dim=1)
    image_n = torch.isfinite(best).nonzero(as_tuple=True)[0]
    finding_n = finding_n[image_n]
    values_n, index_n = logits[image_n, finding_n].topk(min(max(1, limit // 8), logits.shape[2]), dim=1)
    pad = index_p.shape[1] - index_n.shape[1]
    image, finding = torch.cat([image_p, image_n]), torch.cat([finding_p, finding_n])
    return SparseSets(
        image=image,
        finding=finding,
        index=torch.cat([index_p, F.pad(index_n, (0, pad))]),
        mask=torch.cat([torch.isfinite(values_p), F.pad(torch.isfinite(values_n), (0, pad))]),
        target=torch.cat([torch.ones_like(image_p), torch.zeros_like(image_n)]),
        weight=torch.cat([image_weights[image_p, finding_p], image_weights[image_n, finding_n]]),
    )


def sparse_loss(logits: Tensor, targets: Tensor, weights: Tensor, batch: int) -> Tensor:
    """Sparse term: logits [N] of the sets, targets [N], weights [N] -> scalar, per image of the batch."""
    return (pair_cross_entropy(logits, targets) * weights).sum() / batch
