"""The vectorised patch loss against a plain triple loop."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from patchclip.resources import VOCABULARY
from patchclip.text.vocabulary import Vocabulary
from trainer.objective.losses import patch_loss

BATCH, PATCHES = 64, 256


def run(timed: Callable[[Callable[[], object]], float]) -> str:
    """Both at batch 64 x 256 patches: with every finding of the vocabulary, as in training, and with one,
    where fixed costs tell most."""
    return "; ".join(
        _compared(findings, timed) for findings in (len(Vocabulary.from_json(VOCABULARY).labels), 1)
    )


def _compared(findings: int, timed: Callable[[Callable[[], object]], float]) -> str:
    """Forward and backward of the loss, and how many times longer the loop takes for the forward alone."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(BATCH, PATCHES, findings, generator=generator, requires_grad=True)
    targets = torch.randint(-1, 2, (BATCH, PATCHES, findings), generator=generator, dtype=torch.int8)
    positive, negative = torch.ones(findings), torch.ones(BATCH, findings)

    def vectorised() -> None:
        logits.grad = None
        patch_loss(logits, targets, positive, negative).backward()

    plain = logits.detach()

    def looped() -> float:
        total = 0.0
        for b in range(BATCH):
            for p in range(PATCHES):
                for k in range(findings):
                    target = int(targets[b, p, k])
                    if target >= 0:
                        z = float(plain[b, p, k])
                        total += math.log1p(math.exp(-z if target == 1 else z))
        return total / BATCH

    fast, slow = timed(vectorised), timed(looped)
    return (
        f"{fast * 1000:.2f} ms forward and backward at {BATCH} x {PATCHES} x {findings}, "
        f"the triple loop {slow / fast:.0f} times as long"
    )
