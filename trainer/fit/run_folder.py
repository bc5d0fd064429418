"""What a run leaves behind: logs, and the state from which it continues."""

from __future__ import annotations

import hashlib
import json
import math
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from patchclip.data.tables import read_json
from patchclip.errors import DataError
from patchclip.files import atomic
from patchclip.text.vocabulary import Vocabulary
from trainer.config import FitConfig
from trainer.data.loaded import Loaded
from trainer.data.sample import Sample
from trainer.fit.fsdp import load_whole, whole

STATE = "state.pt"


@dataclass(frozen=True, slots=True)
class Origin:
    """What a state is the state of; a run that is resumed must be of the same.

    Attributes:
        recipe: `FitConfig.to_dict`.
        data: fingerprint of all images and what is known of them, in their order.
        vocabulary: fingerprint.
    """

    recipe: dict[str, Any]
    data: str
    vocabulary: str

    @classmethod
    def of(
        cls, config: FitConfig, train: Sequence[Loaded], dev: Sequence[Loaded], vocabulary: Vocabulary
    ) -> Origin:
        """Of a run about to begin."""
        digest = hashlib.sha256()
        for items in (train, dev):
            digest.update(fingerprint([item.sample for item in items]).encode())
            digest.update(repr([(item.sha256, item.sample.report) for item in items]).encode())
        return cls(
            config.to_dict(),
            digest.hexdigest(),
            hashlib.sha256(json.dumps(vocabulary.to_dict()).encode()).hexdigest(),
        )

    def differences(self, saved: dict[str, Any]) -> list[str]:
        """What differs from a saved origin, field by field, but for what may change in mid-run."""
        before, now = _flat(saved["recipe"]), _flat(self.recipe)
        names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        changes = [
            f"{name} ({before.get(name)}, now {now.get(name)})" for name in names if name not in CHANGEABLE
        ]
        return changes + [name for name in ("data", "vocabulary") if saved[name] != getattr(self, name)]


CHANGEABLE = frozenset(("optim.lr_heads", "optim.lr_tower", "optim.lr_text", "data.workers", "save_every"))
"""Fields of the recipe that a resumed run may change: the learning rates, which are applied anew, and what
changes no weight."""


def _flat(recipe: dict[str, Any]) -> dict[str, Any]:
    """ "section.field" -> value."""
    flat: dict[str, Any] = {}
    for key, value in recipe.items():
        flat |= (
            {f"{key}.{name}": item for name, item in value.items()}
            if isinstance(value, dict)
            else {key: value}
        )
    return flat


def fingerprint(samples: Sequence[Sample]) -> str:
    """SHA-256 of what is known of the samples, in their order; of images the names, and nothing of
    reports."""
    digest = hashlib.sha256()
    for sample in samples:
        states = sorted((label, state.value) for label, state in sample.states.items())
        digest.update(
            repr(
                (sample.source, sample.path.name, sample.patient, states, sample.shapes, sample.doubtful)
                + ((sample.denied,) if sample.denied else ())  # so that others keep the fingerprint they had
            ).encode()
        )
    return digest.hexdigest()


def write_record(out: Path, record: Mapping[str, object], left_out: Sequence[str]) -> None:
    """config.json, the run's full record, and left_out.txt, a line for each thing that was not learnt
    from."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    (out / "left_out.txt").write_text("".join(f"{line}\n" for line in left_out), encoding="utf-8")


def run_record(folder: Path) -> tuple[FitConfig, str]:
    """The recipe of a run, and the split that it learnt from.

    Raises:
        DataError: the folder holds no record of a run.
    """
    record = read_json(folder / "config.json", dict)
    if not isinstance(record.get("recipe"), dict) or not isinstance(record.get("split"), str):
        raise DataError(f"{folder / 'config.json'} is no record of a run; name the folder that fit wrote.")
    return FitConfig.from_dict(record["recipe"]), record["split"]


@dataclass(slots=True)
class Progress:
    """Where a run stands; saved with every resumable checkpoint."""

    stage: int = 0
    epoch: int = 0  # within the stage
    step: int = 0  # within the epoch
    total: int = 0
    best: float = -math.inf


@dataclass(frozen=True, slots=True)
class RunState:
    """Everything that the next step depends on, beside the recipe and the data."""

    learner: nn.Module
    ema: nn.Module
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler

    def save(self, out: Path, progress: Progress, origin: Origin, *, write: bool = True) -> None:
        """Atomically, so that a kill in mid-write leaves the previous state whole.

        write: whether this process writes; all take part where a tower is divided among them.
        """
        state = whole({name: getattr(self, name).state_dict() for name in self.__dataclass_fields__})
        if not write:
            return
        with atomic(out / STATE) as path, path.open("wb") as file:
            torch.save({**state, "progress": asdict(progress), "origin": asdict(origin)}, file)

    def load(self, out: Path, origin: Origin) -> dict[str, Any]:
        """Restores in place, but for the learning rates, which are those of the recipe at hand; returns the
        fields of the run's Progress.

        Raises:
            DataError: there is nothing to continue, it cannot be read, or it is the state of another recipe
                or of other data; names what differs.
        """
        path = out / STATE
        if not path.is_file():
            raise DataError(f"There is nothing to resume in {out}; leave out --resume to start there.")
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
            raise DataError(f"{path} is damaged; leave out --resume to start anew.") from error
        if differences := origin.differences(state["origin"]):
            raise DataError(
                f"The run in {out} was begun otherwise: {'; '.join(differences)}. Give it back the recipe "
                "and data that began it, of which only "
                "the learning rates (optim.lr_*) may change, or leave out --resume to start anew."
            )
        rates = [group["base_lr"] for group in self.optimiser.param_groups]
        try:
            for name in self.__dataclass_fields__:
                load_whole(getattr(self, name), state[name])
        except (KeyError, RuntimeError, ValueError) as error:
            raise DataError(
                f"The state in {out} is of another version of the model; leave out --resume to start anew."
            ) from error
        for group, rate in zip(self.optimiser.param_groups, rates, strict=True):
            group["base_lr"] = rate
        progress: dict[str, Any] = state["progress"]
        return progress


class RunLog:
    """log.jsonl (one line per epoch, for people and scripts) and tensorboard (every 20th step)."""

    def __init__(self, out: Path, *, enabled: bool = True, epochs: int = 0, steps: int = 0) -> None:
        """epochs, steps: that the run has behind it; what was logged beyond them, before it was cut short, is
        done again and goes."""
        self.path = out / "log.jsonl"
        out.mkdir(parents=True, exist_ok=True)
        if enabled:
            lines = (
                self.path.read_text(encoding="utf-8").splitlines(keepends=True)[:epochs]
                if self.path.is_file()
                else []
            )
            self.path.write_text("".join(lines), encoding="utf-8")
            for old in (out / "tensorboard").glob("events.out.tfevents.*") if steps == 0 else ():
                old.unlink()
        self.board = (
            SummaryWriter(out / "tensorboard", purge_step=steps + 1 if steps else None) if enabled else None
        )

    def step(self, step: int, terms: Mapping[str, float]) -> None:
        """Losses of one step."""
        if self.board is not None and step % 20 == 0:
            for name, value in terms.items():
                self.board.add_scalar(f"loss/{name}", value, step)

    def epoch(
        self, epoch: int, size: int, losses: dict[str, float], figures: dict[str, float], seconds: float
    ) -> None:
        """Mean losses and held-out figures of one epoch; also printed."""
        if self.board is None:
            return
        for name, value in figures.items():
            self.board.add_scalar(f"dev/{name}", value, epoch)
        record = {
            "epoch": epoch,
            "size": size,
            "seconds": round(seconds, 1),
            "losses": losses,
            "dev": figures,
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        words = ", ".join(f"{name} {value:.3f}" for name, value in {**losses, **figures}.items())
        print(f"epoch {epoch} at {size} px, {seconds:.0f} s: {words}", flush=True)

    def close(self) -> None:
        """Flushes."""
        if self.board is not None:
            self.board.close()
