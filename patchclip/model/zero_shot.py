"""Published CLIP models as they are: patch tokens through the model's own projection, nothing calibrated.

Taking the last layer's patch tokens through the projection meant for the class token is MaskCLIP's way (Zhou,
Loy & Dai, ECCV 2022).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.timm_model import TimmModel
from torch import Tensor, nn
from torch.nn import functional as F

from patchclip.errors import CheckpointError
from patchclip.model.branches import Branch
from patchclip.model.calibration import Calibration
from patchclip.model.checkpoint import Checkpoint
from patchclip.model.config import ModelConfig
from patchclip.model.patchclip import Parts, PatchCLIP
from patchclip.model.tower import Tower
from patchclip.text.scope import QueryGate
from patchclip.text.vocabulary import Vocabulary

NOTE = (
    "This model was not trained on radiographs with boxes and is not calibrated: take its "
    "probabilities as relative."
)


class _LastLevel(nn.Module):
    """Stands where a trained model merges levels: there is one."""

    def forward(self, levels: list[Tensor]) -> Tensor:
        """[[B, W, R, C]] -> [B, W, R, C]."""
        return levels[0]


class _Projection(nn.Module):
    """Tokens to the joint space, through the model's own projection."""

    def __init__(self, layer: nn.Module) -> None:
        """layer: the published model's projection, [..., W] -> [..., D]."""
        super().__init__()
        self.layer = layer

    def forward(self, tokens: Tensor) -> Tensor:
        """[..., W] -> [..., D], unit norm."""
        return F.normalize(self.layer(tokens), dim=-1)


class _Mean(nn.Module):
    """Mean of the tokens that lie in the image."""

    def forward(self, tokens: Tensor, valid: Tensor) -> Tensor:
        """tokens [B, P, W], valid bool [B, P] -> [B, W]."""
        weights = valid.to(tokens.dtype).unsqueeze(-1)
        return (tokens * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)


def zero_shot_model(config: ModelConfig, clip: nn.Module) -> PatchCLIP:
    """A `PatchCLIP` put together from a published model's own parts; `clip` loses its visual half to it.

    Raises:
        CheckpointError: it has no projection that patch tokens could take.
    """
    visual, logit_scale = clip.visual, clip.logit_scale
    assert isinstance(visual, nn.Module) and isinstance(logit_scale, nn.Parameter)
    projection = _Projection(_token_projection(visual, config.tower))
    del clip.visual
    parts = Parts(
        tower=Tower(config, built=(visual, clip)),
        neck=_LastLevel(),
        projection=projection,
        pool=_Mean(),
        sparse=None,
        global_projection=_Projection(nn.Identity()),
        text_projection=nn.Identity(),
        logit_scale=logit_scale,
        logit_bias=nn.Parameter(torch.zeros(())),
    )
    return PatchCLIP(config, parts)


def is_open_clip_name(name: str) -> bool:
    """Whether open_clip would know the part before the first "/" as a model."""
    return name.startswith(("hf-hub:", "local-dir:")) or name.partition("/")[0] in open_clip.list_models()


def create_clip(name: str, tower: str, weights: str | None, **more: Any) -> nn.Module:
    """open_clip's model with pretrained weights; `name` is what the user calls it, `more` goes to
    `open_clip.create_model`.

    Raises:
        CheckpointError: the weights cannot be had.
    """
    try:
        clip: nn.Module = open_clip.create_model(tower, pretrained=weights, weights_only=True, **more)
    except (
        Exception
    ) as error:  # open_clip and the hub raise many kinds: no network, no such tag, a damaged file
        raise CheckpointError(
            f'The weights of "{name}" cannot be loaded ({type(error).__name__}); check the name and the '
            "network, or give a local file."
        ) from error
    return clip


def load_open_clip(name: str, vocabulary: Vocabulary) -> Checkpoint:
    """A published model by name.

    Args:
        name: "ViT-B-16/laion2b_s34b_b88k" (open_clip's model and pretraining tag),
            "ViT-B-16/weights.safetensors" (a local file), "ViT-B-16" (its first tag),
            "hf-hub:ORGANISATION/MODEL" or "local-dir:FOLDER".
        vocabulary: findings that are recognised in queries; the model itself is asked in free text.

    Raises:
        CheckpointError: the weights cannot be had, or the model has no projection that patch tokens could
            take.
    """
    whole = name.startswith(("hf-hub:", "local-dir:"))
    tower, _, weights = (name, "", "") if whole else name.partition("/")
    if not whole and not weights:
        tags = open_clip.list_pretrained_tags_by_model(tower)
        if not tags:
            raise CheckpointError(
                f'open_clip has no weights for "{tower}"; name a file: {tower}/weights.safetensors.'
            )
        weights = tags[0]
    clip = create_clip(name, tower, weights or None)
    visual: Any = clip.visual
    sizes = visual.image_size  # one number, or height and width
    size = int(sizes[0] if isinstance(sizes, (tuple, list)) else sizes)
    config = ModelConfig(
        name=Path(name).name,
        tower=tower,
        text="open_clip",
        image_size=size,
        levels=(-1,),
        grid_level=-1,
        mean=0.45,
        std=0.27,
    )
    model = zero_shot_model(config, clip).eval().requires_grad_(False)
    digest = hashlib.sha256(name.encode())
    for key, value in sorted(model.state_dict().items()):
        digest.update(key.encode() + value.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    same = Calibration.identity(vocabulary.labels)
    calibration = Calibration(same.findings, same.default, branches=(Branch.GLOBAL,))
    gates = {"query": QueryGate.fit(vocabulary, model.sentence_encoder).to_dict()}
    return Checkpoint(model, vocabulary, calibration, gates, digest.hexdigest(), note=NOTE)


def _token_projection(visual: nn.Module, tower: str) -> nn.Module:
    """What maps one token to the joint space."""
    if isinstance(getattr(visual, "proj", None), nn.Parameter):
        weight = visual.proj
        assert isinstance(weight, Tensor)
        linear = nn.Linear(weight.shape[0], weight.shape[1], bias=False)
        linear.weight = nn.Parameter(weight.detach().t().clone())
        return linear
    if isinstance(visual, TimmModel):
        head: nn.Module = visual.head
        return head
    pool = getattr(visual, "attnpool", None)
    if pool is not None:
        return nn.Sequential(pool.v_proj, pool.c_proj)
    raise CheckpointError(
        f'The model "{tower}" has no projection that patch tokens could take; use a ViT or '
        "ResNet of open_clip."
    )
