"""Large towers over many processes: each keeps a part of every block's weights, gradients and optimiser state
(FSDP; Zhao et al., VLDB 2023), by torch's `fully_shard`.

Heads, norms and text projection are small, and which of them a step uses depends on its images: they stay
whole in every process, and `Processes.average_gradients` sees to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from patchclip.errors import DataError
from patchclip.model.patchclip import PatchCLIP


def shard_blocks(model: PatchCLIP) -> int:
    """Divides every block of the tower among the processes, in place; returns how many blocks there are.

    Raises:
        DataError: the tower has no sequence of blocks.
    """
    visual: Any = model.tower.visual
    holder = getattr(visual, "transformer", None) or getattr(visual, "trunk", visual)
    blocks = getattr(holder, "resblocks", None) or getattr(holder, "blocks", None)
    if not isinstance(blocks, nn.ModuleList | nn.Sequential) or not len(blocks):
        raise DataError(
            f"The tower {model.config.tower} has no sequence of blocks to divide; set optim.shard_tower to "
            "false."
        )
    for block in blocks:
        fully_shard(block)
    return len(blocks)


def whole(state: Any) -> Any:
    """A state dict with every divided tensor put together, on every process; all of them must call it."""
    if isinstance(state, DTensor):
        return state.full_tensor()
    if isinstance(state, Mapping):
        return {key: whole(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(whole(value) for value in state)
    return state


def load_whole(part: nn.Module | torch.optim.Optimizer | torch.amp.GradScaler, state: dict[str, Any]) -> None:
    """Inverse of `whole`: loads whole tensors into what may be divided; all processes must call it.

    Raises:
        KeyError, RuntimeError, ValueError: the state is of something else, as `load_state_dict` says it.
    """
    if isinstance(part, nn.Module):
        current = part.state_dict()
        state = {name: _as(current.get(name), value) for name, value in state.items()}
    elif isinstance(part, torch.optim.Optimizer):
        parameters = [item for group in part.param_groups for item in group["params"]]
        state = {
            **state,
            "state": {
                number: {name: _as(parameters[number], value) for name, value in entry.items()}
                for number, entry in state["state"].items()
            },
        }
    part.load_state_dict(state)


def _as(like: Any, value: Any) -> Any:
    """A whole tensor divided as another one is, if that is divided and of its shape."""
    if isinstance(like, DTensor) and isinstance(value, Tensor) and value.shape == like.shape:
        return distribute_tensor(value.to(like.device), like.device_mesh, like.placements)
    return value


def clip_gradients(parameters: Iterable[nn.Parameter], largest: float) -> Tensor:
    """Scales all gradients down to a common norm of at most `largest`, in place; returns the norm before.

    As `torch.nn.utils.clip_grad_norm_`, which does not take divided and whole gradients together.
    """
    learning = [item for item in parameters if item.grad is not None]
    gradients = [item.grad for item in learning if item.grad is not None]
    divided = [item for item in gradients if isinstance(item, DTensor)]
    if not divided:
        return nn.utils.clip_grad_norm_(learning, largest)
    local = torch.stack([item.to_local().float().square().sum() for item in divided]).sum()
    distributed.all_reduce(local)
    plain = [item.float().square().sum() for item in gradients if not isinstance(item, DTensor)]
    norm = (local + (torch.stack(plain).sum() if plain else 0.0)).sqrt()
    factor = (largest / (norm + 1e-6)).clamp(max=1.0)
    for item in gradients:
        (item.to_local() if isinstance(item, DTensor) else item).mul_(factor)
    return norm
