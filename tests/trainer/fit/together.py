"""What tests run in a group of processes: torchrun -m tests.trainer.fit.together RUNS OUT.

RUNS is a JSON list of runs, one after another: "arguments" of the trainer, and "cut" after so many steps, 0
for never. What `norms` computes goes to OUT.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from trainer.__main__ import main
from trainer.fit.distributed import join, share_batch_norms
from trainer.fit.run_folder import Progress, RunState


def norms(*, shared: bool, rank: int, world: int) -> dict[str, torch.Tensor]:
    """Gradients and buffers of a small net with two batch norms after a step on this process's share of eight
    images."""
    from timm.layers.norm_act import (
        BatchNormAct2d,
    )  # after the trainer, which makes torchvision importable for it

    torch.manual_seed(rank)  # as if rounding had made the processes' weights apart
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3), BatchNormAct2d(6), nn.Conv2d(6, 4, 3, stride=2), nn.BatchNorm2d(4)
    )
    if shared:
        share_batch_norms(net)
        join().share_weights(net)
    torch.manual_seed(0)
    images, wanted = torch.randn(8, 3, 9, 9) * 3 + 1, torch.randn(8, 4, 3, 3)
    share = slice(rank * 8 // world, (rank + 1) * 8 // world)
    ((net(images[share]) - wanted[share]) ** 2).mean().backward()
    if shared:
        join().average_gradients(net)
    return {
        f"grad {name}": value.grad for name, value in net.named_parameters() if value.grad is not None
    } | dict(net.named_buffers())


class Cut(Exception):
    """Stands for a power cut."""


@contextmanager
def cut_after(steps: int) -> Iterator[None]:
    """Ends a run once the state of so many steps is saved; 0 for never."""
    save = RunState.save

    def saved(self: RunState, out: Path, progress: Progress, *rest: Any, **more: Any) -> None:
        save(self, out, progress, *rest, **more)
        if progress.total == steps:
            raise Cut

    RunState.save = saved  # type: ignore[method-assign]
    try:
        yield
    except Cut:
        return
    finally:
        RunState.save = save  # type: ignore[method-assign]


def run(arguments: list[str], cut: int) -> int:
    """The exit status; 0 of a run that was cut."""
    status = 0
    with cut_after(cut):
        status = main(arguments)
    join().wait()  # until what was saved is there for all
    return status


if __name__ == "__main__":
    runs, out = (Path(name) for name in sys.argv[1:])
    status = max(run(**each) for each in json.loads(runs.read_text(encoding="utf-8")))
    processes = join()
    found = norms(shared=True, rank=processes.rank, world=processes.world)
    if processes.first:
        torch.save(found, out)
    sys.exit(status)
