"""A run ready for its next step: model, prompts, optimiser, sampler, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim.swa_utils import AveragedModel

from patchclip.model.patchclip import PatchCLIP
from patchclip.text.scope import QueryGate
from patchclip.text.vocabulary import Vocabulary
from trainer.batches.reports import ReportFeatures, report_features
from trainer.batches.sampling import BalancedSampler, sampling_weights
from trainer.batches.source_balance import balance_weights_of, groups_of
from trainer.config import FitConfig
from trainer.data.loaded import Loaded
from trainer.data.states import state_table
from trainer.fit.depthwise import quicken
from trainer.fit.distributed import Processes, share_batch_norms
from trainer.fit.fsdp import shard_blocks, whole
from trainer.fit.optim import drop_paths, freeze, make_optimiser, running_average
from trainer.fit.precision import chosen_precision
from trainer.fit.pretrained import initialise
from trainer.fit.run_folder import Origin, Progress, RunLog, RunState, write_record
from trainer.fit.training_data import TrainingData
from trainer.objective.label_noise import LabelNoise, label_noise
from trainer.objective.prompts import PromptBank, align_prompts
from trainer.objective.report_contrast import ReportObjective
from trainer.objective.teachers import Teachers


@dataclass(slots=True)
class Run:
    """Everything that an epoch needs.

    Attributes:
        config, data, vocabulary, out, processes: as in `trainer.fit.loop.fit`.
        model: what learns.
        averaged: the moving average of its weights, which is validated and shipped.
        bank: prompts of the findings.
        contrast: the report objective, in a run that learns from reports.
        teachers: whose answers are learnt from, in a run that has them.
        noise: how often mined labels are wrong, in a run that minds it.
        reports: features of each training image's report, in such a run.
        state: what is saved to resume from: learner, average, optimiser, loss scaling.
        sampler: draws the batches.
        chance: float64 [N], how likely each training image is drawn.
        weights: float64 [N, K], what each training image weighs for each finding, see
            `trainer.batches.source_balance`.
        gates: travel in every checkpoint.
        origin: what the saved state is the state of.
        progress: where the run stands.
        log: of epochs and steps.
    """

    config: FitConfig
    data: TrainingData
    vocabulary: Vocabulary
    out: Path
    processes: Processes
    model: PatchCLIP
    averaged: AveragedModel
    bank: PromptBank
    contrast: ReportObjective | None
    teachers: Teachers | None
    noise: LabelNoise | None
    reports: list[ReportFeatures] | None
    state: RunState
    sampler: BalancedSampler
    chance: NDArray[np.float64]
    weights: NDArray[np.float64]
    gates: dict[str, Any]
    origin: Origin
    progress: Progress
    log: RunLog

    @property
    def total_steps(self) -> int:
        """Of the whole run."""
        return self.sampler.steps * sum(self.config.optim.epochs)

    @property
    def shipped(self) -> PatchCLIP:
        """The averaged model, in the weights' own precision."""
        assert isinstance(self.averaged.module, PatchCLIP)
        return self.averaged.module

    def whole_model(self) -> PatchCLIP:
        """`shipped`, put together where it is divided among processes, all of which must ask for it."""
        if not divided(self.config, self.processes):
            return self.shipped
        model = PatchCLIP(self.config.model)
        model.load_state_dict(whole(self.shipped.state_dict()))
        return model.eval()


def prepare(
    config: FitConfig,
    data: TrainingData,
    vocabulary: Vocabulary,
    out: Path,
    processes: Processes,
    *,
    resume: bool = False,
    record: Mapping[str, object] | None = None,
    left_out: Sequence[str] = (),
) -> Run:
    """A run before its first step, or before the step after the last one that was saved; arguments as in
    `fit`.

    Raises:
        DataError: there is nothing to learn from, or the state to resume is of another recipe or of other
            data.
    """
    torch.manual_seed(config.seed)
    device = processes.device

    model, bank = _initial_model(config, vocabulary, processes)
    gates = {"query": QueryGate.fit(vocabulary, model.sentence_encoder).to_dict()}
    averaged = AveragedModel(model, multi_avg_fn=running_average(config.optim.ema_decay), use_buffers=True)
    if divided(config, processes):
        assert isinstance(averaged.module, PatchCLIP)
        for divisible in (model, averaged.module):
            shard_blocks(divisible)

    reports: list[ReportFeatures] | None = None
    contrast: ReportObjective | None = None
    if config.loss.report or config.loss.sentences:
        reports = report_features(model.encode_sentences, data.train, config.data.sentences)
        contrast = ReportObjective(config.loss.report_kind).to(device)
    if config.optim.compile:
        model.tower.compile()

    learner = nn.ModuleList([model] if contrast is None else [model, contrast])
    scaled = chosen_precision(config.optim.precision, device) == "fp16"
    scaler = torch.amp.GradScaler(device.type, enabled=scaled)
    state = RunState(learner, averaged, make_optimiser(model, config, contrast), scaler)
    chance = sampling_weights(data.train, config.data)
    sampler = _sampler(config, chance, processes, shards_of(data.train))

    origin = Origin.of(config, data.train, data.held_out, vocabulary)
    progress = Progress(**state.load(out, origin)) if resume else Progress()
    if record is not None and processes.first:
        write_record(out, record, left_out)
    epochs_behind = sum(config.optim.epochs[: progress.stage]) + progress.epoch
    log = RunLog(out, enabled=processes.first, epochs=epochs_behind, steps=progress.total)
    return Run(
        config=config,
        data=data,
        vocabulary=vocabulary,
        out=out,
        processes=processes,
        model=model,
        averaged=averaged,
        bank=bank,
        contrast=contrast,
        teachers=Teachers(config.teachers, vocabulary, device) if config.teachers else None,
        noise=label_noise(data.train, vocabulary.labels, config.loss.label_noise, device),
        reports=reports,
        state=state,
        sampler=sampler,
        chance=chance,
        weights=_weights(config, data, vocabulary, chance),
        gates=gates,
        origin=origin,
        progress=progress,
        log=log,
    )


def divided(config: FitConfig, processes: Processes) -> bool:
    """Whether the tower is divided among processes: one alone keeps it whole."""
    return config.optim.shard_tower and processes.world > 1


def _initial_model(
    config: FitConfig, vocabulary: Vocabulary, processes: Processes
) -> tuple[PatchCLIP, PromptBank]:
    """The model as the recipe begins it, alike in every process, and the prompts of the findings."""
    model = PatchCLIP(config.model)
    initialise(model, config.pretrained)
    drop_paths(model, config.optim.drop_path)
    freeze(model, config.optim.frozen)
    if processes.device.type == "cpu":
        quicken(model)
    if processes.world > 1:
        share_batch_norms(model)
    model.to(processes.device)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    bank = PromptBank(model, vocabulary, list(vocabulary.labels)).to(processes.device)
    if config.pretrained == "none" or not Path(config.pretrained).is_dir():
        align_prompts(model, bank, config.seed)
    processes.share_weights(model)
    return model, bank


def _weights(
    config: FitConfig, data: TrainingData, vocabulary: Vocabulary, chance: NDArray[np.float64]
) -> NDArray[np.float64]:
    groups = groups_of(data.train, config.data.balanced_by, config.model.image_size)
    return balance_weights_of(groups, state_table(data.train, vocabulary.labels), chance, config.data)


def _sampler(
    config: FitConfig, chance: NDArray[np.float64], processes: Processes, shards: NDArray[np.int64]
) -> BalancedSampler:
    return BalancedSampler(
        chance,
        config.data.samples_per_epoch,
        config.optim.batch_size,
        config.seed,
        processes.rank,
        processes.world,
        config.optim.accumulate,
        shards,
        config.data.shards_at_once,
    )


def shards_of(items: Sequence[Loaded]) -> NDArray[np.int64]:
    """int64 [N], a number for the shard of each image, -1 for one that is in none."""
    files = sorted({item.sample.place.shard for item in items if item.sample.place is not None})
    numbers = {file: number for number, file in enumerate(files)}
    return np.array(
        [-1 if (place := item.sample.place) is None else numbers[place.shard] for item in items], np.int64
    )
