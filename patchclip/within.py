"""What a place leaves of an encoded image: its patches, and the image's logit from them alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from patchclip.encoded import Encoded
from patchclip.model.branches import Branch, image_logit
from patchclip.model.patchclip import PatchCLIP
from patchclip.operating_threshold import OPERATING_THRESHOLD
from patchclip.places import Grid, Limit, limit_of
from patchclip.question import Question
from patchclip.types import FloatArray, PatchMap


def limit_for(encoded: Encoded, question: Question) -> Limit | None:
    """The patches that a question is limited to; None where nothing limits it."""
    if question.place is None:
        return None
    grid = Grid.of(encoded.letterbox, valid_patches(encoded))
    every_side = not question.query.negated  # "no bilateral effusion" is said of a film without any
    return limit_of(question.place, encoded.thorax, grid, encoded.facts, every_side=every_side)


def logit_within(
    model: PatchCLIP,
    encoded: Encoded,
    question: Question,
    patches: NDArray[np.bool_],
    branches: Sequence[Branch],
) -> float:
    """The image's logit from some patches alone, bool [R, C].

    The global embedding knows no place and has no part in it.
    """
    embeddings = encoded.embeddings
    valid = embeddings.valid & torch.from_numpy(patches.flatten()).to(embeddings.valid.device)[None]
    local = tuple(branch for branch in branches if branch is not Branch.GLOBAL) or (Branch.MIL,)
    with torch.inference_mode():
        pooled = model.projection(model.pool(embeddings.tokens, valid))
        narrowed = replace(embeddings, pooled=pooled, valid=valid)
        return float(image_logit(model, narrowed, *ends([question]), local)[0, 0])


def limited(values: FloatArray, limit: Limit | None) -> FloatArray:
    """A patch grid [R, C] with all that lies outside of the place set to 0."""
    return values if limit is None else np.where(limit.patches, values, 0).astype(np.float32)


def lit_in_each(patch_map: PatchMap, limit: Limit | None, encoded: Encoded) -> bool:
    """Whether every part that must show a finding has a lit patch: of "bilateral", either side."""
    crop = encoded.letterbox.crop_grid
    parts = [crop(part.astype(np.float32)).values > 0 for part in limit.each] if limit else []
    return all(bool((patch_map.values[part] >= OPERATING_THRESHOLD).any()) for part in parts)


def valid_patches(encoded: Encoded) -> NDArray[np.bool_]:
    """bool [R, C]: the patches whose centres lie in the image."""
    valid: NDArray[np.bool_] = encoded.embeddings.valid[0].unflatten(0, encoded.embeddings.grid).cpu().numpy()
    return valid


def ends(questions: Sequence[Question]) -> tuple[Tensor, Tensor]:
    """(positive, negative) ends of the prompt pairs, each [K, D]."""
    positive = torch.stack([question.positive for question in questions])
    return positive, torch.stack([question.negative for question in questions])
