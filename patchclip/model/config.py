"""What a Patch-CLIP model is: the one record that decides its architecture and travels in its checkpoint."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from patchclip.errors import CheckpointError
from patchclip.records import typed

LARGEST = {
    "image_size": 2048,
    "downsample_from": 2048,
    "token_width": 8192,
    "embed_dim": 8192,
    "context_blocks": 16,
    "sparse_layers": 48,
    "sparse_patches": 65536,
}
"""Beyond these a number is a mistake, or meant to take all memory."""
LONGEST_NAME = 100  # characters, as the feedback database holds it


@dataclass(frozen=True)
class ModelConfig:
    """Architecture of a `PatchCLIP`; every field is checked here, once. The defaults are those of the
    recipe "nih"."""

    name: str = "patchclip-cxr-s"
    """Shown to the reader beside the model's hash."""
    tower: str = "timm:mobilenetv2_100"
    """An open_clip model name ("ViT-B-16", "RN50"), or "timm:" and a timm trunk ("timm:mobilenetv2_100")."""
    text: str = "minilm"
    """"minilm" (the frozen sentence encoder of `patchclip.text.encoder`) or "open_clip" (the text tower that
    belongs to `tower`)."""
    image_size: int = 384
    """Size of the square model input in pixels; with a downsampler, the size of its input."""
    levels: tuple[int, ...] = (2, 3, 4)
    """Which intermediate outputs of the tower feed the patch tokens (indices as in
    `forward_intermediates`)."""
    grid_level: int = 3
    """The one of `levels` whose resolution is the patch grid."""
    token_width: int = 256
    """Width of a patch token before projection."""
    embed_dim: int = 256
    """Width D of the joint embedding."""
    context_blocks: int = 1
    """3x3 convolutions over the merged levels; 0 for towers with attention."""
    downsample_from: int | None = None
    """Size of the learned downsampler's output (the tower's own input), or null for no downsampler."""
    sparse_layers: int = 2
    """Depth of the sparse branch's transformer; the branch is a training objective alone."""
    sparse_heads: int = 4
    """Heads of the sparse branch's transformer."""
    sparse_patches: int = 64
    """At most so many patches are in a set that the sparse branch learns from, the most lit first."""
    mean: float = 0.485
    """Subtracted from the grey values, in [0, 1], before the tower."""
    std: float = 0.229
    """What they are then divided by."""

    def __post_init__(self) -> None:
        if self.text not in ("minilm", "open_clip"):
            raise CheckpointError(f'The text tower "{self.text}" is unknown; use "minilm" or "open_clip".')
        if self.text == "open_clip" and self.tower.startswith("timm:"):
            raise CheckpointError(
                f'The trunk "{self.tower}" has no text tower of its own; use text "minilm" with it.'
            )
        if self.grid_level not in self.levels:
            raise CheckpointError(
                f"grid_level {self.grid_level} is not among levels {self.levels}; name one of them."
            )
        for name in ("token_width", "embed_dim", "sparse_layers", "sparse_heads", "sparse_patches"):
            if getattr(self, name) < 1:
                raise CheckpointError(f"{name} is {getattr(self, name)}; set it to 1 or more.")
        for name, largest in LARGEST.items():
            if (getattr(self, name) or 0) > largest:
                raise CheckpointError(f"{name} is {getattr(self, name)}; set it to {largest} or less.")
        if self.image_size < 32 or self.token_width % self.sparse_heads or self.std <= 0:
            raise CheckpointError(
                "The model config is inconsistent: image_size must be at least 32, token_width a multiple of "
                "sparse_heads, std positive."
            )
        if self.downsample_from is not None and self.downsample_from < 32:
            raise CheckpointError(f"downsample_from is {self.downsample_from}; set it to 32 or more.")
        if self.context_blocks < 0 or len(set(self.levels)) < len(self.levels):
            raise CheckpointError(
                "The model config is inconsistent: context_blocks must be 0 or more, and each level "
                "named once."
            )
        if not all(map(math.isfinite, (self.mean, self.std))):
            raise CheckpointError("The model config is inconsistent: mean and std must be finite.")
        if not (self.name.isprintable() and 0 < len(self.name) <= LONGEST_NAME):
            raise CheckpointError(
                f"The model's name has {len(self.name)} characters; give it 1 to {LONGEST_NAME} that can "
                "be printed."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types only."""
        return {**asdict(self), "levels": list(self.levels)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelConfig:
        """Inverse of `to_dict`.

        Raises:
            CheckpointError: a field is missing, of another type, or out of its range; or there is one more,
                so that a newer checkpoint is not half understood.
        """
        if not isinstance(values, dict):
            raise CheckpointError("The model config is no JSON object; fetch the checkpoint again.")
        unknown = sorted(set(values) - {item.name for item in fields(cls)})
        if unknown:
            raise CheckpointError(
                f"The model config has unknown fields ({', '.join(unknown)[:200]}); update Patch-CLIP to "
                "read this checkpoint."
            )
        missing = [item.name for item in fields(cls) if item.name not in values]
        if missing:
            raise CheckpointError(
                f"The model config lacks {missing[0]}; a default in its place would be another model, so "
                "fetch the checkpoint again."
            )
        return typed(cls, values, "The model config", "fetch the checkpoint again")
