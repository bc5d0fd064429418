"""What tests run in a group of processes: torchrun -m tests.trainer.fit.together RUNS OUT.

RUNS is a JSON list of argument lists of the trainer, run one after another; what `norms` computes goes to
OUT.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from torch import nn

from trainer.__main__ import main
from trainer.fit.distributed import join, share_batch_norms


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


if __name__ == "__main__":
    runs, out = (Path(name) for name in sys.argv[1:])
    status = max(main(arguments) for arguments in json.loads(runs.read_text(encoding="utf-8")))
    processes = join()
    found = norms(shared=True, rank=processes.rank, world=processes.world)
    if processes.first:
        torch.save(found, out)
    sys.exit(status)
