"""This process among all: device, rank, and what the processes share: gradients, embeddings and batch
statistics."""

from __future__ import annotations

import atexit
import os
from dataclasses import dataclass
from datetime import timedelta

import torch
from timm.layers.norm_act import BatchNormAct2d
from torch import Tensor, distributed, nn
from torch.distributed.nn import functional as shared
from torch.distributed.tensor import DTensor


@dataclass(frozen=True, slots=True)
class Processes:
    """Made by `join`; a single process is the special case world = 1."""

    rank: int
    world: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process writes files and logs."""
        return self.rank == 0

    def share_weights(self, model: nn.Module) -> None:
        """Gives every process the first one's parameters and buffers, in place: made apart, they may differ
        by rounding."""
        if self.world > 1:
            for value in model.state_dict().values():
                distributed.broadcast(value, src=0)

    def average_gradients(self, model: nn.Module) -> None:
        """Mean over processes. Every loss term is a mean over images, so this equals one process with the
        whole batch.

        A parameter that only some processes used (the sparse branch, when a share of the batch has no patch
        set) counts as zero in the others; one that nobody used stays without a gradient.
        """
        if self.world == 1:
            return
        parameters = [
            parameter
            for parameter in model.parameters()
            if parameter.requires_grad and not isinstance(parameter, DTensor)  # those are averaged already
        ]
        used = torch.tensor(
            [parameter.grad is not None for parameter in parameters], dtype=torch.float32, device=self.device
        )
        distributed.all_reduce(used)
        learning = [parameter for parameter, count in zip(parameters, used.tolist(), strict=True) if count]
        flat = torch.cat(
            [(torch.zeros_like(item) if item.grad is None else item.grad).flatten() for item in learning]
        )
        distributed.all_reduce(flat)
        flat /= self.world
        start = 0
        for parameter in learning:
            parameter.grad = flat[start : start + parameter.numel()].view_as(parameter).clone()
            start += parameter.numel()

    def gather(self, rows: Tensor) -> Tensor:
        """[B, ...] of every process, joined over the first axis in the order of ranks; gradients flow back to
        where they came from.

        Sizes beyond the first may differ between processes; shorter ones are filled with zeros.
        """
        if self.world == 1:
            return rows
        shape = torch.tensor(rows.shape, device=rows.device)
        distributed.all_reduce(shape, op=distributed.ReduceOp.MAX)
        padded = rows.new_zeros(tuple(int(size) for size in shape))
        padded[tuple(slice(size) for size in rows.shape)] = rows
        if not rows.is_floating_point():
            parts = [torch.empty_like(padded, dtype=torch.uint8) for _ in range(self.world)]
            distributed.all_gather(parts, padded.to(torch.uint8))
            return torch.cat(parts).to(rows.dtype)
        return torch.cat(shared.all_gather(padded.contiguous()))

    def mean(self, figures: dict[str, float]) -> dict[str, float]:
        """Mean of each figure over the processes, which all name the same."""
        if self.world == 1:
            return figures
        values = torch.tensor(
            [figures[name] for name in sorted(figures)], dtype=torch.float64, device=self.device
        )
        distributed.all_reduce(values)
        return dict(zip(sorted(figures), (values / self.world).tolist(), strict=True))

    def wait(self) -> None:
        """Until every process is here."""
        if self.world > 1:
            distributed.barrier()


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch norm whose batch is that of all processes; on any device, where torch's own SyncBatchNorm needs
    GPUs."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        """own: the norm that this one replaces; its parameters and buffers are taken over under the same
        names."""
        super().__init__(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
        self.weight, self.bias = norm.weight, norm.bias
        self.running_mean, self.running_var, self.num_batches_tracked = (
            norm.running_mean,
            norm.running_var,
            norm.num_batches_tracked,
        )
        self.then = nn.Sequential(norm.drop, norm.act) if isinstance(norm, BatchNormAct2d) else nn.Identity()
        self.train(norm.training)

    def forward(self, input: Tensor) -> Tensor:
        """[B, C, H, W] -> the same shape (Ioffe & Szegedy, ICML 2015)."""
        if not self.training:
            return self.then(super().forward(input))  # type: ignore[no-any-return]
        values = input.float()
        count = values.new_full((1,), values.numel() // values.shape[1])
        sums = shared.all_reduce(torch.cat([values.sum(dim=(0, 2, 3)), count]))
        total = sums[-1].detach()
        mean = sums[:-1] / total
        # Squares of what is left after the mean: the mean of squares minus the square of the mean would lose
        # small variances to rounding.
        centred = values - mean[:, None, None]
        variance = shared.all_reduce(centred.square().sum(dim=(0, 2, 3))) / total
        with torch.no_grad():
            assert (
                self.running_mean is not None
                and self.running_var is not None
                and self.num_batches_tracked is not None
            )
            self.num_batches_tracked += 1
            rate = self.momentum if self.momentum is not None else 1 / float(self.num_batches_tracked)
            self.running_mean.lerp_(mean.detach(), rate)
            self.running_var.lerp_(variance.detach() * total / (total - 1).clamp(min=1), rate)
        out = centred * torch.rsqrt(variance + self.eps)[:, None, None]
        if self.affine:
            out = out * self.weight[:, None, None] + self.bias[:, None, None]
        return self.then(out.to(input.dtype))  # type: ignore[no-any-return]


def share_batch_norms(model: nn.Module) -> None:
    """Replaces every 2-d batch norm by one over all processes, in place; names in the state dict stay."""
    for name, child in model.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(model, name, SharedBatchNorm(child))
        else:
            share_batch_norms(child)


def _leave() -> None:
    """Before the interpreter goes: a group whose threads outlive it can end the process by a signal, and
    torchrun then calls the run failed."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def join() -> Processes:
    """Joins the group that torchrun made (NCCL on GPUs, gloo on CPUs), or stands alone."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    if world > 1 and not distributed.is_initialized():
        # The others wait while the first decodes what may be hundreds of thousands of images.
        distributed.init_process_group(
            "nccl" if device.type == "cuda" else "gloo", timeout=timedelta(hours=24)
        )
        atexit.register(_leave)
    return Processes(rank=int(os.environ.get("RANK", "0")), world=world, device=device)
