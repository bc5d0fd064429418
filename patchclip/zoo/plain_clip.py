"""CLIP's own layout with a vision transformer, as CheXzero's files have it.

CheXzero (Tiu et al., Nature Biomedical Engineering 2022) is OpenAI's ViT-B/32 trained further on radiographs
with their reports: names, shapes and tokenizer are CLIP's (Radford et al., ICML 2021).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from patchclip.errors import CheckpointError
from patchclip.model.preprocess import ChannelScaling
from patchclip.model.published import TokenizerRecord
from patchclip.zoo.source import RAW, Source, count_of, require

TITLE = "CLIP and CheXzero"
HEAD_WIDTH = 64
MARKERS = (
    "visual.conv1.weight",
    "visual.class_embedding",
    "visual.positional_embedding",
    "visual.ln_pre.weight",
    "visual.ln_post.weight",
    "visual.proj",
    "visual.transformer.resblocks.0.mlp.c_fc.weight",
    "transformer.resblocks.0.mlp.c_fc.weight",
    "positional_embedding",
    "token_embedding.weight",
    "ln_final.weight",
    "text_projection",
    "logit_scale",
)
SPARE = ("input_resolution", "context_length", "vocab_size")
"""Numbers that OpenAI's files keep beside the weights."""
CHEXZERO_SCALING = ChannelScaling(
    mean=(101.48761 / 255,) * 3,
    deviation=(83.43944 / 255,) * 3,
)
"""What CheXzero's data loader subtracts and divides by, there of grey values up to 255."""


def read_plain_clip(state: Mapping[str, Tensor], name: str, tower: str = "CLIP ViT") -> Source:
    """A state dict in this layout, its sizes read from its shapes.

    Raises:
        CheckpointError: something that the layout has is missing.
    """
    require(MARKERS, state, TITLE)
    architecture = architecture_of(state)
    vision, text = architecture["vision_cfg"], architecture["text_cfg"]
    return Source(
        name=name,
        layout="clip",
        tower=tower,
        architecture=architecture,
        weights={key: value for key, value in state.items() if key not in SPARE},
        image_size=vision["image_size"],
        tokenizer=TokenizerRecord("clip", text["context_length"]),
        input_style=RAW,
        channels=CHEXZERO_SCALING,
    )


def architecture_of(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """open_clip's configuration of weights in this layout; a head is 64 wide, as in all of CLIP's models."""
    width, _, _, patch = state["visual.conv1.weight"].shape
    text_width = state["ln_final.weight"].shape[0]
    patches = state["visual.positional_embedding"].shape[0] - 1
    side = math.isqrt(max(patches, 0))
    if side * side != patches or width % HEAD_WIDTH or text_width % HEAD_WIDTH:
        raise CheckpointError(
            f"visual.positional_embedding has {patches} patches and the transformers are {width} and "
            f"{text_width} "
            f"wide, where {TITLE} have a square and multiples of {HEAD_WIDTH}; give the file as it was "
            "published."
        )
    return {
        "embed_dim": state["text_projection"].shape[1],
        "quick_gelu": True,
        "vision_cfg": {
            "image_size": side * patch,
            "patch_size": patch,
            "width": width,
            "layers": count_of(state, "visual.transformer.resblocks"),
            "head_width": HEAD_WIDTH,
            "mlp_ratio": (state["visual.transformer.resblocks.0.mlp.c_fc.weight"].shape[0] + 0.5) / width,
        },
        "text_cfg": {
            "context_length": state["positional_embedding"].shape[0],
            "vocab_size": state["token_embedding.weight"].shape[0],
            "width": text_width,
            "heads": text_width // HEAD_WIDTH,
            "layers": count_of(state, "transformer.resblocks"),
            "mlp_ratio": (state["transformer.resblocks.0.mlp.c_fc.weight"].shape[0] + 0.5) / text_width,
        },
    }
