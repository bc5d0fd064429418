"""What a run leaves behind: logs, and the state from which it continues."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from patchclip.errors import DataError

if TYPE_CHECKING:
    from trainer.loop import Progress

STATE = "state.pt"


def save_state(out: Path, model: nn.Module, ema: nn.Module, optimiser: torch.optim.Optimizer, progress: Progress) -> None:
    """Writes everything that the next step depends on; atomically, so a kill in mid-write leaves the previous state whole."""
    state = {"model": model.state_dict(), "ema": ema.state_dict(), "optimiser": optimiser.state_dict(), "progress": asdict(progress)}
    temporary = out / f"{STATE}.writing"
    torch.save(state, temporary)
    os.replace(temporary, out / STATE)  # noqa: PTH105  (the atomic one)


def load_state(out: Path, model: nn.Module, ema: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """Restores in place and returns the fields of the run's Progress.

    Raises:
        DataError: there is nothing to continue.
    """
    path = out / STATE
    if not path.is_file():
        raise DataError(f"There is nothing to resume in {out}; leave out --resume to start there.")
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    ema.load_state_dict(state["ema"])
    optimiser.load_state_dict(state["optimiser"])
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
