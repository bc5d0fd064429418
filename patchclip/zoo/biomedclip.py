"""BiomedCLIP's layout: open_clip's wrappers around a vision transformer of timm and a BERT.

BiomedCLIP (Zhang et al., NEJM AI 2025) is ViT-B/16 beside PubMedBERT with 256 tokens.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from patchclip.errors import CheckpointError
from patchclip.model.published import TokenizerRecord
from patchclip.zoo.source import CLIP_SCALING, RAW, Source, count_of, require

TITLE = "BiomedCLIP"
HEAD_WIDTH, CONTEXT_LENGTH = 64, 256
MARKERS = (
    "visual.trunk.cls_token",
    "visual.trunk.pos_embed",
    "visual.trunk.patch_embed.proj.weight",
    "visual.trunk.blocks.0.attn.qkv.weight",
    "visual.trunk.blocks.0.mlp.fc1.weight",
    "visual.trunk.norm.weight",
    "visual.head.proj.weight",
    "text.transformer.embeddings.word_embeddings.weight",
    "text.transformer.embeddings.position_embeddings.weight",
    "text.transformer.embeddings.token_type_embeddings.weight",
    "text.transformer.encoder.layer.0.intermediate.dense.weight",
    "text.proj.0.weight",
    "text.proj.2.weight",
    "logit_scale",
)
SPARE = ("text.transformer.embeddings.position_ids",)
"""Counts from 0, which earlier versions of transformers saved."""


def read_biomedclip(state: Mapping[str, Tensor], name: str, files: Mapping[str, bytes]) -> Source:
    """A state dict in this layout, its sizes read from its shapes.

    Args:
        state: weights by name.
        name: of the model.
        files: of its tokenizer.

    Raises:
        CheckpointError: something that the layout has is missing, or there is no tokenizer.
    """
    require(MARKERS, state, TITLE)
    if not files:
        raise CheckpointError(
            f"{TITLE}'s layout needs its tokenizer; put its files (vocab.txt, tokenizer_config.json, ...) "
            "beside "
            "the weights, or name their folder with --tokenizer."
        )
    width, _, _, patch = state["visual.trunk.patch_embed.proj.weight"].shape
    patches = state["visual.trunk.pos_embed"].shape[1] - 1
    side = math.isqrt(max(patches, 0))
    words, text_width = state["text.transformer.embeddings.word_embeddings.weight"].shape
    if side * side != patches or width % HEAD_WIDTH or text_width % HEAD_WIDTH:
        raise CheckpointError(
            f"visual.trunk.pos_embed has {patches} patches and the transformers are {width} and "
            f"{text_width} wide, "
            f"where {TITLE} has a square and multiples of {HEAD_WIDTH}; give the file as it was published."
        )
    positions = state["text.transformer.embeddings.position_embeddings.weight"].shape[0]
    context = min(CONTEXT_LENGTH, positions)
    architecture = {
        "embed_dim": state["visual.head.proj.weight"].shape[0],
        "vision_cfg": {
            "vit": {
                "image_size": side * patch,
                "patch_size": patch,
                "width": width,
                "layers": count_of(state, "visual.trunk.blocks"),
                "heads": width // HEAD_WIDTH,
                "mlp_width": state["visual.trunk.blocks.0.mlp.fc1.weight"].shape[0],
                "pool": "token",
                "gelu": "none",
                "eps": 1e-6,
                "projected": True,
            }
        },
        "text_cfg": {
            "context_length": context,
            "hf_proj_type": "mlp",
            "hf_pooler_type": "cls_last_hidden_state_pooler",
            "hf_config": {
                "model_type": "bert",
                "vocab_size": words,
                "hidden_size": text_width,
                "num_hidden_layers": count_of(state, "text.transformer.encoder.layer"),
                "num_attention_heads": text_width // HEAD_WIDTH,
                "intermediate_size": state[
                    "text.transformer.encoder.layer.0.intermediate.dense.weight"
                ].shape[0],
                "max_position_embeddings": positions,
                "type_vocab_size": state["text.transformer.embeddings.token_type_embeddings.weight"].shape[0],
                "pad_token_id": 0,
            },
        },
    }
    return Source(
        name=name,
        layout="biomedclip",
        tower="BiomedCLIP ViT",
        architecture=architecture,
        weights={key: value for key, value in state.items() if key not in SPARE},
        image_size=side * patch,
        tokenizer=TokenizerRecord("files", context),
        input_style=RAW,
        channels=CLIP_SCALING,
        files=files,
    )
