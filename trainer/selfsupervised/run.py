"""A pretraining run: its steps, its state to resume from, and the trunk that it leaves."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.utils.data import DataLoader, Sampler

from patchclip.errors import DataError
from patchclip.files import atomic
from trainer.config import FitConfig
from trainer.data.loaded import Loaded
from trainer.fit.optim import warmed_cosine
from trainer.fit.precision import autocast, chosen_precision
from trainer.selfsupervised.distil import Distillation
from trainer.selfsupervised.views import PairedViews, collate_views

TRUNK, RECORD, STATE = "trunk.safetensors", "pretraining.json", "state.pt"
RATE, DECAY, WARMUP = 5e-4, 0.01, 50


@dataclass(frozen=True, slots=True)
class Pretraining:
    """What a run is.

    Attributes:
        size: of the views, in pixels.
        epochs: passes over all images.
        batch: images of a step.
    """

    size: int = 192
    epochs: int = 12
    batch: int = 32

    def __post_init__(self) -> None:
        if self.size < 32 or self.epochs < 1 or self.batch < 2:
            raise DataError(
                f"{self.epochs} epochs at {self.size} px in batches of {self.batch} cannot be done; "
                "set --epochs to 1 or more, --size to 32 or more and --batch to 2 or more."
            )


class EpochSampler(Sampler[list[tuple[int, int]]]):
    """Every image once, in an order of the epoch's own; a rest that fills no batch is left out."""

    def __init__(self, count: int, batch: int, seed: int, epoch: int) -> None:
        super().__init__()
        rng = np.random.default_rng([seed, epoch])
        order, draws = rng.permutation(count), rng.integers(2**62, size=count)
        whole = count - count % batch
        self._batches = [
            [(int(order[place]), int(draws[place])) for place in range(start, start + batch)]
            for start in range(0, whole, batch)
        ]

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return iter(self._batches)

    def __len__(self) -> int:
        return len(self._batches)


def say_at_once(line: str) -> None:
    """Prints a line, into a file too, as soon as it is known."""
    print(line, flush=True)


def pretrain(
    model: Distillation,
    items: Sequence[Loaded],
    plan: Pretraining,
    config: FitConfig,
    out: Path,
    *,
    record: dict[str, Any],
    resume: bool = False,
    say: Callable[[str], None] = say_at_once,
) -> None:
    """Learns, and writes the trunk with a record of the run after the last epoch; an interrupted run goes on
    after its last whole epoch.

    Args:
        model: whose student's tower learns.
        items: the images.
        plan: of the run.
        config: a recipe, of which seed, precision and workers count.
        out: the run folder.
        record: of what is learnt from, for the record.
        resume: go on with the run in `out`.
        say: told each epoch's figures.

    Raises:
        DataError: there are fewer images than a batch, the loss is not finite, or there is no such run to
            resume.
    """
    if len(items) < plan.batch:
        raise DataError(f"{len(items)} images fill no batch of {plan.batch}; name more, or lower --batch.")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    model.train()
    learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(learnt, lr=RATE, weight_decay=DECAY)
    about = {**record, "plan": {"size": plan.size, "epochs": plan.epochs, "batch": plan.batch}}
    epochs = _resumed(out / STATE, model, optimiser, about) if resume else []
    dataset, precision = PairedViews(items, plan.size), chosen_precision(config.optim.precision, device)
    scaler = torch.amp.GradScaler(device.type, enabled=precision == "fp16")
    steps = len(items) // plan.batch
    total = steps * plan.epochs
    for epoch in range(len(epochs), plan.epochs):
        started, sums = time.perf_counter(), dict.fromkeys(("total", "places", "image", "spread"), 0.0)
        sampler = EpochSampler(len(items), plan.batch, config.seed, epoch)
        loader = DataLoader(
            dataset, batch_sampler=sampler, collate_fn=collate_views, num_workers=config.data.workers
        )
        for number, views in enumerate(loader, start=epoch * steps):
            for group in optimiser.param_groups:
                group["lr"] = RATE * warmed_cosine(number, total, WARMUP, least=0.0)
            optimiser.zero_grad(set_to_none=True)
            with autocast(device, precision):
                terms = model(views.to(device))
            scaler.scale(terms["total"]).backward()
            scaler.unscale_(optimiser)
            norm = nn.utils.clip_grad_norm_(learnt, config.optim.clip)
            finite = bool(torch.isfinite(terms["total"]) & (torch.isfinite(norm) | scaler.is_enabled()))
            if not finite:  # scaled gradients overflow now and then, and skip that step themselves
                raise DataError(
                    f"The loss is not finite at step {number}; go on from the last epoch (--resume)."
                )
            scaler.step(optimiser)
            scaler.update()
            model.follow((number + 1) / total)
            sums = {name: value + float(terms[name].detach()) / steps for name, value in sums.items()}
        epochs.append({name: round(value, 4) for name, value in sums.items()})
        said = ", ".join(f"{name} {value:.3f}" for name, value in sums.items())
        say(f"epoch {epoch + 1} of {plan.epochs}, {time.perf_counter() - started:.0f} s: {said}")
        state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "epochs": epochs}
        out.mkdir(parents=True, exist_ok=True)
        with atomic(out / STATE) as path:
            torch.save({**state, "about": about}, path)
    trunk = model.student.tower.visual.state_dict()
    with atomic(out / TRUNK) as path:
        save_file({name: value.cpu().contiguous() for name, value in trunk.items()}, path)
    with atomic(out / RECORD) as path:
        path.write_text(json.dumps({**about, "epochs": epochs}, indent=2) + "\n", encoding="utf-8")


def _resumed(
    file: Path, model: Distillation, optimiser: torch.optim.Optimizer, about: dict[str, Any]
) -> list[dict[str, float]]:
    """Brings back a run's state; returns the figures of the epochs that are behind it."""
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise DataError(
            f"{file} cannot be read ({type(error).__name__}); start anew, without --resume."
        ) from error
    if state["about"] != about:
        raise DataError(f"{file} is of other images or another plan; start anew, in another folder.")
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    epochs: list[dict[str, float]] = state["epochs"]
    return epochs
