"""From an encoded radiograph and questions to answers: probability, map, regions, and where they disagree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from patchclip.accuracy import OperatingPoint
from patchclip.agreement import WHOLE, disagreement
from patchclip.encoded import Encoded
from patchclip.localize import smooth
from patchclip.model.branches import image_logit
from patchclip.model.checkpoint import Checkpoint
from patchclip.operating_threshold import OPERATING_THRESHOLD, lit_regions
from patchclip.places import Limit
from patchclip.question import Question
from patchclip.source_offsets import SourceOffsets
from patchclip.types import Answer, PatchMap
from patchclip.within import ends, limit_for, limited, lit_in_each, logit_within, valid_patches


def answers_to(
    checkpoint: Checkpoint, encoded: Encoded, questions: Sequence[Question], offsets: SourceOffsets
) -> list[Answer]:
    """One answer for each question, of which there must be one at least; all patches and all questions in one
    matrix product.

    offsets: of the checkpoint's model.
    """
    model, branches = checkpoint.model, checkpoint.calibration.branches
    positive, negative = ends(questions)
    with torch.inference_mode():
        patch_logits = model.pair_logits(encoded.embeddings.patches, positive, negative)[0]
        image_logits = image_logit(model, encoded.embeddings, positive, negative, branches)[0]
    less = offsets.of(encoded.embeddings, [question.label for question in questions])[0]
    return [
        _answer(checkpoint, encoded, question, patch_logits[:, k], float(image_logits[k]), float(less[k]))
        for k, question in enumerate(questions)
    ]


def _answer(
    checkpoint: Checkpoint,
    encoded: Encoded,
    question: Question,
    patch_logits: Tensor,
    logit: float,
    less: float,
) -> Answer:
    """patch_logits: [P]; logit: the image's; less: what its source adds to it."""
    query, calibration = question.query, checkpoint.calibration
    limit = limit_for(encoded, question)
    present: float | None = None
    if question.in_vocabulary:
        present = _probability(checkpoint, encoded, question, logit, less, limit)
    patch_map = _map(checkpoint, encoded, question, patch_logits, logit - less, limit)
    lit = lit_regions(patch_map, encoded.size, calibration.min_patches) if question.in_vocabulary else ()
    warnings = question.warnings(encoded.facts, limit.warnings if limit else ())
    point: OperatingPoint | None = None
    contradiction: str | None = None
    if present is not None:
        threshold = calibration.of(question.label).image_threshold
        point = OperatingPoint(threshold, checkpoint.accuracy.get(question.label or ""))
        contradiction = disagreement(
            query.finding,
            present,
            threshold,
            lit=bool(lit) and lit_in_each(patch_map, limit, encoded),
            speaker=f'"{question.place.words}" as a whole' if question.place else WHOLE,
        )
        warnings += (contradiction,) if contradiction else ()
    crop = encoded.letterbox.crop_grid
    return Answer(
        query=query.text,
        span=query.span,
        assertion=query.assertion,
        place=query.place,
        finding=query.finding,
        label=question.label,
        negated=query.negated,
        laterality=query.laterality,
        in_vocabulary=question.in_vocabulary,
        probability=1.0 - present if query.negated and present is not None else present,
        map=patch_map,
        regions=lit,
        threshold=OPERATING_THRESHOLD,
        warnings=warnings,
        place_patches=crop(limit.patches.astype(np.float32)).values > 0 if limit else None,
        operating_point=point,
        contradiction=contradiction,
    )


def _probability(
    checkpoint: Checkpoint,
    encoded: Encoded,
    question: Question,
    logit: float,
    less: float,
    limit: Limit | None,
) -> float:
    """That the named finding is present, in the place that the query is limited to."""
    calibration = checkpoint.calibration.of(question.label)
    logits = [logit]
    if limit:
        branches = checkpoint.calibration.branches
        logits += [
            logit_within(checkpoint.model, encoded, question, patches, branches) for patches in limit.each
        ]
    return min(float(calibration.image_probability(value - less)) for value in logits)


def _map(
    checkpoint: Checkpoint,
    encoded: Encoded,
    question: Question,
    patch_logits: Tensor,
    logit: float,
    limit: Limit | None,
) -> PatchMap:
    """The patch prediction map, limited as the query is; all 0 when the query is not in the vocabulary."""
    grid = encoded.embeddings.grid
    if not question.in_vocabulary:
        return encoded.letterbox.crop_grid(np.zeros(grid, np.float32))
    calibration = checkpoint.calibration.of(question.label)
    logits = patch_logits.unflatten(0, grid).float().cpu().numpy()
    smoothed = smooth(logits, calibration.smoothing, valid_patches(encoded))
    values = encoded.letterbox.extend_edges(calibration.patch_probability(smoothed, logit))
    return encoded.letterbox.crop_grid(limited(values, limit))
