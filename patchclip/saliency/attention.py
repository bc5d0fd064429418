"""Attention-based saliency for transformer towers: rollout, and LeGrad-style attention gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from patchclip.errors import SaliencyError
from patchclip.saliency.task import QueryHead, SaliencyTask, blocks_of, to_unit, unmirrored
from patchclip.types import FloatArray


def attention_rollout(task: SaliencyTask) -> FloatArray:
    """Attention rollout (Abnar & Zuidema, ACL 2020): product over layers of (A + I) / 2, heads averaged; the
    class token's row.

    Without a class token, the mean over all rows. Does not look at the query: K times the same [R, C] in [0,
    1], min-max scaled.
    """
    with torch.no_grad(), _recorded(task, "attention_rollout") as attentions:
        QueryHead(task)(task.pixels)
    rollout: Tensor | None = None
    for attention in attentions:
        mean = attention.mean(dim=1)
        step = (mean + torch.eye(mean.shape[-1], device=mean.device)) / 2
        rollout = step if rollout is None else step @ rollout
    assert rollout is not None
    return np.repeat(_to_grid(rollout, task)[None], len(task.positive), axis=0)


def attention_gradient(task: SaliencyTask) -> FloatArray:
    """LeGrad-style (Bousselham et al., 2024): positive gradient of the query's logit with respect to each
    layer's attention.

    Heads and query tokens are averaged, layers summed. [K, R, C] in [0, 1], min-max scaled.
    """
    with torch.enable_grad(), _recorded(task, "attention_gradient") as attentions:
        logits = QueryHead(task)(task.pixels.clone().requires_grad_())
        maps: list[FloatArray] = []
        for logit in logits[0]:
            gradients = torch.autograd.grad(logit, attentions, allow_unused=True, retain_graph=True)
            total = torch.stack(
                [gradient.clamp(min=0).mean(dim=1) for gradient in gradients if gradient is not None]
            ).sum(dim=0)
            maps.append(_to_grid(total.mean(dim=1, keepdim=True), task))
    return np.stack(maps)


def _to_grid(rows: Tensor, task: SaliencyTask) -> FloatArray:
    """[B, T, T] or [B, 1, T] of attention to tokens -> [R, C]; the grid's tokens come last. B is 2 with a
    mirror image."""
    height, width = task.model.grid
    special = rows.shape[-1] - height * width
    row = rows[:, 0] if special or rows.shape[1] == 1 else rows.mean(dim=1)
    return to_unit(unmirrored(row[:, special:].unflatten(1, (height, width)).detach().float().cpu().numpy()))


@contextmanager
def _recorded(task: SaliencyTask, method: str) -> Iterator[list[Tensor]]:
    """While open, every block's attention [B, heads, T, T] is computed explicitly and recorded, in order."""
    attentions: list[Tensor] = []
    restore: list[tuple[nn.Module, Callable[..., object]]] = []
    for block in blocks_of(task.model, method):
        layer = block.attn
        assert isinstance(layer, nn.Module)
        restore.append((layer, layer.forward))
        if isinstance(layer, nn.MultiheadAttention):
            layer.forward = _explicit_torch(layer, attentions)  # type: ignore[method-assign]
        elif hasattr(layer, "qkv"):
            layer.forward = _explicit_timm(layer, attentions)
        else:
            raise SaliencyError(
                f"{method} does not know the attention of {task.model.config.tower}; use grad_cam instead."
            )
    try:
        yield attentions
    finally:
        for layer, original in restore:
            layer.forward = original


def _explicit_torch(
    layer: nn.MultiheadAttention, attentions: list[Tensor]
) -> Callable[..., tuple[Tensor, None]]:
    def forward(query: Tensor, key: Tensor, value: Tensor, **_: object) -> tuple[Tensor, None]:
        if not layer.batch_first:
            query = query.transpose(0, 1)
        assert layer.in_proj_weight is not None
        batch, tokens, width = query.shape
        q, k, v = F.linear(query, layer.in_proj_weight, layer.in_proj_bias).chunk(3, dim=-1)
        q, k, v = (part.view(batch, tokens, layer.num_heads, -1).transpose(1, 2) for part in (q, k, v))
        attention = (q @ k.transpose(-2, -1) / (width / layer.num_heads) ** 0.5).softmax(dim=-1)
        attentions.append(attention)
        mixed = layer.out_proj((attention @ v).transpose(1, 2).reshape(batch, tokens, width))
        return (mixed if layer.batch_first else mixed.transpose(0, 1)), None

    return forward


def _explicit_timm(layer: nn.Module, attentions: list[Tensor]) -> Callable[..., Tensor]:
    def forward(tokens: Tensor, *_: object, **__: object) -> Tensor:
        batch, count, width = tokens.shape
        heads = int(layer.num_heads)  # type: ignore[arg-type]
        qkv = layer.qkv(tokens).reshape(batch, count, 3, heads, -1)  # type: ignore[operator]
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        q, k = layer.q_norm(q), layer.k_norm(k)  # type: ignore[operator]
        attention = (q @ k.transpose(-2, -1) * layer.scale).softmax(dim=-1)
        attentions.append(attention)
        seen = (attention @ v).transpose(1, 2).reshape(batch, count, width)
        mixed: Tensor = layer.proj(seen)  # type: ignore[operator]
        return mixed

    return forward
