"""This process among all: device, rank, and the averaging of gradients."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
from torch import distributed, nn


@dataclass(frozen=True, slots=True)
class Processes:
    """Made by `join`; a single process is the special case world = 1."""

    rank: int
    world: int
    device: torch.device
    autocast: bool = True

    @property
    def first(self) -> bool:
        """Whether this process writes files and logs."""
        return self.rank == 0

    def average_gradients(self, model: nn.Module) -> None:
        """Mean over processes. Every loss term is a mean over images, so this equals one process with the whole batch."""
        if self.world == 1:
            return
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.world
        start = 0
        for gradient in gradients:
            gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()

    def wait(self) -> None:
        """Until every process is here."""
        if self.world > 1:
            distributed.barrier()


def join(autocast: bool = True) -> Processes:
    """Joins the group that torchrun made (NCCL on GPUs, gloo on CPUs), or stands alone."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    if world > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Processes(rank=int(os.environ.get("RANK", "0")), world=world, device=device, autocast=autocast)
