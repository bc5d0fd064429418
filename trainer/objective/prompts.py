"""The prompts of all findings in the joint space."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from patchclip.errors import DataError
from patchclip.model.patchclip import PatchCLIP
from patchclip.text.vocabulary import Vocabulary


class PromptBank(nn.Module):
    """Sentence features of every prompt of every finding; frozen, so they are computed once."""

    def __init__(self, model: PatchCLIP, vocabulary: Vocabulary, labels: Sequence[str]) -> None:
        super().__init__()
        self.features: Tensor
        self.counts: list[tuple[int, int]] = []
        sentences: list[str] = []
        for label in labels:
            pair = vocabulary.prompts(label)
            self.counts.append((len(pair.positive), len(pair.negative)))
            sentences += [*pair.positive, *pair.negative]
        with torch.no_grad():
            self.register_buffer("features", model.encode_sentences(sentences), persistent=False)
        starts = np.cumsum([0, *(number for pair_counts in self.counts for number in pair_counts)])
        self.spans = [(int(a), int(b)) for a, b in itertools.pairwise(starts)]

    def directions(self, model: PatchCLIP, rng: np.random.Generator | None) -> tuple[Tensor, Tensor]:
        """Text embeddings (positive, negative), each [K, D].

        Without `rng` the mean over all positive or negative prompts; with it, each finding is asked in a
        randomly chosen wording half of the time, so that the model learns the question rather than one
        sentence.
        """
        embedded = model.project_text(self.features)
        directions: list[Tensor] = []
        for start, stop in self.spans:
            if rng is not None and rng.random() < 0.5:
                directions.append(embedded[start + int(rng.integers(stop - start))])
            else:
                directions.append(nn.functional.normalize(embedded[start:stop].mean(dim=0), dim=0))
        stacked = torch.stack(directions).unflatten(0, (-1, 2))
        return stacked[:, 0], stacked[:, 1]


def align_prompts(model: PatchCLIP, bank: PromptBank, seed: int, steps: int = 300) -> float:
    """Spreads the findings out in the joint space before any image is seen.

    The text projection is fitted so that all positive, or all negative, wordings of one finding fall
    together, on orthonormal directions of their own; untrained, all prompt pairs are nearly parallel and
    every finding would start as the same "something is wrong".

    Returns:
        mean cosine of the prompts with their directions at the end, in [-1, 1].

    Raises:
        DataError: the joint space is too narrow for the findings.
    """
    generator = torch.Generator().manual_seed(seed)
    count = len(bank.spans)
    if model.config.embed_dim < count:
        raise DataError(
            f"embed_dim {model.config.embed_dim} is too small for {count // 2} findings; set model.embed_dim "
            f"to at least {count}, two for each."
        )
    anchors = (
        torch.linalg.qr(torch.randn(model.config.embed_dim, count, generator=generator))
        .Q.t()
        .to(bank.features.device)
    )
    targets = torch.cat([anchors[k].expand(stop - start, -1) for k, (start, stop) in enumerate(bank.spans)])
    optimiser = torch.optim.AdamW(model.text_projection.parameters(), lr=2e-3, weight_decay=1e-3)
    cosine = torch.zeros(())
    for _ in range(steps):
        cosine = (model.project_text(bank.features) * targets).sum(dim=1).mean()
        optimiser.zero_grad(set_to_none=True)
        (1 - cosine).backward()
        optimiser.step()
    return float(cosine.detach())
