"""What keeps a model from forgetting: drawn radiographs, and the distance from what its parent says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from patchclip.image.synthetic import LESIONS, synthetic_radiograph
from patchclip.model.branches import Branch, branch_logit
from patchclip.model.patchclip import ImageEmbeddings, PatchCLIP
from patchclip.model.preprocess import STANDARD, InputStyle, model_input
from trainer.batches.dataset import Batch
from trainer.data.loaded import Loaded
from trainer.data.sample import Sample, Shape, State

DRAWN = {
    "effusion": "Effusion",
    "cardiomegaly": "Cardiomegaly",
    "nodule": "Nodule",
    "pneumothorax": "Pneumothorax",
}
"""Lesion that is drawn -> label; of what is drawn as "opacity" nobody knows which finding it is."""
SMALLEST = 128  # pixels of a drawn radiograph
SURE = 8.0
"""Logits beyond which a model is as sure as can be: how much further it is beyond is not kept."""


def drawn_radiographs(
    labels: Sequence[str],
    each: int,
    size: int,
    first_seed: int,
    *,
    drawn_at: int = SMALLEST,
    style: InputStyle = STANDARD,
) -> tuple[Loaded, ...]:
    """Synthetic radiographs, `each` of every kind, with what was drawn on them: no patient, and at hand
    everywhere.

    Args:
        labels: of the vocabulary; of others nothing is said.
        each: how many of every kind.
        size: of the model's input.
        first_seed: of the first one.
        drawn_at: pixels of the drawing at least, so that models of several sizes get the same one.
        style: how the model wants its squares.
    """
    items: list[Loaded] = []
    for number, lesion in enumerate(kind for kind in LESIONS for _ in range(each)):
        drawn = synthetic_radiograph(lesion, max(size, drawn_at, SMALLEST), first_seed + number)
        square, box = model_input(drawn.pixels, size, style)
        states = {
            label: State.PRESENT if kind == lesion else State.ABSENT
            for kind, label in DRAWN.items()
            if label in labels
        }
        label = DRAWN.get(lesion, "")
        shapes = _outlines(drawn.lesion, label) if label in states else ()
        name = f"{lesion} {first_seed + number}"
        sample = Sample(Path(name), name, "drawn", states, shapes)
        items.append(Loaded(np.round(square * 255).astype(np.uint8), box, sample))
    return tuple(items)


def without_truth(items: Sequence[Loaded]) -> tuple[Loaded, ...]:
    """The same images, of which nothing is known: what the parent says of them is kept, right or wrong."""
    return tuple(
        Loaded(item.image, item.box, Sample(item.sample.path, item.sample.patient, "kept", {}), item.sha256)
        for item in items
    )


def _outlines(lesion: np.ndarray, label: str) -> tuple[Shape, ...]:
    """Bounding boxes of the parts of a mask [S, S]."""
    height, width = lesion.shape
    count, _, statistics, _ = cv2.connectedComponentsWithStats(lesion.astype(np.uint8), connectivity=8)
    return tuple(
        Shape.box(label, x / width, y / height, w / width, h / height)
        for x, y, w, h, _ in statistics[1:count].tolist()
    )


@dataclass(frozen=True, slots=True)
class Logits:
    """What a model says of a batch before calibration: image [branches, B, K], patches [B, P, K]."""

    image: Tensor
    patches: Tensor

    @classmethod
    def of(cls, model: PatchCLIP, embeddings: ImageEmbeddings, positive: Tensor, negative: Tensor) -> Logits:
        """Of all branches; positive, negative: the ends of the prompt pairs, [K, D]."""
        image = [branch_logit(branch, model, embeddings, positive, negative) for branch in Branch]
        return cls(torch.stack(image), model.pair_logits(embeddings.patches, positive, negative))


def keeping_loss(new: Logits, old: Logits, batch: Batch, valid: Tensor) -> Tensor:
    """Half the mean squared difference of logits, over what nobody spoke of: learning without forgetting (Li
    and Hoiem, IEEE TPAMI 40:2935, 2018) by matching logits (Ba and Caruana, NeurIPS 2014).

    Where a reader, a label or an outline says what is there, nothing holds the model to its parent.

    Args:
        new, old: of the model that learns, and of its parent, on the same pixels.
        batch: what is known; a target of -1 is not.
        valid: bool [B, P], patches that lie in the image.

    Returns:
        scalar.
    """
    unknown = (batch.image_targets < 0).to(new.image.dtype)
    image = (_clipped(new.image) - _clipped(old.image)).square().mean(dim=0) * unknown
    silent = ((batch.patch_targets < 0) & valid.unsqueeze(-1)).to(new.patches.dtype)
    patches = (_clipped(new.patches) - _clipped(old.patches)).square() * silent
    return (image.sum() / unknown.sum().clamp(min=1) + patches.sum() / silent.sum().clamp(min=1)) / 2


def _clipped(logits: Tensor) -> Tensor:
    return logits.float().clamp(-SURE, SURE)
