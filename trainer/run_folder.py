"""What a run leaves behind: logs, and the state from which it continues."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from patchclip.errors import DataError

if TYPE_CHECKING:
    from trainer.loop import Progress

STATE = "state.pt"


@dataclass(frozen=True, slots=True)
class RunState:
    """Everything that the next step depends on, beside the recipe and the data."""

    learner: nn.Module
    ema: nn.Module
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler

    def save(self, out: Path, progress: Progress) -> None:
        """Atomically, so that a kill in mid-write leaves the previous state whole."""
        state = {name: getattr(self, name).state_dict() for name in self.__dataclass_fields__}
        temporary = out / f"{STATE}.writing"
        torch.save({**state, "progress": asdict(progress)}, temporary)
        os.replace(temporary, out / STATE)  # noqa: PTH105  (the atomic one)

    def load(self, out: Path) -> dict[str, Any]:
        """Restores in place and returns the fields of the run's Progress.

        Raises:
            DataError: there is nothing to continue, or it is the state of another recipe.
        """
        path = out / STATE
        if not path.is_file():
            raise DataError(f"There is nothing to resume in {out}; leave out --resume to start there.")
        state = torch.load(path, map_location="cpu", weights_only=True)
        try:
            for name in self.__dataclass_fields__:
                getattr(self, name).load_state_dict(state[name])
        except (KeyError, RuntimeError, ValueError) as error:
            raise DataError(f"The state in {out} is not of this recipe; resume with the recipe that began the run.") from error
        progress: dict[str, Any] = state["progress"]
        return progress


class RunLog:
    """log.jsonl (one line an epoch, for people and scripts) and tensorboard (every 20th step)."""

    def __init__(self, out: Path, *, enabled: bool = True) -> None:
        self.path = out / "log.jsonl"
        out.mkdir(parents=True, exist_ok=True)
        self.board = SummaryWriter(out / "tensorboard") if enabled else None

    def step(self, step: int, terms: dict[str, Tensor]) -> None:
        """Losses of one step."""
        if self.board is not None and step % 20 == 0:
            for name, value in terms.items():
                self.board.add_scalar(f"loss/{name}", float(value.detach()), step)

    def epoch(self, epoch: int, side: int, losses: dict[str, float], figures: dict[str, float], seconds: float) -> None:
        """Mean losses and held-out figures of one epoch; also printed."""
        if self.board is None:
            return
        for name, value in figures.items():
            self.board.add_scalar(f"dev/{name}", value, epoch)
        record = {"epoch": epoch, "side": side, "seconds": round(seconds, 1), "losses": losses, "dev": figures}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        shown = ", ".join(f"{name} {value:.3f}" for name, value in {**losses, **figures}.items())
        print(f"epoch {epoch} at {side} px, {seconds:.0f} s: {shown}", flush=True)

    def close(self) -> None:
        """Flushes."""
        if self.board is not None:
            self.board.close()
