"""The training loop: one function from a recipe and samples to the best and the last checkpoint, resumable to the bit."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader
from tqdm import tqdm

from patchclip.errors import DataError
from patchclip.model.checkpoint import save_checkpoint
from patchclip.model.patchclip import PatchCLIP
from patchclip.text.scope import QueryGate
from patchclip.text.vocabulary import Vocabulary
from trainer.batches.dataset import (
    BalancedSampler,
    Batch,
    PatchDataset,
    ReportFeatures,
    collate,
    sampling_weights,
)
from trainer.config import FitConfig
from trainer.data.loaded import Loaded
from trainer.fit.distributed import Processes, share_batch_norms
from trainer.fit.optim import (
    drop_paths,
    freeze,
    make_optimiser,
    running_average,
    set_learning_rate,
    training_mode,
)
from trainer.fit.precision import autocast, chosen_precision
from trainer.fit.pretrained import initialise
from trainer.fit.run_folder import Origin, Progress, RunLog, RunState, write_record
from trainer.fit.validation import dev_figures
from trainer.objective.report_contrast import ReportObjective, other_side, sentences_of
from trainer.objective.total import PromptBank, align_prompts, balance_weights, training_loss


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Decoded images of the two halves; they share no patient."""

    train: list[Loaded]
    dev: list[Loaded]


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
        data: images in memory, at `config.data.cache_margin` times the model's input size.
        vocabulary: its labels are the findings that are learnt; it travels in the checkpoint.
        out: run folder; gets best/, last/, state.pt, log.jsonl, tensorboard/, config.json and left_out.txt.
        processes: this process among all.
        resume: continue from out/state.pt, as if never interrupted; learning rates may differ from those that began the run.
        record, left_out: for config.json and left_out.txt, which are written once the run may begin.

    Raises:
        DataError: a loss or gradient is not finite, there is nothing to learn from, or the state to resume is of another recipe or data.
    """
    torch.manual_seed(config.seed)
    labels = list(vocabulary.labels)
    device = processes.device
    model = PatchCLIP(config.model)
    initialise(model, config.pretrained)
    drop_paths(model, config.optim.drop_path)
    freeze(model, config.optim.frozen)
    if processes.world > 1:
        share_batch_norms(model)
    model.to(device)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    bank = PromptBank(model, vocabulary, labels).to(device)
    if config.pretrained == "none" or not Path(config.pretrained).is_dir():
        align_prompts(model, bank, config.seed)
    processes.share_weights(model)
    gates = {"query": QueryGate.fit(vocabulary, model.sentence_encoder).to_dict()}
    ema = AveragedModel(model, multi_avg_fn=running_average(config.optim.ema_decay), use_buffers=True)
    reports = (
        report_features(model, data.train, config.data.sentences)
        if config.loss.report or config.loss.sentences
        else None
    )
    contrast = ReportObjective(config.loss.report_kind).to(device) if reports is not None else None
    if config.optim.compile:
        model.tower.compile()
    learner = nn.ModuleList([model] if contrast is None else [model, contrast])
    optimiser = make_optimiser(model, config, contrast)
    precision = chosen_precision(config.optim.precision, device)
    scaler = torch.amp.GradScaler(device.type, enabled=precision == "fp16")
    chance = sampling_weights(data.train, config.data)
    parts = config.optim.accumulate
    sampler = BalancedSampler(
        chance,
        config.data.samples_per_epoch,
        config.optim.batch_size,
        config.seed,
        processes.rank,
        processes.world,
        parts,
    )
    total_steps = sampler.steps * sum(config.optim.epochs)
    state = RunState(learner, ema, optimiser, scaler)
    origin = Origin.of(config, data.train, data.dev, vocabulary)
    progress = Progress(**state.load(out, origin)) if resume else Progress()
    if record is not None and processes.first:
        write_record(out, record, left_out)
    done = sum(config.optim.epochs[: progress.stage]) + progress.epoch
    log = RunLog(out, enabled=processes.first, epochs=done, steps=progress.total)
    for stage in range(progress.stage, len(config.optim.epochs)):
        side = config.optim.sizes[stage]
        dataset = PatchDataset(
            data.train, labels, grid_of(model, side), side, config.data, config.augment, reports
        )
        balance = balance_weights(dataset, chance, config.loss).to(device)
        for epoch in range(progress.epoch, config.optim.epochs[stage]):
            done_epochs = sum(config.optim.epochs[:stage]) + epoch
            sampler.seek(done_epochs, progress.step)
            started = time.perf_counter()
            sums: dict[str, float] = {}
            first = progress.step  # above 0 in the epoch that a resumed run comes back to
            batches = _batches(dataset, sampler, config, device)
            training_mode(model, config.optim.frozen)
            for step in tqdm(
                range(first, sampler.steps), desc=f"epoch {done_epochs + 1}", disable=not processes.first
            ):
                set_learning_rate(optimiser, config, progress.total, total_steps)
                optimiser.zero_grad(set_to_none=True)
                files = partial(files_of, data.train, sampler, step - first)
                for part in range(parts):
                    rng = np.random.default_rng(
                        [config.seed, progress.total]
                    )  # one choice of wording for all parts of a step
                    torch.manual_seed(
                        int(np.random.default_rng([config.seed, progress.total, part]).integers(2**62))
                    )  # stochastic depth
                    with autocast(device, precision):
                        terms = training_loss(
                            model, next(batches), bank, balance, config.loss, rng, contrast, processes
                        )
                    check_finite("loss", terms["total"], progress.total, files)
                    scaler.scale(terms["total"] / parts).backward()
                    for name, value in terms.items():
                        sums[name] = sums.get(name, 0.0) + float(value.detach()) / parts
                processes.average_gradients(learner)
                scaler.unscale_(optimiser)
                norm = nn.utils.clip_grad_norm_(learner.parameters(), config.optim.clip)
                if not scaler.is_enabled():  # loss scaling overflows now and then, and skips that step itself
                    check_finite("gradient", norm, progress.total, files)
                scaler.step(optimiser)
                scaler.update()
                ema.update_parameters(model)
                progress.step += 1
                progress.total += 1
                log.step(progress.total, terms)
                if progress.total % config.save_every == 0 and processes.first:
                    state.save(out, progress, origin)
            progress = replace(progress, epoch=epoch + 1, step=0)
            shipped = ema.module
            assert isinstance(shipped, PatchCLIP)
            figures = (
                dev_figures(shipped, bank, data.dev, labels, side, device)
                if data.dev
                else {"score": float(progress.total)}
            )
            losses = processes.mean({name: value / (sampler.steps - first) for name, value in sums.items()})
            log.epoch(done_epochs + 1, side, losses, figures, time.perf_counter() - started)
            if processes.first:
                save_checkpoint(out / "last", shipped, vocabulary, gates=gates)
                if figures["score"] > progress.best and stage == len(config.optim.epochs) - 1:
                    progress.best = figures["score"]
                    save_checkpoint(out / "best", shipped, vocabulary, gates=gates)
                state.save(out, progress, origin)
            processes.wait()
        progress = replace(progress, stage=stage + 1, epoch=0)
    log.close()
    return out / "best"


def grid_of(model: PatchCLIP, side: int) -> int:
    """Patches along one side at an input of `side` pixels."""
    return round(side / model.config.image_size * model.grid[0])


def check_finite(what: str, value: torch.Tensor, step: int, files: Callable[[], Sequence[str]]) -> None:
    """Stops a run that has diverged while its last good state is still on disk; `files` names the images of the step."""
    if not bool(torch.isfinite(value)):
        raise DataError(
            f"The {what} is not finite at step {step}, whose images are {', '.join(files())}; if these are sound, lower the learning rates "
            "(optim.lr_*) and continue with --resume from the last state."
        )


def files_of(items: Sequence[Loaded], sampler: BalancedSampler, step: int) -> list[str]:
    """File names of this process's images in a step, counted from where the sampler began."""
    batches = itertools.islice(sampler, step * sampler.parts, (step + 1) * sampler.parts)
    return [items[position].sample.path.name for batch in batches for position, _ in batch]


def report_features(model: PatchCLIP, items: Sequence[Loaded], limit: int) -> list[ReportFeatures]:
    """Sentence features of every item's report from the frozen encoder, once as written and once with sides exchanged.

    Raises:
        DataError: no item has a report.
    """
    plain = [sentences_of(item.sample.report or "", limit) for item in items]
    wordings = sorted(
        {
            wording
            for sentences in plain
            for sentence in sentences
            for wording in (sentence, other_side(sentence))
        }
    )
    if not wordings:
        raise DataError(
            "The recipe learns from reports, but no training image has one; set loss.report and loss.sentences to 0."
        )
    with torch.no_grad():
        parts = [
            model.encode_sentences(wordings[start : start + 256]).cpu()
            for start in range(0, len(wordings), 256)
        ]
    features = dict(zip(wordings, torch.cat(parts).numpy().astype(np.float32), strict=True))
    width = len(features[wordings[0]])

    def stacked(sentences: list[str]) -> NDArray[np.float32]:
        return (
            np.stack([features[item] for item in sentences])
            if sentences
            else np.zeros((0, width), np.float32)
        )

    return [
        ReportFeatures(stacked(sentences), stacked([other_side(item) for item in sentences]))
        for sentences in plain
    ]


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
