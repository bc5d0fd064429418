"""The image tower: any open_clip or timm trunk with `forward_intermediates`, as a list of feature levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import timm
import torch
from torch import Tensor, nn

from patchclip.errors import CheckpointError
from patchclip.model.config import ModelConfig
from patchclip.model.trunk import TimmTrunk

FOREIGN = (
    AssertionError,
    AttributeError,
    IndexError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What timm and open_clip raise for a size or a level that they do not take; caught around their calls
alone."""


@dataclass(frozen=True, slots=True)
class TowerOutput:
    """Features of a batch.

    Attributes:
        levels: [B, C_i, R_i, C_i] for each configured level, in ascending order of their indices.
        pooled: [B, E].
    """

    levels: list[Tensor]
    pooled: Tensor


class Downsampler(nn.Module):
    """Two strided convolutions from a high-resolution radiograph to the tower's input (Patch-CLIP, input
    stage)."""

    def __init__(self, out_size: int) -> None:
        super().__init__()
        self.out_size = out_size
        self.layers = nn.Sequential(
            nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 3, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(3),
            nn.ReLU(inplace=True),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """[B, 3, S, S] -> [B, 3, out_size, out_size]."""
        reduced: Tensor = self.layers(pixels)
        if reduced.shape[-1] != self.out_size:
            reduced = nn.functional.interpolate(
                reduced, size=(self.out_size, self.out_size), mode="bilinear", align_corners=False
            )
        return reduced


class Tower(nn.Module):
    """The visual half of a CLIP model, with or without a learned downsampler before it."""

    def __init__(
        self,
        config: ModelConfig,
        built: tuple[nn.Module, nn.Module | None] | None = None,
        channels: nn.Module | None = None,
    ) -> None:
        """
        Args:
            config: of the model.
            built: the visual module and its CLIP's text half, if they exist already; made from the config
                otherwise.
            channels: what a published model does to the three channels first, [B, 3, S, S] -> the same shape.
        """
        super().__init__()
        self.indices = sorted(config.levels)
        size = config.downsample_from or config.image_size
        self.downsampler = Downsampler(size) if config.downsample_from else None
        self.channels: nn.Module = channels or nn.Identity()
        self.visual, self.text_model = built or _build(config, size)
        probe = self._probe(config.image_size)
        self.widths = [level.shape[1] for level in probe.levels]
        self.grids = [(level.shape[2], level.shape[3]) for level in probe.levels]
        self.pooled_width = probe.pooled.shape[1]

    def _probe(self, size: int) -> TowerOutput:
        """What comes out of a blank image.

        Raises:
            CheckpointError: the tower cannot look at images of that size, or has no such levels.
        """
        try:
            with torch.no_grad():
                self.eval()
                probe = self.forward(torch.zeros(1, 3, size, size))
                self.train()
        except FOREIGN as error:
            raise CheckpointError(
                f"The tower cannot give levels {self.indices} at {size} px ({type(error).__name__}); "
                "choose others."
            ) from error
        return probe

    @property
    def members(self) -> list[Tower]:
        """The towers that it is made of: itself alone, but for an ensemble."""
        return [self]

    @property
    def has_attention(self) -> bool:
        """Whether the tower is a transformer, so that attention-based saliency exists."""
        return hasattr(self.visual, "transformer") or (
            hasattr(getattr(self.visual, "trunk", None), "blocks")
            and any(type(module).__name__.endswith("Attention") for module in self.visual.modules())
        )

    def forward(self, pixels: Tensor) -> TowerOutput:
        """[B, 3, S, S], normalised -> levels and pooled feature, in one pass.

        Raises:
            CheckpointError: the tower has no such level.
        """
        pixels = self.channels(pixels)
        if self.downsampler is not None:
            pixels = self.downsampler(pixels)
        try:
            look: Any = self.visual.forward_intermediates
            out: dict[str, Any] = look(
                pixels, indices=self.indices, normalize_intermediates=True, output_fmt="NCHW"
            )
        except (IndexError, AssertionError) as error:
            raise CheckpointError(
                f"The tower cannot give levels {self.indices} at {pixels.shape[-1]} px ({error}); choose "
                "others."
            ) from error
        return TowerOutput(levels=list(out["image_intermediates"]), pooled=out["image_features"])


def _build(config: ModelConfig, size: int) -> tuple[nn.Module, nn.Module | None]:
    """The visual module and, when the config asks for open_clip's own text, the whole CLIP without its visual
    half.

    Nothing is fetched: names that timm or open_clip would look up on the network are none of their models.

    Raises:
        CheckpointError: there is no such tower, or it cannot be built at that size.
    """
    try:
        return _build_timm(config, size) if config.tower.startswith("timm:") else _build_clip(config, size)
    except FOREIGN as error:
        raise CheckpointError(
            f'The tower "{config.tower[:60]}" cannot be built for {size} px ({type(error).__name__}); '
            "choose another."
        ) from error


def _build_timm(config: ModelConfig, size: int) -> tuple[nn.Module, None]:
    name = config.tower.removeprefix("timm:")
    if not timm.is_model(name):  # as "hf-hub:OWNER/MODEL" and "local-dir:PATH" are not
        raise CheckpointError(
            f'timm knows no model "{name[:60]}"; see timm.list_models(), or use a model of open_clip.'
        )
    return TimmTrunk(name, config.embed_dim, size), None


def _build_clip(config: ModelConfig, size: int) -> tuple[nn.Module, nn.Module | None]:
    import open_clip  # heavy, and needed for its own towers alone

    if config.tower not in open_clip.list_models():
        raise CheckpointError(
            f'open_clip knows no model "{config.tower[:60]}"; see open_clip.list_models(), or use "timm:" '
            "and a timm trunk."
        )
    text: dict[str, Any] = (open_clip.get_model_config(config.tower) or {}).get("text_cfg", {})
    if text.get("hf_model_name") or (config.text == "open_clip" and text.get("hf_tokenizer_name")):
        raise CheckpointError(
            f'The text half of "{config.tower}" would be fetched from the network; choose a tower that comes '
            "with open_clip."
        )
    clip = open_clip.create_model(config.tower, pretrained=None, force_image_size=size)
    visual: nn.Module = clip.visual
    if config.text == "minilm":
        return visual, None
    del clip.visual
    return visual, clip
