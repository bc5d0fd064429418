"""One training step's loss: embeddings of a batch against the prompts of all findings, all terms of the recipe."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from patchclip.errors import DataError
from patchclip.model.patchclip import PatchCLIP, mil_logit
from patchclip.text.vocabulary import Vocabulary
from trainer.batches.dataset import Batch, PatchDataset
from trainer.config import LossConfig
from trainer.fit.distributed import Processes
from trainer.objective.losses import SparseSets, image_loss, patch_loss, sparse_loss, sparse_sets
from trainer.objective.report_contrast import ReportObjective


class PromptBank(nn.Module):
    """Sentence features of every prompt of every finding; frozen, so they are computed once."""

    def __init__(self, model: PatchCLIP, vocabulary: Vocabulary, labels: Sequence[str]) -> None:
        super().__init__()
        self.features: Tensor
        self.counts: list[tuple[int, int]] = []
        sentences: list[str] = []
        for label in labels:
            pair = vocabulary.prompts(label)
            self.counts.append((len(pair.positive), len(pair.negative)))
            sentences += [*pair.positive, *pair.negative]
        with torch.no_grad():
            self.register_buffer("features", model.encode_sentences(sentences), persistent=False)
        starts = np.cumsum([0, *(number for pair_counts in self.counts for number in pair_counts)])
        self.spans = [(int(a), int(b)) for a, b in itertools.pairwise(starts)]

    def directions(self, model: PatchCLIP, rng: np.random.Generator | None) -> tuple[Tensor, Tensor]:
        """Text embeddings (positive, negative), each [K, D].

        Without `rng` the mean over all prompts of a side; with it, each finding is asked in a randomly chosen wording half of the
        time, so that the model learns the question rather than one sentence.
        """
        embedded = model.project_text(self.features)
        sides: list[Tensor] = []
        for start, stop in self.spans:
            if rng is not None and rng.random() < 0.5:
                sides.append(embedded[start + int(rng.integers(stop - start))])
            else:
                sides.append(nn.functional.normalize(embedded[start:stop].mean(dim=0), dim=0))
        stacked = torch.stack(sides).unflatten(0, (-1, 2))
        return stacked[:, 0], stacked[:, 1]


def align_prompts(model: PatchCLIP, bank: PromptBank, seed: int, steps: int = 300) -> float:
    """Spreads the findings out in the joint space before any image is seen.

    The text projection is fitted so that all wordings of one side of one finding fall together, on orthonormal directions of their
    own; untrained, all prompt pairs are nearly parallel and every finding would start as the same "something is wrong".

    Returns:
        mean cosine of the prompts with their directions at the end, in [-1, 1].

    Raises:
        DataError: the joint space is too narrow for the findings.
    """
    generator = torch.Generator().manual_seed(seed)
    sides = len(bank.spans)
    if model.config.embed_dim < sides:
        raise DataError(
            f"embed_dim {model.config.embed_dim} is too small for {sides // 2} findings; set model.embed_dim to at least {sides}, two for each."
        )
    anchors = (
        torch.linalg.qr(torch.randn(model.config.embed_dim, sides, generator=generator))
        .Q.t()
        .to(bank.features.device)
    )
    targets = torch.cat([anchors[k].expand(stop - start, -1) for k, (start, stop) in enumerate(bank.spans)])
    optimiser = torch.optim.AdamW(model.text_projection.parameters(), lr=2e-3, weight_decay=1e-3)
    cosine = torch.zeros(())
    for _ in range(steps):
        cosine = (model.project_text(bank.features) * targets).sum(dim=1).mean()
        optimiser.zero_grad(set_to_none=True)
        (1 - cosine).backward()
        optimiser.step()
    return float(cosine.detach())


@dataclass(frozen=True, slots=True)
class BalanceWeights:
    """Fixed weights of positives and negatives for each finding, [K] each; an average image weighs 1 over all findings."""

    image_positive: Tensor
    image_negative: Tensor
    patch_positive: Tensor
    patch_negative: Tensor

    def to(self, device: torch.device) -> BalanceWeights:
        """The same on a device."""
        return BalanceWeights(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


def balance_weights(dataset: PatchDataset, chance: np.ndarray, config: LossConfig) -> BalanceWeights:
    """Counts what an epoch will draw, and weighs positives by (negatives / positives)^power, at most `balance_limit`.

    How much findings weigh against each other is `config.equal`'s choice. A finding seen on fewer than `rare_images` images weighs less in proportion, so that a handful of images does not pull the
    whole model. chance: [N], the probability that each image is drawn.
    """
    seen = (dataset.states == 1).sum(axis=0)
    trusted = np.minimum(1.0, seen / config.rare_images)
    sums = np.zeros((4, len(dataset.labels)))
    for position, share in enumerate(chance):
        _, image_targets, image_weights, targets, patch_weights = dataset.truth(position)
        sums[0] += share * (image_targets == 1)
        sums[1] += share * (image_targets == 0) * image_weights
        sums[2] += share * (targets == 1).sum(axis=0)
        sums[3] += share * (targets == 0).sum(axis=0) * patch_weights
    weights: list[Tensor] = []
    for (positives, negatives), power in (
        (sums[:2], config.image_balance_power),
        (sums[2:], config.balance_power),
    ):
        ratio = np.clip((negatives / np.maximum(positives, 1e-9)) ** power, 1.0, config.balance_limit)
        # A finding with no positive outline anywhere still learns where it is not, but gently: only the image terms say where it is.
        damp = np.where(positives > 0, 1.0, 0.2)
        total = np.maximum(ratio * positives + negatives, 1e-9)
        share_of = trusted * total ** (1 - config.equal)
        factor = share_of / share_of.sum() / total
        weights += [
            torch.tensor(ratio * factor * (positives > 0), dtype=torch.float32),
            torch.tensor(damp * factor, dtype=torch.float32),
        ]
    return BalanceWeights(*weights)


def encode_sets(model: PatchCLIP, tokens: Tensor, grid: tuple[int, int], sets: SparseSets) -> Tensor:
    """Sparse embeddings [N, D] of sets of patches of tokens [B, P, W].

    Small sets and large ones are encoded apart, each with as many slots as its largest needs: most are negatives or small findings, and
    attention over empty slots costs as much as over patches.
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
) -> dict[str, Tensor]:
    """All terms, unweighted, by name; terms of weight 0 are not computed. `total` is their weighted sum.

    contrast, processes: for batches with reports.
    """
    embeddings = model.encode_image(batch.pixels, batch.valid, patches_alone=config.patches_alone)
    positive, negative = bank.directions(model, rng)
    targets = batch.image_targets
    weights = batch.image_weights * torch.where(targets == 1, balance.image_positive, balance.image_negative)
    terms: dict[str, Tensor] = {}
    if config.global_:
        terms["global_"] = image_loss(
            model.pair_logits(embeddings.global_, positive, negative), targets, weights
        )
    if config.pooled:
        terms["pooled"] = image_loss(
            model.pair_logits(embeddings.pooled, positive, negative), targets, weights
        )
    if config.patch or config.mil or config.sparse:
        logits = model.pair_logits(embeddings.patches, positive, negative)
        if config.patch:
            terms["patch"] = patch_loss(
                logits,
                batch.patch_targets,
                balance.patch_positive,
                balance.patch_negative * batch.patch_weights,
            )
        if config.mil:
            terms["mil"] = image_loss(mil_logit(logits, embeddings.valid), targets, weights)
        if config.sparse:
            limit = model.config.sparse_patches
            sets = sparse_sets(
                logits, batch.patch_targets, targets, batch.image_weights, embeddings.valid, limit
            )
            tokens = embeddings.tokens.detach() if config.patches_alone else embeddings.tokens
            embedded = encode_sets(model, tokens, embeddings.grid, sets)
            own = (
                model.pair_logits(embedded, positive, negative)
                .gather(1, sets.finding.unsqueeze(1))
                .squeeze(1)
            )
            terms["sparse"] = sparse_loss(own, sets.target, sets.weight, len(targets))
    if contrast is not None and processes is not None and batch.reports is not None:
        texts = model.project_text(batch.reports.features)
        found = contrast(
            embeddings.global_, embeddings.patches, embeddings.valid, texts, batch.reports, processes
        )
        terms |= {name: value for name, value in found.items() if getattr(config, name)}
    terms["total"] = torch.stack([getattr(config, name) * value for name, value in terms.items()]).sum()
    return terms
