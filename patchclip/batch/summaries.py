"""One embedding per image and finding, whose inner product with a query is the image's logit.

The logit of an image is the mean of its branches (`patchclip.model.branches`), less one number for the source
that it resembles (`patchclip.model.sources`). Two branches are inner products as they are. The third is a
smooth maximum over the patches, log sum exp z_i - a log P; for any weights w over the patches it is at least
sum w_i z_i + H(w) - a log P, H the entropy, and equal to that where w = softmax(z) (the variational form of
log-sum-exp; Boyd & Vandenberghe, Convex Optimization, 3.1.5 and 5.1.6). With the weights of a finding's own
prompts, the sum is one vector for the image and the rest one number: for that finding's query the logit is
exact, for another wording of it a lower bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from patchclip.engine import Engine
from patchclip.model.branches import Branch
from patchclip.model.patchclip import MIL_AREA, ImageEmbeddings, PatchCLIP
from patchclip.question import Question
from patchclip.source_offsets import SourceOffsets
from patchclip.types import FloatArray


@dataclass(frozen=True, slots=True)
class Direction:
    """The two ends of a prompt pair, each [D]."""

    positive: Tensor
    negative: Tensor


def directions(engine: Engine) -> dict[str, Direction]:
    """Those of the findings that a model was trained on, by label."""
    ends: dict[str, Direction] = {}
    for finding in engine.vocabulary.findings:
        question = engine.understand(finding.name)[0]
        if question.label == finding.label:
            ends[finding.label] = Direction(question.positive, question.negative)
    return ends


def summaries(
    model: PatchCLIP,
    embeddings: ImageEmbeddings,
    known: Mapping[str, Direction],
    branches: Sequence[Branch],
    offsets: SourceOffsets,
) -> dict[str, FloatArray]:
    """Label -> float32 [D + 1]: the vector, and the number that `query_vector` multiplies by one.

    Args:
        model: of the embeddings.
        embeddings: of a batch of one.
        known: from `directions`.
        branches: whose mean the image's logit is.
        offsets: what is subtracted from that mean.
    """
    names = list(known)
    positive = torch.stack([known[name].positive for name in names]).to(embeddings.patches.device)
    negative = torch.stack([known[name].negative for name in names]).to(embeddings.patches.device)
    valid = embeddings.valid[0]
    with torch.inference_mode():
        patches = embeddings.patches[0][valid].float()
        logits = model.pair_logits(patches, positive, negative)
        log_weights = logits.log_softmax(dim=0)
        weights = log_weights.exp()
        entropy = -(weights * log_weights).sum(dim=0) - MIL_AREA * float(np.log(max(1, int(valid.sum()))))
        parts: list[Tensor] = []
        for branch in branches:
            match branch:
                case Branch.MIL:
                    parts.append(torch.cat([weights.t() @ patches, entropy[:, None]], dim=1))
                case Branch.GLOBAL | Branch.POOLED:
                    vector = (embeddings.global_ if branch is Branch.GLOBAL else embeddings.pooled).float()
                    row = torch.cat([vector, vector.new_zeros(1, 1)], dim=1)
                    parts.append(row.expand(len(names), -1))
        mean = torch.stack(parts).mean(dim=0).cpu().numpy()
    mean[:, -1] -= offsets.of(embeddings, names)[0]
    return {name: np.asarray(mean[index], np.float32) for index, name in enumerate(names)}


def query_vector(model: PatchCLIP, question: Question) -> FloatArray:
    """float32 [D + 1], whose inner product with a summary is the image's logit without the bias of
    `pair_logits`."""
    with torch.inference_mode():
        direction = model.pair_scale * (question.positive.float() - question.negative.float())
        return np.asarray(torch.cat([direction, direction.new_ones(1)]).cpu().numpy(), np.float32)
