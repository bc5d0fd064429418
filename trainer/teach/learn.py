"""The steps of teaching: what readers said, original data again, and nearness to the parent everywhere
else."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from patchclip.errors import DataError
from patchclip.model.patchclip import PatchCLIP
from patchclip.text.vocabulary import Vocabulary
from trainer.batches.dataset import PatchDataset, collate
from trainer.batches.sampling import BalancedSampler
from trainer.config import FitConfig
from trainer.data.loaded import Loaded
from trainer.fit.optim import freeze, make_optimiser, set_learning_rate
from trainer.fit.precision import autocast, chosen_precision
from trainer.objective.balance import balance_weights
from trainer.objective.label_noise import label_noise
from trainer.objective.prompts import PromptBank
from trainer.objective.total import training_loss
from trainer.teach.keep import Logits, keeping_loss

FEWEST_STEPS = 20
"""Of an epoch, however few readings there are."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a model learns from.

    Attributes:
        readings: images with what readers said.
        beside: original images, and images of which nothing is known, on which the parent is kept to.
        share: of each batch that shows readings, on average.
        keep: weight of the nearness to the parent.
    """

    readings: Sequence[Loaded]
    beside: Sequence[Loaded]
    share: float
    keep: float


def learn(
    model: PatchCLIP,
    vocabulary: Vocabulary,
    lesson: Lesson,
    config: FitConfig,
    device: torch.device,
    progress: Callable[[int, int], None],
) -> None:
    """Teaches a model in place; statistics of its norms stay, for a few images tell them badly.

    Args:
        model: the parent's weights.
        vocabulary: its own.
        lesson: what it learns from.
        config: the recipe; an epoch shows every reading once on average, and has 20 steps at least.
        device: where it learns.
        progress: told the steps that are done, and all.

    Raises:
        DataError: the loss or the gradient is not finite.
    """
    torch.manual_seed(config.seed)
    parent = copy.deepcopy(model).to(device).eval().requires_grad_(False)
    model.to(device).requires_grad_(True)
    freeze(model, config.optim.frozen)
    bank = PromptBank(model, vocabulary, list(vocabulary.labels)).to(device)
    items = [*lesson.readings, *lesson.beside]
    chance = _chance(len(lesson.readings), len(lesson.beside), lesson.share)
    batch_size = config.optim.batch_size
    steps = max(FEWEST_STEPS, math.ceil(len(lesson.readings) / (lesson.share * batch_size)))
    sampler = BalancedSampler(chance, steps * batch_size, batch_size, config.seed)
    dataset = PatchDataset(
        items, vocabulary.labels, model.grid[0], config.model.image_size, config.data, config.augment
    )
    balance = balance_weights(dataset, chance, config.loss).to(device)
    noise = label_noise(items, vocabulary.labels, config.loss.label_noise, device)
    optimiser = make_optimiser(model, config)
    precision = chosen_precision(config.optim.precision, device)
    total, done = steps * sum(config.optim.epochs), 0
    _train_but_norms(model)
    for epoch in range(sum(config.optim.epochs)):
        sampler.seek(epoch, 0)
        loader = DataLoader(dataset, batch_sampler=sampler, collate_fn=collate)
        for batch in (part.to(device) for part in loader):
            set_learning_rate(optimiser, config, done, total)
            optimiser.zero_grad(set_to_none=True)
            with autocast(device, precision):
                embeddings = model.encode_image(
                    batch.pixels, batch.valid, patches_alone=config.loss.patches_alone
                )
                wording = np.random.default_rng([config.seed, done])
                loss = training_loss(
                    model, batch, bank, balance, config.loss, wording, embeddings=embeddings, noise=noise
                )["total"]
                directions = bank.directions(model, None)
                with torch.no_grad():
                    before = Logits.of(
                        parent, parent.encode_image(batch.pixels, batch.valid), *bank.directions(parent, None)
                    )
                now = Logits.of(model, embeddings, *directions)
                loss = loss + lesson.keep * keeping_loss(now, before, batch, embeddings.valid)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), config.optim.clip)
            if not bool(torch.isfinite(loss) & torch.isfinite(norm)):
                raise DataError(
                    f"The loss is not finite at step {done}; lower the learning rates (--set optim.lr_heads, "
                    "optim.lr_tower)."
                )
            optimiser.step()
            done += 1
            progress(done, total)
    model.eval().requires_grad_(False)


def _chance(readings: int, beside: int, share: float) -> np.ndarray:
    """[N], how likely each image is drawn; readings have their share together."""
    if not beside:
        return np.full(readings, 1 / readings)
    return np.concatenate([np.full(readings, share / readings), np.full(beside, (1 - share) / beside)])


def _train_but_norms(model: PatchCLIP) -> None:
    model.train()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
