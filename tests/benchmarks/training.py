"""One training step of the bundled model's recipe: what the patch-level losses and the data pipeline cost of it."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader

from patchclip.model.patchclip import PatchCLIP
from patchclip.text.vocabulary import Vocabulary
from tests.tiny import ROOT, tiny_dataset
from trainer.config import FitConfig
from trainer.data.dataset import BalancedSampler, Batch, PatchDataset, collate, sampling_weights
from trainer.data.folder import read_folder
from trainer.data.loaded import load_samples
from trainer.loop import autocast
from trainer.losses import patch_loss, sparse_loss, sparse_pairs
from trainer.objective import BalanceWeights, PromptBank, balance_weights, training_loss
from trainer.optim import make_optimiser

STEPS = 12
CPU = torch.device("cpu")


def run(timed: Callable[[Callable[[], object], float], float]) -> str:
    """Shares of one step at batch size and final input size of `trainer/recipes/default.json`, on synthetic radiographs."""
    config = FitConfig.from_file(ROOT / "trainer" / "recipes" / "default.json")
    side, vocabulary = config.model.image_size, Vocabulary.from_json(ROOT / "assets" / "vocabulary.json")
    labels = list(vocabulary.labels)
    torch.manual_seed(0)
    model = PatchCLIP(config.model).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with tempfile.TemporaryDirectory() as folder:
        samples = read_folder(tiny_dataset(Path(folder), each=16, splits=("train",)), "train", known=frozenset(labels)).samples
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
            collate_fn=collate,  # type: ignore[arg-type]
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
    step(kept[0])
    started = time.perf_counter()
    for batch in kept:
        step(batch)
    preloaded = (time.perf_counter() - started) / STEPS
    # The loader's start-up is an epoch's, not a step's: the clock runs from the first batch on.
    fed = iter(batches())
    step(next(fed))
    started = time.perf_counter()
    for batch in fed:
        step(batch)
    piped = (time.perf_counter() - started) / (STEPS - 1)
    losses = timed(lambda: _patch_level(model, kept[0], balance), 1.0)
    return (
        f"{config.optim.batch_size} images of {side} px, {model.grid[0]} x {model.grid[1]} patches, {len(labels)} findings: "
        f"patch and sparse loss forward and backward are {100 * losses / preloaded:.2f} % of a step ({losses * 1000:.0f} of {preloaded * 1000:.0f} ms); "
        f"with the data pipeline a step runs at {100 * preloaded / piped:.0f} % of its speed on batches in memory"
    )


def _patch_level(model: PatchCLIP, batch: Batch, balance: BalanceWeights) -> None:
    """Both losses from logits on, forward and backward."""
    patches = batch.patch_targets.shape
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(patches, generator=generator, requires_grad=True)
    loss = patch_loss(logits, batch.patch_targets, balance.patch_positive, balance.patch_negative * batch.patch_weights)
    image, finding, index, mask, target = sparse_pairs(logits, batch.patch_targets, batch.image_targets, model.config.sparse_patches)
    sets = logits[image.unsqueeze(1), index, finding.unsqueeze(1)].masked_fill(~mask, 0).mean(dim=1)
    (loss + sparse_loss(sets, target, patches[0])).backward()
