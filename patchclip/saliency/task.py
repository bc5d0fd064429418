"""What every saliency method is given, and how a tower is looked into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from patchclip.errors import SaliencyError
from patchclip.model.branches import Branch, image_logit
from patchclip.model.patchclip import ImageEmbeddings, PatchCLIP
from patchclip.model.tower import Tower
from patchclip.types import FloatArray


@dataclass(frozen=True, slots=True)
class SaliencyTask:
    """One image, K queries: all methods explain the same number, the image's logit for a query.

    Attributes:
        model: in evaluation mode.
        pixels: float32 [1, 1, S, S].
        valid: bool [1, R, C].
        positive, negative: text embeddings [K, D] of the prompt pairs.
        mirror: the image is encoded together with its mirror image; the tower's batch then holds both, see
            `unmirrored`.
        embeddings: of the image, from its pass through the tower.
        branches: which image-level logits are averaged, see `Calibration`.
    """

    model: PatchCLIP
    pixels: Tensor
    valid: Tensor
    positive: Tensor
    negative: Tensor
    branches: tuple[Branch, ...]
    mirror: bool
    embeddings: ImageEmbeddings


class QueryHead(nn.Module):
    """The model as a classifier of the queries: pixels [B, 1, S, S] -> logits [B, K]; what gradient methods
    differentiate."""

    def __init__(self, task: SaliencyTask) -> None:
        super().__init__()
        self.task = task
        self.model = task.model

    def forward(self, pixels: Tensor) -> Tensor:
        """[B, 1, S, S] -> [B, K]."""
        task = self.task
        embeddings = self.model.encode_image(
            pixels, task.valid.expand(len(pixels), -1, -1), mirror=task.mirror
        )
        return image_logit(self.model, embeddings, task.positive, task.negative, task.branches)


def last_layers(model: PatchCLIP) -> list[nn.Module]:
    """The modules whose outputs gradient methods weigh, one for each of the model's towers: a CNN's last
    stage, or the first norm of a transformer's last block.

    Raises:
        SaliencyError: a tower is of a kind for which no such layer is known.
    """
    return [_last_layer(tower, model.config.tower) for tower in model.tower.members]


def _last_layer(tower: Tower, name: str) -> nn.Module:
    visual = tower.visual
    if hasattr(visual, "transformer"):
        block: nn.Module = visual.transformer.resblocks[-1].ln_1  # type: ignore[union-attr, index]
        return block
    if hasattr(visual, "layer4"):
        stage: nn.Module = visual.layer4  # type: ignore[assignment]
        return stage
    trunk = getattr(visual, "trunk", None)
    if trunk is not None and tower.has_attention:
        norm: nn.Module = trunk.blocks[-1].norm1
        return norm
    if trunk is not None and getattr(trunk, "feature_info", None):
        return _feature_module(trunk)
    raise SaliencyError(
        f"No layer to explain is known for the tower {name}; use occlusion or raw_cosine with it."
    )


def _feature_module(trunk: nn.Module) -> nn.Module:
    info: Any = trunk.feature_info
    last = info[-1] if isinstance(info, list) else info.info[-1]
    name = str(last["module"])
    # timm names MobileNet-like last stages by a sub-block; the whole stage is what forward_intermediates
    # returns.
    stage = name.split(".")
    return trunk.get_submodule(".".join(stage[:2]) if stage[0] == "blocks" else name)


def blocks_of(model: PatchCLIP, method: str) -> list[nn.Module]:
    """A transformer tower's blocks.

    Raises:
        SaliencyError: the tower has no attention.
    """
    if not model.tower.has_attention:
        raise SaliencyError(
            f"{method} needs a tower with attention, and {model.config.tower} has none; use grad_cam instead."
        )
    visual: Any = model.tower.visual
    return list(visual.transformer.resblocks if hasattr(visual, "transformer") else visual.trunk.blocks)


def unmirrored(maps: FloatArray) -> FloatArray:
    """Maps of what the tower saw, [1, R, C] of the image or [2, R, C] with its mirror image -> their mean [R,
    C], turned back."""
    return np.asarray(maps[0] if len(maps) == 1 else (maps[0] + maps[1][:, ::-1]) / 2, np.float32)


def to_unit(values: FloatArray) -> FloatArray:
    """Min-max to [0, 1], as saliency is commonly shown; a constant map gives 0."""
    spread = float(values.max() - values.min())
    return (values - values.min()) / spread if spread > 0 else values * 0
