"""A radiograph after its pass through the tower."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor
from torch.nn import functional as F

from patchclip.image.geometry import Letterbox
from patchclip.image.radiograph import HeaderFacts
from patchclip.image.thorax import Thorax, find_thorax
from patchclip.model.patchclip import ImageEmbeddings


@dataclass(frozen=True)  # without slots, so that the chest is looked for once
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

    @cached_property
    def thorax(self) -> Thorax | None:
        """The frame of the chest in original image pixels, or None where no two lungs are found; looked for
        when it is first asked for."""
        return find_thorax(self.pixels[0, 0].cpu().numpy(), self.letterbox)

    @property
    def global_embedding(self) -> Tensor:
        """float32 [D], unit norm."""
        return F.normalize(self.embeddings.global_[0], dim=-1)

    @property
    def patches(self) -> Tensor:
        """float32 [R, C, D], unit norm."""
        grid: Tensor = F.normalize(self.embeddings.patches[0], dim=-1).unflatten(0, self.embeddings.grid)
        return grid
