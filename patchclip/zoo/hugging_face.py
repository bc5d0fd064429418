"""CLIP and SigLIP folders of Hugging Face, their weights renamed to those of open_clip and timm."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from patchclip.errors import CheckpointError
from patchclip.model.preprocess import ChannelScaling
from patchclip.model.published import TokenizerRecord
from patchclip.records import parse_json, typed
from patchclip.zoo.source import RAW, SQUASHED, Source, listed

CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"
TITLES = {"clip": "Hugging Face's CLIP", "siglip": "Hugging Face's SigLIP"}
_PARTS = ("weight", "bias")
_JOINED = "self_attn.{q,k,v}_proj"
"""Three of Hugging Face's that are one elsewhere."""
OPEN_CLIP = {
    _JOINED: "attn.in_proj_",
    "self_attn.out_proj": "attn.out_proj",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
"""A transformer block's parts -> their names in open_clip."""
TIMM = {
    _JOINED: "attn.qkv.",
    "self_attn.out_proj": "attn.proj",
    "layer_norm1": "norm1",
    "layer_norm2": "norm2",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}
"""The same in timm."""


def model_type(folder: Path) -> str | None:
    """What kind of model a folder of Hugging Face says that it holds; None where it is no such folder."""
    path = folder / CONFIG
    if not path.is_file():
        return None
    content = _json(path)
    kind = content.get("model_type")
    return kind if isinstance(kind, str) else None


def read_hugging_face(folder: Path, files: Mapping[str, bytes]) -> Source:
    """A folder with config.json and weights, as `save_pretrained` writes it; nothing is fetched.

    Args:
        folder: of the model.
        files: of its tokenizer.

    Raises:
        CheckpointError: it is of another kind, or something is missing or cannot be read.
    """
    kind = model_type(folder)
    if kind not in TITLES:
        raise CheckpointError(
            f'{folder.name[:80]} holds a model of the kind "{str(kind)[:40]}"; of Hugging Face\'s folders, '
            "those of "
            f"{' and '.join(TITLES)} can be converted."
        )
    if not files:
        raise CheckpointError(
            f"{folder.name[:80]} holds no tokenizer; name the folder with its files with --tokenizer."
        )
    config, state = _loaded(folder, kind)
    channels = _channels(folder, kind)
    read = _clip if kind == "clip" else _siglip
    architecture, weights = read(config, state)
    return Source(
        name=folder.resolve().name,
        layout=f"hf-{kind}",
        tower=f"{TITLES[kind]} ViT",
        architecture=architecture,
        weights=weights,
        image_size=int(config.vision_config.image_size),
        tokenizer=TokenizerRecord(
            "files",
            int(config.text_config.max_position_embeddings),
            "whitespace" if kind == "clip" else "canonicalize",
        ),
        input_style=RAW if kind == "clip" else SQUASHED,
        channels=channels,
        files=files,
    )


def _loaded(folder: Path, kind: str) -> tuple[Any, dict[str, Tensor]]:
    """The configuration, and the weights by Hugging Face's names."""
    from transformers import CLIPModel, SiglipModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    model_class = CLIPModel if kind == "clip" else SiglipModel
    try:
        loaded: Any = model_class.from_pretrained(
            folder, local_files_only=True, output_loading_info=True, dtype=torch.float32
        )
    except Exception as error:  # transformers raises many kinds: OSError, ValueError, RuntimeError, its own
        raise CheckpointError(
            f"{folder.name[:80]} cannot be read by transformers ({type(error).__name__}); give the folder "
            "as it was "
            "published, with its weights."
        ) from error
    model, info = loaded
    missing = sorted(name for name in info["missing_keys"] if not name.endswith("position_ids"))
    other = sorted(
        str(name[0] if isinstance(name, tuple) else name) for name in info.get("mismatched_keys", ())
    )
    if missing or other:
        raise CheckpointError(
            f"The weights in {folder.name[:80]} are not those that {TITLES[kind]} of its config.json has: "
            "missing or "
            f"of another shape are {listed([*missing, *other])}; give the folder as it was published."
        )
    return model.config, dict(model.state_dict())


def _json(path: Path) -> dict[str, Any]:
    try:
        content = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path.name} is not valid JSON; fetch the model's folder again.") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path.name} holds no JSON object; fetch the model's folder again.")
    return content


def _channels(folder: Path, kind: str) -> ChannelScaling:
    path = folder / PREPROCESSOR
    if not path.is_file():
        raise CheckpointError(
            f"{folder.name[:80]} holds no {PREPROCESSOR}, which says how {TITLES[kind]} scales its input; "
            "fetch it too."
        )
    content = _json(path)
    values = {"mean": content.get("image_mean"), "deviation": content.get("image_std")}
    return typed(ChannelScaling, values, PREPROCESSOR, "fetch the model's folder again")


def _clip(config: Any, state: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    vision, text = config.vision_config, config.text_config
    if vision.hidden_act != text.hidden_act or vision.hidden_act not in ("quick_gelu", "gelu"):
        raise CheckpointError(
            f'The activations "{vision.hidden_act}" and "{text.hidden_act}" are none of CLIP\'s; convert a '
            "model with "
            '"quick_gelu" or "gelu" in both towers.'
        )
    # Hugging Face's own rule: 2 stands in early configurations, whose sentences end with the highest token.
    legacy = text.eos_token_id == 2
    architecture = {
        "embed_dim": config.projection_dim,
        "quick_gelu": vision.hidden_act == "quick_gelu",
        "vision_cfg": {
            "image_size": vision.image_size,
            "patch_size": vision.patch_size,
            "width": vision.hidden_size,
            "layers": vision.num_hidden_layers,
            "head_width": vision.hidden_size // vision.num_attention_heads,
            "mlp_ratio": _ratio(vision),
            "norm_kwargs": {"eps": vision.layer_norm_eps},
        },
        "text_cfg": {
            **_text(text),
            "pool_type": "argmax" if legacy else "eos",
            "eos_id": text.eos_token_id,
        },
    }
    weights = {
        "visual.class_embedding": state["vision_model.embeddings.class_embedding"],
        "visual.conv1.weight": state["vision_model.embeddings.patch_embedding.weight"],
        "visual.positional_embedding": state["vision_model.embeddings.position_embedding.weight"],
        **_pair(state, "vision_model.pre_layrnorm", "visual.ln_pre"),
        **_blocks(state, "vision_model", "visual.transformer.resblocks", vision.num_hidden_layers, OPEN_CLIP),
        **_pair(state, "vision_model.post_layernorm", "visual.ln_post"),
        "visual.proj": state["visual_projection.weight"].t(),
        "token_embedding.weight": state["text_model.embeddings.token_embedding.weight"],
        "positional_embedding": state["text_model.embeddings.position_embedding.weight"],
        **_blocks(state, "text_model", "transformer.resblocks", text.num_hidden_layers, OPEN_CLIP),
        **_pair(state, "text_model.final_layer_norm", "ln_final"),
        "text_projection": state["text_projection.weight"].t(),
        "logit_scale": state["logit_scale"],
    }
    return architecture, weights


def _siglip(config: Any, state: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    vision, text = config.vision_config, config.text_config
    if {vision.hidden_act, text.hidden_act} != {"gelu_pytorch_tanh"}:
        raise CheckpointError(
            f'The activations "{vision.hidden_act}" and "{text.hidden_act}" are none of SigLIP\'s; convert '
            "a model "
            'with "gelu_pytorch_tanh" in both towers.'
        )
    architecture = {
        "embed_dim": vision.hidden_size,
        "vision_cfg": {
            "vit": {
                "image_size": vision.image_size,
                "patch_size": vision.patch_size,
                "width": vision.hidden_size,
                "layers": vision.num_hidden_layers,
                "heads": vision.num_attention_heads,
                "mlp_width": vision.intermediate_size,
                "pool": "map",
                "gelu": "tanh",
                "eps": vision.layer_norm_eps,
                "projected": False,
            }
        },
        "text_cfg": {
            **_text(text),
            "act_kwargs": {"approximate": "tanh"},
            "no_causal_mask": True,
            "proj_bias": True,
            "pool_type": "last",
        },
    }
    head = "vision_model.head"
    query, keys_values = {}, {}
    for part in _PARTS:
        joined = state[f"{head}.attention.in_proj_{part}"]
        query[f"visual.trunk.attn_pool.q.{part}"] = joined[: vision.hidden_size]
        keys_values[f"visual.trunk.attn_pool.kv.{part}"] = joined[vision.hidden_size :]
    weights = {
        **_pair(state, "vision_model.embeddings.patch_embedding", "visual.trunk.patch_embed.proj"),
        "visual.trunk.pos_embed": state["vision_model.embeddings.position_embedding.weight"].unsqueeze(0),
        **_blocks(state, "vision_model", "visual.trunk.blocks", vision.num_hidden_layers, TIMM),
        **_pair(state, "vision_model.post_layernorm", "visual.trunk.norm"),
        "visual.trunk.attn_pool.latent": state[f"{head}.probe"],
        **query,
        **keys_values,
        **_pair(state, f"{head}.attention.out_proj", "visual.trunk.attn_pool.proj"),
        **_pair(state, f"{head}.layernorm", "visual.trunk.attn_pool.norm"),
        **_pair(state, f"{head}.mlp.fc1", "visual.trunk.attn_pool.mlp.fc1"),
        **_pair(state, f"{head}.mlp.fc2", "visual.trunk.attn_pool.mlp.fc2"),
        "text.token_embedding.weight": state["text_model.embeddings.token_embedding.weight"],
        "text.positional_embedding": state["text_model.embeddings.position_embedding.weight"],
        **_blocks(state, "text_model", "text.transformer.resblocks", text.num_hidden_layers, OPEN_CLIP),
        **_pair(state, "text_model.final_layer_norm", "text.ln_final"),
        **_pair(state, "text_model.head", "text.text_projection"),
        "logit_scale": state["logit_scale"].reshape(()),
    }
    return architecture, weights


def _text(tower: Any) -> dict[str, Any]:
    """What open_clip's text towers of both kinds are told alike."""
    return {
        "context_length": tower.max_position_embeddings,
        "vocab_size": tower.vocab_size,
        "width": tower.hidden_size,
        "heads": tower.num_attention_heads,
        "layers": tower.num_hidden_layers,
        "mlp_ratio": _ratio(tower),
        "norm_kwargs": {"eps": tower.layer_norm_eps},
    }


def _ratio(tower: Any) -> float:
    """What open_clip multiplies the width by and rounds down."""
    return (float(tower.intermediate_size) + 0.5) / float(tower.hidden_size)


def _pair(state: Mapping[str, Tensor], before: str, after: str) -> dict[str, Tensor]:
    """Weight and bias under another name."""
    return {f"{after}.{part}": state[f"{before}.{part}"] for part in _PARTS}


def _joined(state: Mapping[str, Tensor], attention: str, part: str) -> Tensor:
    """Query, key and value in one."""
    return torch.cat([state[f"{attention}.{name}_proj.{part}"] for name in "qkv"])


def _blocks(
    state: Mapping[str, Tensor], before: str, after: str, layers: int, names: Mapping[str, str]
) -> dict[str, Tensor]:
    """A transformer of Hugging Face's under the names of `OPEN_CLIP` or `TIMM`; before, after: its prefix."""
    weights: dict[str, Tensor] = {}
    for number in range(layers):
        source, target = f"{before}.encoder.layers.{number}", f"{after}.{number}"
        for part in _PARTS:
            weights[f"{target}.{names[_JOINED]}{part}"] = _joined(state, f"{source}.self_attn", part)
        for old, new in names.items():
            if old != _JOINED:
                weights |= _pair(state, f"{source}.{old}", f"{target}.{new}")
    return weights
