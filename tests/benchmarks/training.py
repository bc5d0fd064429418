"""One training step of the bundled model's recipe: what the patch-level losses and the data pipeline cost of
it."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader

from patchclip.memory import keep_freed_memory
from patchclip.model.patchclip import PatchCLIP
from patchclip.text.vocabulary import Vocabulary
from tests.tiny import ROOT, tiny_dataset
from trainer.batches.dataset import Batch, PatchDataset, collate
from trainer.batches.sampling import BalancedSampler, sampling_weights
from trainer.config import FitConfig
from trainer.data.folder import read_folder
from trainer.data.loaded import load_samples
from trainer.fit.depthwise import quicken
from trainer.fit.optim import make_optimiser
from trainer.fit.precision import autocast, chosen_precision
from trainer.objective.balance import BalanceWeights, balance_weights
from trainer.objective.losses import patch_loss, sparse_loss, sparse_sets
from trainer.objective.prompts import PromptBank
from trainer.objective.total import encode_sets, training_loss

STEPS = 12
CPU = torch.device("cpu")


def run(timed: Callable[[Callable[[], object], float], float]) -> str:
    """Shares of one step at batch size and final input size of `trainer/recipes/default.json`, on synthetic
    radiographs."""
    config = FitConfig.from_file(ROOT / "trainer" / "recipes" / "default.json")
    side, vocabulary = config.model.image_size, Vocabulary.from_json(ROOT / "assets" / "vocabulary.json")
    labels = list(vocabulary.labels)
    torch.manual_seed(0)
    model = PatchCLIP(config.model).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with tempfile.TemporaryDirectory() as folder:
        samples = read_folder(
            tiny_dataset(Path(folder), each=16, splits=("train",)), "train", labels=frozenset(labels)
        ).samples
        items, _ = load_samples(samples, round(side * config.data.cache_margin))
    dataset = PatchDataset(items, labels, model.grid[0], side, config.data, config.augment)
    chance = sampling_weights(items, config.data)
    bank = PromptBank(model, vocabulary, labels)
    balance = balance_weights(dataset, chance, config.loss)
    optimiser = make_optimiser(model, config)
    sampler = BalancedSampler(chance, STEPS * config.optim.batch_size, config.optim.batch_size, config.seed)

    def batches() -> Iterator[Batch]:
        loader: DataLoader[object] = DataLoader(
            dataset,
            batch_sampler=sampler,
            collate_fn=collate,
            num_workers=config.data.workers,
            prefetch_factor=4 if config.data.workers else None,
        )
        for batch in loader:
            assert isinstance(batch, Batch)
            yield batch.to(CPU)

    def step(batch: Batch) -> None:
        optimiser.zero_grad(set_to_none=True)
        with autocast(CPU, config.optim.precision):
            loss = training_loss(model, batch, bank, balance, config.loss, np.random.default_rng(0))["total"]
        loss.backward()
        optimiser.step()

    kept = list(itertools.islice(batches(), STEPS))

    def each() -> float:
        step(kept[0])
        started = time.perf_counter()
        for batch in kept:
            step(batch)
        return (time.perf_counter() - started) / STEPS

    given_back = each()
    keep_freed_memory()  # as `fit` does; from here on for all of this process
    strided = each()
    quicken(model)  # as `fit` does too, on a CPU
    preloaded = each()
    # The loader's start-up is an epoch's, not a step's: the clock runs from the first batch on.
    fed = iter(batches())
    step(next(fed))
    started = time.perf_counter()
    for batch in fed:
        step(batch)
    piped = (time.perf_counter() - started) / (STEPS - 1)
    losses, branch = (
        timed(partial(_patch_level, model, kept[0], balance, config, whole), 1.0) for whole in (False, True)
    )
    return (
        f"{config.optim.batch_size} images of {side} px, {model.grid[0]} x {model.grid[1]} patches, "
        f"{len(labels)} findings: patch and sparse loss forward and backward are "
        f"{100 * losses / preloaded:.2f} % of a step ({losses * 1000:.1f} of {preloaded * 1000:.0f} ms), "
        f"with the sparse branch itself, a transformer, {100 * branch / preloaded:.2f} %; "
        f"with the data pipeline a step runs at {100 * preloaded / piped:.0f} % of its speed on batches in "
        f"memory; keeping freed memory makes a step {given_back / strided:.2f} times as fast, and "
        f"depthwise convolutions of the trainer's own {strided / preloaded:.2f} times; "
        f"in {chosen_precision(config.optim.precision, CPU)}"
    )


def _patch_level(
    model: PatchCLIP, batch: Batch, balance: BalanceWeights, config: FitConfig, branch: bool
) -> None:
    """Both losses forward and backward, from patch logits and sparse embeddings on, or, with `branch`, from
    the tokens of the sparse branch.

    Tokens, embeddings and prompts are drawn, for a cost does not depend on them; tokens take gradients only
    where the recipe lets them.
    """
    images, patches, findings = batch.patch_targets.shape
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(images, patches, findings, generator=generator, requires_grad=True)
    tokens = torch.randn(
        images,
        patches,
        model.config.token_width,
        generator=generator,
        requires_grad=not config.loss.patches_alone,
    )
    positive, negative = torch.randn(
        2, findings, model.config.embed_dim, generator=generator, requires_grad=True
    )
    with autocast(CPU, config.optim.precision):
        loss = patch_loss(
            logits,
            batch.patch_targets,
            balance.patch_positive,
            balance.patch_negative * batch.negative_weights,
        )
        limit = model.config.sparse_patches
        sets = sparse_sets(
            logits,
            batch.patch_targets,
            batch.image_targets,
            batch.image_weights,
            batch.valid.flatten(1),
            limit,
        )
        if branch:
            embedded = encode_sets(model, tokens, model.grid, sets)
        else:
            embedded = torch.randn(
                len(sets.image), model.config.embed_dim, generator=generator, requires_grad=True
            )
        own = model.pair_logits(embedded, positive, negative).gather(1, sets.finding.unsqueeze(1)).squeeze(1)
        loss = loss + sparse_loss(own, sets.target, sets.weight, images)
    loss.backward()
