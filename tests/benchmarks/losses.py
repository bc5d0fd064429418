"""The vectorised patch loss against a plain triple loop."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from trainer.losses import patch_loss

BATCH, PATCHES, FINDINGS = 64, 256, 1


def run(timed: Callable[[Callable[[], object]], float]) -> str:
    """Forward and backward of the loss at batch 64 x 256 patches, and how many times longer the loop takes for the forward alone."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(BATCH, PATCHES, FINDINGS, generator=generator, requires_grad=True)
    targets = torch.randint(-1, 2, (BATCH, PATCHES, FINDINGS), generator=generator, dtype=torch.int8)
    positive, negative = torch.ones(FINDINGS), torch.ones(BATCH, FINDINGS)

    def vectorised() -> None:
        logits.grad = None
        patch_loss(logits, targets, positive, negative).backward()

    plain = logits.detach()

    def looped() -> float:
        total = 0.0
        for b in range(BATCH):
            for p in range(PATCHES):
                for k in range(FINDINGS):
                    target = int(targets[b, p, k])
                    if target >= 0:
                        z = float(plain[b, p, k])
                        total += math.log1p(math.exp(-z if target == 1 else z))
        return total / BATCH

    fast, slow = timed(vectorised), timed(looped)
    return f"{fast * 1000:.2f} ms forward and backward at {BATCH} x {PATCHES}; the triple loop takes {slow / fast:.0f} times as long"
