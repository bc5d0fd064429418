"""Image-report objectives for datasets with reports: CLIP's and SigLIP's loss over images, and sentences
against patches.

Unlike the prompt-pair terms these compare images with each other, so the processes of a distributed run share
their embeddings first (`trainer.fit.distributed.gather`): the loss is that of the whole batch, wherever its
images lie.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.batches.reports import Reports
from trainer.fit.distributed import Processes

SAME = 0.995
"""Cosine from which two reports say the same ("no acute disease"): neither is then a wrong report for the
other's image."""


def clip_loss(images: Tensor, texts: Tensor, scale: Tensor, same: Tensor) -> Tensor:
    """Symmetric softmax contrast (CLIP; Radford et al., ICML 2021, figure 3).

    Args:
        images, texts: [N, D], unit norm; row i belongs to row i.
        scale: scalar, inverse temperature.
        same: bool [N, N], pairs that are no counterexample although i differs from j; the diagonal is
            ignored.

    Returns:
        scalar, mean over both directions; 0 for N below 2.
    """
    if len(images) < 2:
        return images.sum() * 0
    logits = scale * images.float() @ texts.float().t()
    diagonal = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    logits = logits.masked_fill(same & ~diagonal, -torch.inf)
    target = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.t(), target)) / 2


def siglip_loss(images: Tensor, texts: Tensor, scale: Tensor, bias: Tensor, same: Tensor) -> Tensor:
    """Pairwise sigmoid contrast (SigLIP; Zhai et al., ICCV 2023, algorithm 1): sum over pairs of -log
    sigmoid(+-(scale x.y + bias)), over N.

    Arguments as in `clip_loss`; bias: scalar -> scalar.
    """
    if not len(images):
        return images.sum() * 0
    logits = scale * images.float() @ texts.float().t() + bias
    diagonal = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    losses = F.softplus(torch.where(diagonal, -logits, logits)) * (diagonal | ~same)
    return losses.sum() / len(logits)


def sentence_scores(patches: Tensor, valid: Tensor, sentences: Tensor, sharpness: float = 8.0) -> Tensor:
    """How well each image shows each sentence somewhere: cosine of the sentence with the patches that it
    attends to.

    Attention over an image's patches with the sentence as the question (GLoRIA; Huang et al., ICCV 2021,
    section 3.3, with sentences for words).

    Args:
        patches: [B, P, D], unit norm.
        valid: bool [B, P], patches that lie in the image.
        sentences: [S, D], unit norm.

    Returns:
        [B, S] in [-1, 1].
    """
    cosine = torch.einsum("bpd,sd->bsp", patches.float(), sentences.float())
    attention = (sharpness * cosine).masked_fill(~valid.unsqueeze(1), -torch.inf).softmax(dim=2)
    return F.cosine_similarity(
        torch.einsum("bsp,bpd->bsd", attention, patches.float()), sentences.float().unsqueeze(0), dim=2
    )


def sentence_loss(scores: Tensor, owner: Tensor, scale: Tensor, same: Tensor) -> Tensor:
    """Each sentence must find its own image among the batch.

    scores: [B, S] of `sentence_scores`; owner: int [S], whose sentence it is; scale: scalar; same: bool [B,
    S], images that are no counterexample to a sentence -> scalar, mean over sentences; 0 without sentences or
    with one image.
    """
    if scores.shape[1] == 0 or scores.shape[0] < 2:
        return scores.sum() * 0
    owned = F.one_hot(owner, scores.shape[0]).t().bool()
    logits = (scale * scores).masked_fill(same & ~owned, -torch.inf)
    return F.cross_entropy(logits.t(), owner)


class ReportObjective(nn.Module):
    """The report terms with their own temperature and bias, which are learnt and not shipped."""

    def __init__(self, kind: str) -> None:
        """kind: "clip" or "siglip"."""
        super().__init__()
        self.kind = kind
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))  # both papers start near 10
        self.bias = nn.Parameter(torch.tensor(-10.0))  # SigLIP's start: almost every pair is a wrong one

    def forward(
        self,
        image: Tensor,
        patches: Tensor,
        valid: Tensor,
        texts: Tensor,
        reports: Reports,
        processes: Processes,
    ) -> dict[str, Tensor]:
        """Both terms over the images of all processes.

        Args:
            image: [B, D] image embeddings of any length.
            patches, valid: [B, P, D] and [B, P].
            texts: [B, M, D], the projected sentences, unit norm.
            reports: their features and which of them exist.

        Returns:
            "report" and "sentences", scalars.
        """
        image, patches = F.normalize(image.float(), dim=-1), F.normalize(patches.float(), dim=-1)
        image, patches, texts = (processes.gather(item) for item in (image, patches, texts))
        valid, mask, features = (processes.gather(item) for item in (valid, reports.mask, reports.features))
        has = mask.any(dim=1)
        image, patches, valid, texts, mask, features = (
            item[has] for item in (image, patches, valid, texts, mask, features)
        )
        share = mask.float() / mask.sum(dim=1, keepdim=True).clamp(min=1)
        whole = F.normalize(torch.einsum("bm,bmd->bd", share, texts.float()), dim=1)
        meanings = F.normalize(torch.einsum("bm,bme->be", share, features.float()), dim=1)
        same = meanings @ meanings.t() > SAME
        scale = self.log_scale.exp().clamp(max=100.0)
        report = (
            siglip_loss(image, whole, scale, self.bias, same)
            if self.kind == "siglip"
            else clip_loss(image, whole, scale, same)
        )
        owner = mask.nonzero()[:, 0]
        alike = (
            F.normalize(features[mask].float(), dim=1) @ F.normalize(features[mask].float(), dim=1).t()
        ) > SAME
        # An image whose own report holds the same sentence is no counterexample to it.
        holds = F.one_hot(owner, max(1, len(mask))).t().float() @ alike.float() > 0
        sentences = sentence_loss(sentence_scores(patches, valid, texts[mask]), owner, scale, holds)
        return {"report": report, "sentences": sentences}
