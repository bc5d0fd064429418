"""Published CLIP models as a `PatchCLIP`: patch tokens through the model's own projection.

Taking the last layer's patch tokens through the projection meant for the class token is MaskCLIP's way (Zhou,
Loy & Dai, ECCV 2022).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import open_clip
import timm
import torch
from open_clip.hf_configs import arch_dict
from open_clip.hf_model import HFTextEncoder
from open_clip.model import _build_text_tower, _build_vision_tower
from open_clip.timm_model import TimmModel
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F

from patchclip.errors import CheckpointError
from patchclip.model.config import ModelConfig
from patchclip.model.patchclip import Parts, PatchCLIP
from patchclip.model.preprocess import ChannelScaling
from patchclip.model.published import Published
from patchclip.model.tower import FOREIGN, Tower
from patchclip.records import typed

_WHAT, _REMEDY = "The architecture of the published model", "convert the model again"


@dataclass(frozen=True, slots=True)
class VitShape:
    """A plain vision transformer of timm by its numbers, which timm's names do not cover.

    Attributes:
        image_size, patch_size: in pixels.
        width, layers, heads, mlp_width: of the transformer.
        pool: "token" (a class token) or "map" (one query attends to the patches; Zhai et al., CVPR 2022).
        gelu: "none" is the exact function, "tanh" its approximation.
        eps: of the norms.
        projected: whether a linear layer without bias leads to the joint space.
    """

    image_size: int
    patch_size: int
    width: int
    layers: int
    heads: int
    mlp_width: int
    pool: Literal["token", "map"]
    gelu: Literal["none", "tanh"]
    eps: float
    projected: bool


class TimmVit(TimmModel):
    """open_clip's wrapper around a transformer that was built by its numbers; weights have the same names."""

    def __init__(self, shape: VitShape, embed_dim: int) -> None:
        nn.Module.__init__(self)
        self.image_size = (shape.image_size, shape.image_size)
        self.trunk = VisionTransformer(
            img_size=shape.image_size,
            patch_size=shape.patch_size,
            num_classes=0,
            global_pool=shape.pool,
            class_token=shape.pool == "token",
            embed_dim=shape.width,
            depth=shape.layers,
            num_heads=shape.heads,
            mlp_ratio=(shape.mlp_width + 0.5) / shape.width,  # timm rounds the product down
            norm_layer=partial(nn.LayerNorm, eps=shape.eps),
            act_layer=partial(nn.GELU, approximate=shape.gelu),
            weight_init="skip",  # weights are loaded
        )
        layers = {"proj": nn.Linear(shape.width, embed_dim, bias=False)} if shape.projected else {}
        self.head = nn.Sequential()
        for name, layer in layers.items():
            self.head.add_module(name, layer)


class TwoTowers(nn.Module):
    """An image and a text tower, either of which open_clip's own names may not cover."""

    def __init__(self, visual: nn.Module, text: nn.Module) -> None:
        super().__init__()
        self.visual, self.text = visual, text
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def encode_text(self, tokens: Tensor, normalize: bool = False) -> Tensor:
        """int64 [N, L] -> [N, D]."""
        features: Tensor = self.text(tokens)
        return F.normalize(features, dim=-1) if normalize else features


def build_clip(architecture: Mapping[str, Any]) -> nn.Module:
    """An untrained CLIP; nothing is fetched.

    Args:
        architecture: open_clip's configuration of the model (as in its `model_configs`), where `vision_cfg`
            may be `{"vit": ...}`, the fields of a `VitShape`, and `text_cfg` may have "hf_config", the
            configuration of one of Hugging Face's text encoders.

    Raises:
        CheckpointError: it is no such configuration, or names what would have to be fetched.
    """
    config = copy.deepcopy(dict(architecture))
    vision, text = config.get("vision_cfg"), config.get("text_cfg")
    if not isinstance(vision, dict) or not isinstance(text, dict):
        raise CheckpointError(f"{_WHAT} has no vision_cfg and text_cfg; {_REMEDY}.")
    name = vision.get("timm_model_name")
    if text.get("hf_model_name") or (
        name is not None and not (isinstance(name, str) and timm.is_model(name))
    ):
        raise CheckpointError(
            f"{_WHAT} names a part that would be fetched from the network; convert the model again from a "
            "folder or file that holds all of it."
        )
    if name is not None:
        vision["timm_model_pretrained"] = False
    try:
        if "vit" in vision or "hf_config" in text:
            return _two_towers(
                int(config["embed_dim"]), vision, text, quick_gelu=bool(config.get("quick_gelu"))
            )
        custom = config.pop("custom_text", False)
        plain = open_clip.CustomTextCLIP if custom else open_clip.CLIP
        kind = open_clip.CoCa if "multimodal_cfg" in config else plain
        clip: nn.Module = kind(**config)
    except (*FOREIGN, ZeroDivisionError) as error:
        raise CheckpointError(f"{_WHAT} cannot be built ({type(error).__name__}); {_REMEDY}.") from error
    return clip


def _two_towers(
    embed_dim: int, vision: dict[str, Any], text: dict[str, Any], *, quick_gelu: bool
) -> TwoTowers:
    visual: nn.Module
    if "vit" in vision:
        visual = TimmVit(typed(VitShape, vision["vit"], _WHAT, _REMEDY), embed_dim)
    else:
        visual = _build_vision_tower(embed_dim, vision, quick_gelu)
    if "hf_config" not in text:
        return TwoTowers(visual, _build_text_tower(embed_dim, text, quick_gelu))
    return TwoTowers(visual, _text_encoder(embed_dim, text))


def _text_encoder(embed_dim: int, text: Mapping[str, Any]) -> HFTextEncoder:
    """open_clip's wrapper around one of Hugging Face's text encoders, from its configuration alone."""
    from transformers import AutoConfig

    fields = {
        key: value for key, value in text["hf_config"].items() if key not in ("auto_map", "architectures")
    }
    kind = fields.pop("model_type")
    if kind not in arch_dict:
        raise CheckpointError(
            f'open_clip knows no text encoder of the kind "{str(kind)[:60]}"; convert another model.'
        )
    pooler = text.get("hf_pooler_type")
    encoder = HFTextEncoder(
        "", embed_dim, AutoConfig.for_model(kind, **fields), pooler, text.get("hf_proj_type")
    )
    if pooler != "cls_pooler" and getattr(encoder.transformer, "pooler", None) is not None:
        encoder.transformer.pooler = None  # as open_clip leaves it out where nothing asks it
    return encoder


class Channels(nn.Module):
    """(value - mean) / deviation, channel by channel."""

    def __init__(self, scaling: ChannelScaling) -> None:
        super().__init__()
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.tensor(scaling.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(scaling.deviation).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """[B, 3, S, S] -> the same shape."""
        return (pixels - self.mean) / self.deviation


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


class _PoolOfOne(nn.Module):
    """What a pooling by attention makes of a patch that it attends to alone."""

    def __init__(self, pool: nn.Module) -> None:
        """pool: timm's `AttentionPoolLatent`."""
        super().__init__()
        self.pool = pool

    def forward(self, tokens: Tensor) -> Tensor:
        """[..., W] -> [..., W]."""
        pool: Any = self.pool
        values = pool.proj(pool.kv(tokens)[..., tokens.shape[-1] :])
        mixed: Tensor = values if pool.mlp is None else values + pool.mlp(pool.norm(values))
        return mixed


class _Mean(nn.Module):
    """Mean of the tokens that lie in the image."""

    def forward(self, tokens: Tensor, valid: Tensor) -> Tensor:
        """tokens [B, P, W], valid bool [B, P] -> [B, W]."""
        weights = valid.to(tokens.dtype).unsqueeze(-1)
        return (tokens * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)


def published_model(config: ModelConfig, clip: nn.Module, published: Published) -> PatchCLIP:
    """A `PatchCLIP` put together from a published model's own parts; `clip` loses its visual half and its
    scale to it.

    A bias of its logits is none of them: it is the same for both ends of a prompt pair, so that it says
    nothing of the difference.

    Raises:
        CheckpointError: it has no projection that patch tokens could take.
    """
    visual, logit_scale = clip.visual, clip.logit_scale
    assert isinstance(visual, nn.Module) and isinstance(logit_scale, nn.Parameter)
    projection = _Projection(_token_projection(visual, config.tower))
    del clip.visual, clip.logit_scale
    parts = Parts(
        tower=Tower(config, built=(visual, clip), channels=Channels(published.record.channels)),
        neck=_LastLevel(),
        projection=projection,
        pool=_Mean(),
        sparse=None,
        global_projection=_Projection(nn.Identity()),
        text_projection=nn.Identity(),
        logit_scale=nn.Parameter(logit_scale.detach().reshape(())),
        logit_bias=nn.Parameter(torch.zeros(())),
        published=published,
    )
    return PatchCLIP(config, parts)


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
        pool = getattr(visual.trunk, "attn_pool", None)
        return head if pool is None else nn.Sequential(_PoolOfOne(pool), head)
    pool = getattr(visual, "attnpool", None)
    if pool is not None:
        return nn.Sequential(pool.v_proj, pool.c_proj)
    raise CheckpointError(
        f'The model "{tower}" has no projection that patch tokens could take; use a ViT or '
        "ResNet of open_clip."
    )
