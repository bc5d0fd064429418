"""The training loop: one function from a recipe and samples to the best and the last checkpoint, resumable to the bit."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timm.layers.drop import DropPath
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from tqdm import tqdm

from patchclip.errors import DataError
from patchclip.model.checkpoint import save_checkpoint
from patchclip.model.patchclip import PatchCLIP
from patchclip.text.scope import QueryGate
from patchclip.text.vocabulary import Vocabulary
from trainer.config import FitConfig
from trainer.data.dataset import BalancedSampler, Batch, Loaded, PatchDataset, collate, sampling_weights
from trainer.distributed import Processes
from trainer.objective import PromptBank, align_prompts, balance_weights, training_loss
from trainer.pretrained import initialise
from trainer.run_folder import RunLog, load_state, save_state
from trainer.validate import dev_figures


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Decoded images of the two halves; they share no patient."""

    train: list[Loaded]
    dev: list[Loaded]


@dataclass(slots=True)
class Progress:
    """Where a run stands; saved with every resumable checkpoint."""

    stage: int = 0
    epoch: int = 0  # within the stage
    step: int = 0  # within the epoch
    total: int = 0
    best: float = -math.inf


def fit(config: FitConfig, data: TrainingData, vocabulary: Vocabulary, out: Path, processes: Processes, *, resume: bool = False) -> Path:
    """Trains and returns the folder of the best checkpoint.

    Args:
        config: the recipe.
        data: images in memory, at `config.data.cache_margin` times the model's input size.
        vocabulary: its labels are the findings that are learnt; it travels in the checkpoint.
        out: run folder; gets best/, last/, state.pt, log.jsonl, tensorboard/ and config.json.
        processes: this process among all.
        resume: continue from out/state.pt, as if never interrupted.

    Raises:
        DataError: the loss is not finite, or there is nothing to learn from.
    """
    torch.manual_seed(config.seed)
    labels = list(vocabulary.labels)
    device = processes.device
    model = PatchCLIP(config.model)
    initialise(model, config.pretrained)
    drop_paths(model, config.optim.drop_path)
    model.to(device)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    bank = PromptBank(model, vocabulary, labels).to(device)
    if config.pretrained == "none" or not Path(config.pretrained).is_dir():
        align_prompts(model, bank, config.seed)
    gates = {"query": QueryGate.fit(vocabulary, model.sentence_encoder).to_dict()}
    ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.optim.ema_decay), use_buffers=True)
    optimiser = make_optimiser(model, config)
    chance = sampling_weights(data.train, config.data)
    sampler = BalancedSampler(chance, config.data.samples_per_epoch, config.optim.batch_size, config.seed, processes.rank, processes.world)
    total_steps = sampler.steps * sum(config.optim.epochs)
    progress = Progress()
    if resume:
        progress = Progress(**load_state(out, model, ema, optimiser))
    log = RunLog(out, enabled=processes.first)
    interval = config.save_every
    for stage in range(progress.stage, len(config.optim.epochs)):
        side = config.optim.sizes[stage]
        dataset = PatchDataset(data.train, labels, grid_of(model, side), side, config.data, config.augment)
        balance = balance_weights(dataset, chance, config.loss)
        balance = replace(balance, **{name: getattr(balance, name).to(device) for name in balance.__dataclass_fields__})
        for epoch in range(progress.epoch, config.optim.epochs[stage]):
            done_epochs = sum(config.optim.epochs[:stage]) + epoch
            sampler.seek(done_epochs, progress.step)
            started = time.perf_counter()
            sums: dict[str, float] = {}
            bar = tqdm(
                _batches(dataset, sampler, config, device), total=len(sampler), desc=f"epoch {done_epochs + 1}", disable=not processes.first
            )
            model.train()
            for batch in bar:
                set_learning_rate(optimiser, config, progress.total, total_steps)
                rng = np.random.default_rng([config.seed, progress.total])
                torch.manual_seed(int(rng.integers(2**62)))  # stochastic depth, too, is a function of the step alone
                with torch.autocast(device.type, dtype=torch.bfloat16, enabled=processes.autocast):
                    terms = training_loss(model, batch, bank, balance, config.loss, rng)
                check_finite(terms["total"], progress.total)
                optimiser.zero_grad(set_to_none=True)
                terms["total"].backward()
                processes.average_gradients(model)
                torch.nn.utils.clip_grad_norm_(model.parameters(), config.optim.clip)
                optimiser.step()
                ema.update_parameters(model)
                progress.step += 1
                progress.total += 1
                for name, value in terms.items():
                    sums[name] = sums.get(name, 0.0) + float(value.detach())
                bar.set_postfix(loss=f"{sums['total'] / max(1, bar.n + 1):.3f}", refresh=False)
                log.step(progress.total, terms)
                if progress.total % interval == 0 and processes.first:
                    save_state(out, model, ema, optimiser, progress)
            steps = max(1, len(sampler))
            progress = replace(progress, epoch=epoch + 1, step=0)
            shipped = ema.module
            assert isinstance(shipped, PatchCLIP)
            figures = dev_figures(shipped, bank, data.dev, labels, side, device) if data.dev else {"score": float(progress.total)}
            log.epoch(done_epochs + 1, side, {name: value / steps for name, value in sums.items()}, figures, time.perf_counter() - started)
            if processes.first:
                save_checkpoint(out / "last", shipped, vocabulary, gates=gates)
                if figures["score"] > progress.best and stage == len(config.optim.epochs) - 1:
                    progress.best = figures["score"]
                    save_checkpoint(out / "best", shipped, vocabulary, gates=gates)
                save_state(out, model, ema, optimiser, progress)
            processes.wait()
        progress = replace(progress, stage=stage + 1, epoch=0)
    log.close()
    return out / "best"


def drop_paths(model: PatchCLIP, rate: float) -> None:
    """Turns on stochastic depth in the tower's residual blocks, in place; the weights and the model at inference are untouched."""
    blocks = [module for module in model.tower.modules() if hasattr(module, "drop_path")]
    for number, block in enumerate(blocks, start=1):
        block.drop_path = DropPath(rate * number / len(blocks)) if rate else block.drop_path


def grid_of(model: PatchCLIP, side: int) -> int:
    """Patches along one side at an input of `side` pixels."""
    return round(side / model.config.image_size * model.grid[0])


def make_optimiser(model: PatchCLIP, config: FitConfig) -> torch.optim.AdamW:
    """AdamW with one learning rate each for tower, text projection and heads; norms, biases and scales are not decayed."""
    groups: dict[tuple[float, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        rate = (
            config.optim.lr_tower
            if name.startswith("tower.")
            else config.optim.lr_text
            if name.startswith("text_")
            else config.optim.lr_heads
        )
        groups.setdefault((rate, parameter.ndim > 1), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": members, "lr": rate, "base_lr": rate, "weight_decay": config.optim.weight_decay * decayed}
            for (rate, decayed), members in groups.items()
        ]
    )


def set_learning_rate(optimiser: torch.optim.Optimizer, config: FitConfig, step: int, total: int) -> None:
    """Linear warm-up, then half a cosine to 1 % of the base rate."""
    warmup = min(config.optim.warmup_steps, max(1, total // 10))
    fraction = (
        (step + 1) / warmup if step < warmup else 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))
    )
    for group in optimiser.param_groups:
        group["lr"] = group["base_lr"] * fraction


def check_finite(loss: torch.Tensor, step: int) -> None:
    """Stops a run that has diverged while its last good state is still on disk."""
    if not bool(torch.isfinite(loss)):
        raise DataError(f"The loss is not finite at step {step}; lower the learning rates and continue with --resume from the last state.")


def _batches(dataset: PatchDataset, sampler: BalancedSampler, config: FitConfig, device: torch.device) -> Iterator[Batch]:
    workers = config.data.workers
    loader: DataLoader[Any] = DataLoader(
        dataset,
        batch_sampler=sampler,
        collate_fn=collate,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
    )
    for batch in loader:
        moved = {name: getattr(batch, name).to(device, non_blocking=True) for name in Batch.__dataclass_fields__}
        moved["pixels"] = moved["pixels"].contiguous(memory_format=torch.channels_last)
        yield Batch(**moved)


def write_config(out: Path, record: dict[str, object]) -> None:
    """The run's full record beside its checkpoints."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
