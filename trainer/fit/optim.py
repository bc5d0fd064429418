"""Optimiser, learning-rate schedule, weight averaging, frozen parts and stochastic depth, as the recipe
says."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from timm.layers.drop import DropPath
from torch import Tensor, nn

from patchclip.errors import DataError
from patchclip.model.patchclip import PatchCLIP
from trainer.config import FitConfig


def running_average(decay: float) -> Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]:
    """Exponential moving average of weights and statistics for `AveragedModel`.

    The decay grows as (1 + n) / (10 + n) up to `decay`, so that the average has forgotten the untrained
    weights after some steps rather than after some epochs.
    """

    @torch.no_grad()
    def update(averaged: Sequence[Tensor], current: Sequence[Tensor], count: Tensor | int) -> None:
        share = 1 - min(decay, (1 + int(count)) / (10 + int(count)))
        for mean, value in zip(averaged, current, strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, share)
            else:
                mean.copy_(value)

    return update


def freeze(model: PatchCLIP, prefixes: tuple[str, ...]) -> None:
    """Stops the training of every parameter whose name begins so.

    Raises:
        DataError: a prefix fits no parameter, or nothing is left to train.
    """
    for prefix in prefixes:
        members = [parameter for name, parameter in model.named_parameters() if name.startswith(prefix)]
        if not members:
            raise DataError(
                f'optim.frozen names "{prefix}", but no parameter begins so; try "tower.visual" or '
                '"text_projection".'
            )
        for parameter in members:
            parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise DataError("optim.frozen freezes every parameter; leave something to train.")


def training_mode(model: PatchCLIP, prefixes: tuple[str, ...]) -> None:
    """Training mode, but for frozen modules: a frozen norm keeps its statistics too."""
    model.train()
    for name, module in model.named_modules():
        if any(name.startswith(prefix) for prefix in prefixes):
            module.eval()


def make_optimiser(
    model: PatchCLIP, config: FitConfig, others: nn.Module | None = None
) -> torch.optim.Optimizer:
    """AdamW or SGD with one learning rate each for tower, text projection and heads; norms, biases and scales
    are not decayed.

    others: objectives with parameters of their own, trained at the rate of the heads.
    """
    groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
    extra = (
        []
        if others is None
        else [(f"objective.{name}", parameter) for name, parameter in others.named_parameters()]
    )
    for name, parameter in [*model.named_parameters(), *extra]:
        if parameter.requires_grad:
            groups.setdefault((_part(name), parameter.ndim > 1), []).append(parameter)
    rates = {"heads": config.optim.lr_heads, "tower": config.optim.lr_tower, "text": config.optim.lr_text}
    # By part and not by rate, so that a resumed run finds the same groups at other rates.
    listed = [
        {
            "params": members,
            "lr": rates[part],
            "base_lr": rates[part],
            "weight_decay": config.optim.weight_decay * decayed,
        }
        for (part, decayed), members in groups.items()
    ]
    if config.optim.kind == "sgd":
        return torch.optim.SGD(
            listed,
            lr=config.optim.lr_heads,
            momentum=config.optim.momentum,
            nesterov=config.optim.momentum > 0,
            foreach=False if config.optim.shard_tower else None,
        )
    # Divided and whole parameters do not go into one fused update.
    return torch.optim.AdamW(listed, foreach=False if config.optim.shard_tower else None)


def _part(name: str) -> str:
    if name.startswith("tower.downsampler"):
        return "heads"  # new like the heads, although it stands before the tower
    if name.startswith("tower."):
        return "tower"
    return "text" if name.startswith("text_") else "heads"


def warmed_cosine(step: int, total: int, warmup: int, least: float) -> float:
    """Share of a base rate: linear warm-up, at most a tenth of the run, then half a cosine down to `least`
    (Loshchilov & Hutter, ICLR 2017)."""
    warmup = min(warmup, max(1, total // 10))
    if step < warmup:
        return (step + 1) / warmup
    return least + (1 - least) * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))


def set_learning_rate(optimiser: torch.optim.Optimizer, config: FitConfig, step: int, total: int) -> None:
    """To `warmed_cosine` of each base rate, which ends at 1 % of it."""
    fraction = warmed_cosine(step, total, config.optim.warmup_steps, least=0.01)
    for group in optimiser.param_groups:
        group["lr"] = group["base_lr"] * fraction


def drop_paths(model: PatchCLIP, rate: float) -> None:
    """Turns on stochastic depth in the tower's residual blocks, in place; the weights and the model at
    inference are untouched."""
    blocks = [module for module in model.tower.modules() if hasattr(module, "drop_path")]
    for number, block in enumerate(blocks, start=1):
        block.drop_path = DropPath(rate * number / len(blocks)) if rate else block.drop_path
