"""One training step's loss: embeddings of a batch against the prompts of all findings, all terms of the
recipe."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from patchclip.model.patchclip import ImageEmbeddings, PatchCLIP, mil_logit
from trainer.batches.dataset import Batch
from trainer.config import LossConfig
from trainer.fit.distributed import Processes
from trainer.objective.balance import BalanceWeights
from trainer.objective.label_noise import LabelNoise
from trainer.objective.losses import SparseSets, image_loss, patch_loss, sparse_loss, sparse_sets
from trainer.objective.prompts import PromptBank
from trainer.objective.report_contrast import ReportObjective
from trainer.objective.teachers import Teachers, taught_image_loss, taught_patch_loss


def encode_sets(model: PatchCLIP, tokens: Tensor, grid: tuple[int, int], sets: SparseSets) -> Tensor:
    """Sparse embeddings [N, D] of sets of patches of tokens [B, P, W].

    Small sets and large ones are encoded apart, each with as many slots as its largest needs: most are
    negatives or small findings, and attention over empty slots costs as much as over patches.
    """
    sizes = sets.mask.sum(dim=1)
    small = sizes <= sets.mask.shape[1] // 8
    parts = [part for part in (small.nonzero().flatten(), (~small).nonzero().flatten()) if len(part)]
    embedded: list[Tensor] = []
    for part in parts:
        width = int(sizes[part].max())  # patches stand before empty slots
        embedded.append(
            model.encode_sparse(
                tokens, grid, sets.index[part, :width], sets.mask[part, :width], sets.image[part]
            )
        )
    if not parts:
        return tokens.new_zeros(0, model.config.embed_dim, dtype=torch.float32)
    return torch.cat(embedded)[torch.cat(parts).argsort()]


def training_loss(
    model: PatchCLIP,
    batch: Batch,
    bank: PromptBank,
    balance: BalanceWeights,
    config: LossConfig,
    rng: np.random.Generator | None,
    contrast: ReportObjective | None = None,
    processes: Processes | None = None,
    embeddings: ImageEmbeddings | None = None,
    teachers: Teachers | None = None,
    noise: LabelNoise | None = None,
) -> dict[str, Tensor]:
    """All terms, unweighted, by name; terms of weight 0 are not computed. `total` is their weighted sum.

    Args:
        contrast, processes: for batches with reports.
        embeddings: of the batch, where they are computed already.
        teachers: whose answers are learnt from, in a recipe that has them.
        noise: how often mined labels are wrong; they are taken at their word without it.
    """
    if embeddings is None:
        embeddings = model.encode_image(batch.pixels, batch.valid, patches_alone=config.patches_alone)
    positive, negative = bank.directions(model, rng)
    targets = batch.image_targets
    weights = batch.image_weights * torch.where(targets == 1, balance.image_positive, balance.image_negative)
    wrong = noise.of(batch.mined) if noise else None
    terms: dict[str, Tensor] = {}
    if config.global_:
        terms["global"] = image_loss(
            model.pair_logits(embeddings.global_, positive, negative), targets, weights, wrong
        )
    if config.pooled:
        terms["pooled"] = image_loss(
            model.pair_logits(embeddings.pooled, positive, negative), targets, weights, wrong
        )
    if config.patch or config.mil or config.sparse or teachers:
        logits = model.pair_logits(embeddings.patches, positive, negative)
        if config.patch:
            terms["patch"] = patch_loss(
                logits,
                batch.patch_targets,
                balance.patch_positive,
                balance.patch_negative * batch.negative_weights,
                batch.positive_weights,
                means=config.patch_unit == "outline",
            )
        if config.mil:
            terms["mil"] = image_loss(mil_logit(logits, embeddings.valid), targets, weights, wrong)
        if config.sparse:
            limit = model.config.sparse_patches
            sets = sparse_sets(
                logits, batch.patch_targets, targets, batch.image_weights, embeddings.valid, limit
            )
            tokens = embeddings.tokens.detach() if config.patches_alone else embeddings.tokens
            embedded = encode_sets(model, tokens, embeddings.grid, sets)
            set_logits = (
                model.pair_logits(embedded, positive, negative)
                .gather(1, sets.finding.unsqueeze(1))
                .squeeze(1)
            )
            terms["sparse"] = sparse_loss(set_logits, sets.target, sets.weight, len(targets))
        if teachers:
            lesson = teachers.lesson(batch)
            if config.taught_image:
                image = mil_logit(logits, embeddings.valid)
                terms["taught_image"] = taught_image_loss(image, lesson.image)
            if config.taught_patch:
                terms["taught_patch"] = taught_patch_loss(
                    logits, lesson.patches, embeddings.valid, config.taught_lit
                )
    if contrast is not None and processes is not None and batch.reports is not None:
        texts = model.project_text(batch.reports.features)
        report_terms = contrast(
            embeddings.global_, embeddings.patches, embeddings.valid, texts, batch.reports, processes
        )
        terms |= {name: value for name, value in report_terms.items() if config.weights[name]}
    terms["total"] = torch.stack([config.weights[name] * value for name, value in terms.items()]).sum()
    return terms
