"""A radiograph after its pass through the tower, and which half of it is whose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from patchclip.image.geometry import Letterbox
from patchclip.image.radiograph import HeaderFacts
from patchclip.model.patchclip import ImageEmbeddings
from patchclip.types import FloatArray, Laterality, PatchMap


@dataclass(frozen=True, slots=True)
class Encoded:
    """A radiograph after its one pass through the tower.

    Attributes:
        embeddings: of a batch of one.
        pixels: the model's input, float32 [1, 1, S, S]; saliency starts from it.
        letterbox: from original pixels to the input and back.
        facts: what the header said, without anything that identifies a patient.
        radiograph_sha256: of the original pixels.
        warnings: about the image, for the reader.
        timing_ms: {"encode": milliseconds}.
    """

    embeddings: ImageEmbeddings
    pixels: Tensor
    letterbox: Letterbox
    facts: HeaderFacts
    radiograph_sha256: str
    warnings: tuple[str, ...]
    timing_ms: dict[str, float]

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the original image in pixels."""
        return self.letterbox.height, self.letterbox.width

    @property
    def global_embedding(self) -> Tensor:
        """float32 [D], unit norm."""
        return F.normalize(self.embeddings.global_[0], dim=-1)

    @property
    def patches(self) -> Tensor:
        """float32 [R, C, D], unit norm."""
        grid: Tensor = F.normalize(self.embeddings.patches[0], dim=-1).unflatten(0, self.embeddings.grid)
        return grid


def only_laterality(shown: PatchMap, laterality: Laterality | None, encoded: Encoded) -> FloatArray:
    """A map with the other half of the patient set to 0; the image's vertical midline stands for the patient's."""
    if laterality is None:
        return shown.values
    return np.where(
        laterality_columns(laterality, shown.values.shape[1], encoded.facts)[None, :], shown.values, 0.0
    ).astype(np.float32)


def laterality_columns(laterality: Laterality, count: int, facts: HeaderFacts) -> NDArray[np.bool_]:
    """bool [count]: the patch columns of one half of the patient, in a grid that is centred on the image as every letterboxed one is.

    A column belongs to the half that its centre lies in, and the middle one of an odd number to both: its centre is the midline.
    """
    centres = 2 * np.arange(count) + 1  # twice the true ones, so that the midline, at `count`, is met exactly
    return centres >= count if on_image_right(laterality, facts) else centres <= count


def on_image_right(laterality: Laterality, facts: HeaderFacts) -> bool:
    """Whether that side of the patient lies in the right half of the image."""
    return (laterality == "left") == (facts.patient_left == "right")
