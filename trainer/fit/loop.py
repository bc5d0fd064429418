"""The training loop: from a recipe and decoded images to the best and the last checkpoint, resumable to the
bit."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from patchclip.errors import DataError
from patchclip.model.checkpoint import save_checkpoint
from patchclip.model.patchclip import PatchCLIP
from patchclip.text.vocabulary import Vocabulary
from trainer.batches.dataset import Batch, PatchDataset, collate
from trainer.batches.sampling import BalancedSampler
from trainer.config import FitConfig
from trainer.data.loaded import Loaded
from trainer.fit.distributed import Processes
from trainer.fit.fsdp import clip_gradients
from trainer.fit.optim import set_learning_rate, training_mode
from trainer.fit.precision import autocast, chosen_precision
from trainer.fit.run import Run, prepare
from trainer.fit.training_data import TrainingData
from trainer.fit.validation import dev_figures
from trainer.objective.balance import BalanceWeights, balance_weights
from trainer.objective.total import training_loss


def fit(
    config: FitConfig,
    data: TrainingData,
    vocabulary: Vocabulary,
    out: Path,
    processes: Processes,
    *,
    resume: bool = False,
    record: Mapping[str, object] | None = None,
    left_out: Sequence[str] = (),
) -> Path:
    """Trains and returns the folder of the best checkpoint.

    Args:
        config: the recipe.
        data: decoded images of the two halves.
        vocabulary: its labels are the findings that are learnt; it travels in the checkpoint.
        out: run folder; gets best/, last/, state.pt, log.jsonl, tensorboard/, config.json and left_out.txt.
        processes: this process among all.
        resume: continue from out/state.pt, as if never interrupted; learning rates may differ from those that
            began the run.
        record, left_out: for config.json and left_out.txt, which are written once the run may begin.

    Raises:
        DataError: a loss or gradient is not finite, there is nothing to learn from, or the state to resume is
            of another recipe or of other data.
    """
    run = prepare(config, data, vocabulary, out, processes, resume=resume, record=record, left_out=left_out)
    for stage in range(run.progress.stage, len(config.optim.epochs)):
        train_stage(run, stage)
        run.progress = replace(run.progress, stage=stage + 1, epoch=0)
    run.log.close()
    return out / "best"


def train_stage(run: Run, stage: int) -> None:
    """The epochs at one input size, each of them validated, logged and saved."""
    config = run.config
    size = config.optim.sizes[stage]
    dataset = PatchDataset(
        run.data.train,
        run.vocabulary.labels,
        grid_of(run.model, size),
        size,
        config.data,
        config.augment,
        run.reports,
        run.weights,
    )
    balance = balance_weights(dataset, run.chance, config.loss).to(run.processes.device)

    for epoch in range(run.progress.epoch, config.optim.epochs[stage]):
        number = sum(config.optim.epochs[:stage]) + epoch
        started = time.perf_counter()
        losses = train_epoch(run, dataset, balance, number)
        run.progress = replace(run.progress, epoch=epoch + 1, step=0)

        figures = validate(run, size)
        run.log.epoch(number + 1, size, losses, figures, time.perf_counter() - started)
        save(run, figures["score"], final_size=stage == len(config.optim.epochs) - 1)
        run.processes.wait()


def train_epoch(run: Run, dataset: PatchDataset, balance: BalanceWeights, number: int) -> dict[str, float]:
    """The steps of an epoch that are still to be done; returns the mean of each loss term over them.

    Args:
        run: whose weights and progress move on.
        dataset: at the stage's input size.
        balance: weights of positives and negatives.
        number: of the epoch in the whole run, from 0; decides what is drawn.
    """
    config, processes, progress = run.config, run.processes, run.progress
    first = progress.step  # above 0 in the epoch that a resumed run comes back to
    run.sampler.seek(number, first)
    batches = _batches(dataset, run.sampler, config, processes.device)
    training_mode(run.model, config.optim.frozen)

    sums: dict[str, float] = {}
    steps = range(first, run.sampler.steps)
    for step in tqdm(steps, desc=f"epoch {number + 1}", disable=not processes.first):
        files = partial(files_of, run.data.train, run.sampler, step - first)
        terms = train_step(run, batches, balance, files)
        sums = {name: sums.get(name, 0.0) + value for name, value in terms.items()}

        progress.step += 1
        progress.total += 1
        run.log.step(progress.total, terms)
        if progress.total % config.save_every == 0:
            run.state.save(run.out, progress, run.origin, write=processes.first)
    return processes.mean({name: value / len(steps) for name, value in sums.items()})


def train_step(
    run: Run, batches: Iterator[Batch], balance: BalanceWeights, files: Callable[[], Sequence[str]]
) -> dict[str, float]:
    """One step of the optimiser, in as many parts as the recipe says; returns the mean of each loss term over
    them.

    Args:
        run: whose weights move.
        batches: this process's parts, in their order.
        balance: weights of positives and negatives.
        files: names of the step's images, for an error.

    Raises:
        DataError: the loss or the gradient is not finite; no weight has moved then.
    """
    config, device, step = run.config, run.processes.device, run.progress.total
    optimiser, scaler, learner = run.state.optimiser, run.state.scaler, run.state.learner
    precision = chosen_precision(config.optim.precision, device)
    set_learning_rate(optimiser, config, step, run.total_steps)
    optimiser.zero_grad(set_to_none=True)

    means: dict[str, float] = {}
    parts = config.optim.accumulate
    for part in range(parts):
        # One choice of wording for all parts of a step, and other paths dropped in each.
        wording = np.random.default_rng([config.seed, step])
        torch.manual_seed(int(np.random.default_rng([config.seed, step, part]).integers(2**62)))
        with autocast(device, precision):
            terms = training_loss(
                run.model,
                next(batches),
                run.bank,
                balance,
                config.loss,
                wording,
                run.contrast,
                run.processes,
                teachers=run.teachers,
                noise=run.noise,
            )
        check_finite("loss", terms["total"], step, files)
        scaler.scale(terms["total"] / parts).backward()
        means = {name: means.get(name, 0.0) + float(value.detach()) / parts for name, value in terms.items()}

    run.processes.average_gradients(learner)
    scaler.unscale_(optimiser)
    norm = clip_gradients(learner.parameters(), config.optim.clip)
    if not scaler.is_enabled():  # loss scaling overflows now and then, and skips that step itself
        check_finite("gradient", norm, step, files)
    scaler.step(optimiser)
    scaler.update()
    run.averaged.update_parameters(run.model)
    return means


def validate(run: Run, size: int) -> dict[str, float]:
    """Figures of the averaged model on the held-out images; without any, later is better."""
    if not run.data.held_out:
        return {"score": float(run.progress.total)}
    labels = run.vocabulary.labels
    return dev_figures(run.shipped, run.bank, run.data.held_out, labels, size, run.processes.device)


def save(run: Run, score: float, *, final_size: bool) -> None:
    """Keeps the last checkpoint, the best one if this is it at the final input size, and the state to resume
    from; every process takes part, and the first one writes."""
    shipped, first = run.whole_model(), run.processes.first
    if first:
        save_checkpoint(run.out / "last", shipped, run.vocabulary, gates=run.gates)
    if score > run.progress.best and final_size:
        run.progress.best = score
        if first:
            save_checkpoint(run.out / "best", shipped, run.vocabulary, gates=run.gates)
    run.state.save(run.out, run.progress, run.origin, write=first)


def grid_of(model: PatchCLIP, size: int) -> int:
    """Patches along one edge of a square input of `size` pixels."""
    return round(size / model.config.image_size * model.grid[0])


def check_finite(what: str, value: torch.Tensor, step: int, files: Callable[[], Sequence[str]]) -> None:
    """Stops a run that has diverged while its last good state is on disk; `files` names the images of the
    step."""
    if not bool(torch.isfinite(value)):
        raise DataError(
            f"The {what} is not finite at step {step}, whose images are {', '.join(files())}; if these are "
            "sound, "
            "lower the learning rates (optim.lr_*) and continue with --resume from the last state."
        )


def files_of(items: Sequence[Loaded], sampler: BalancedSampler, step: int) -> list[str]:
    """File names of this process's images in a step, counted from where the sampler began."""
    batches = itertools.islice(sampler, step * sampler.parts, (step + 1) * sampler.parts)
    return [items[position].sample.path.name for batch in batches for position, _ in batch]


def _batches(
    dataset: PatchDataset, sampler: BalancedSampler, config: FitConfig, device: torch.device
) -> Iterator[Batch]:
    workers = config.data.workers
    loader: DataLoader[Any] = DataLoader(
        dataset,
        batch_sampler=sampler,
        collate_fn=collate,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        pin_memory=device.type == "cuda",
    )
    for batch in loader:
        yield batch.to(device)
