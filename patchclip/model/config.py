"""What a Patch-CLIP model is: the one record that decides its architecture and travels in its checkpoint."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from patchclip.errors import CheckpointError


@dataclass(frozen=True)
class ModelConfig:
    """Architecture of a `PatchCLIP`; every field is checked here, once. The defaults are those of the bundled
    model."""

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
        if self.image_size < 32 or self.token_width % self.sparse_heads or self.std <= 0:
            raise CheckpointError(
                "The model config is inconsistent: image_size must be at least 32, token_width a multiple "
                "of sparse_heads, std positive."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types only."""
        return {**asdict(self), "levels": list(self.levels)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelConfig:
        """Inverse of `to_dict`; an unknown key is an error, so that a newer checkpoint is not half
        understood."""
        unknown = sorted(set(values) - {item.name for item in fields(cls)})
        if unknown:
            raise CheckpointError(
                f"The model config has unknown fields ({', '.join(unknown)}); update Patch-CLIP to "
                "read this checkpoint."
            )
        return cls(**{**values, "levels": tuple(values.get("levels", cls.levels))})
