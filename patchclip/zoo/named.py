"""Models of open_clip: by name and pretraining tag, with a local file of weights, or as a folder."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import open_clip
from open_clip.tokenizer import HFTokenizer
from torch import nn

from patchclip.errors import CheckpointError
from patchclip.model.preprocess import ChannelScaling
from patchclip.model.published import TokenizerRecord, tokenizer_files
from patchclip.records import parse_json
from patchclip.zoo.biomedclip import read_biomedclip
from patchclip.zoo.source import RAW, SQUASHED, Source
from patchclip.zoo.state import read_state
from patchclip.zoo.tokenizers import tokenizer_beside

CONFIG = "open_clip_config.json"
HUB = "hf-hub:"
FOLDER = "local-dir:"
CLIP_CONTEXT = 77
"""Tokens of a sentence where a configuration names no number."""
WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")


def is_open_clip_name(name: str) -> bool:
    """Whether open_clip would know the part before the first "/" as a model."""
    return name.startswith((HUB, FOLDER)) or name.partition("/")[0] in open_clip.list_models()


def create_clip(name: str, tower: str, weights: str | None, **more: Any) -> nn.Module:
    """open_clip's model with pretrained weights; `name` is what the user calls it, `more` goes to
    `open_clip.create_model`.

    Raises:
        CheckpointError: the weights cannot be had.
    """
    try:
        clip: nn.Module = open_clip.create_model(tower, pretrained=weights, weights_only=True, **more)
    except Exception as error:  # of many kinds: no network, no such tag, a damaged file
        raise CheckpointError(
            f'The weights of "{name}" cannot be loaded ({type(error).__name__}); check the name and the '
            "network, or give a local file."
        ) from error
    return clip


def read_named(name: str) -> Source:
    """A model by open_clip's name for it.

    Args:
        name: "ViT-B-16/laion2b_s34b_b88k" (open_clip's model and pretraining tag),
            "ViT-B-16/weights.safetensors" (a local file), "ViT-B-16" (its first tag),
            "hf-hub:ORGANISATION/MODEL" or "local-dir:FOLDER".

    Raises:
        CheckpointError: the weights cannot be had.
    """
    if name.startswith(FOLDER):
        return read_folder(Path(name.removeprefix(FOLDER)), {})
    if name.startswith(HUB):
        return read_folder(_fetched(name), {}, name)
    tower, _, weights = name.partition("/")
    if not weights:
        tags = open_clip.list_pretrained_tags_by_model(tower)
        if not tags:
            raise CheckpointError(
                f'open_clip has no weights for "{tower}"; name a file: {tower}/weights.safetensors.'
            )
        weights = tags[0]
    config = open_clip.get_model_config(tower) or {}
    # A tag may have been trained with CLIP's approximate GELU where the model's configuration has the exact
    # one.
    quick = bool(
        (open_clip.get_pretrained_cfg(tower, weights) or {}).get("quick_gelu", config.get("quick_gelu"))
    )
    clip = create_clip(name, tower, weights, force_quick_gelu=quick)
    return _source(
        Path(name).stem, tower, {**config, "quick_gelu": quick}, clip, _named_tokenizer(name, tower)
    )


def read_folder(folder: Path, files: Mapping[str, bytes], name: str | None = None) -> Source:
    """A folder with open_clip_config.json and weights, as open_clip publishes models.

    Args:
        folder: of the model.
        files: of its tokenizer, if it has files of its own.
        name: what the user calls it.

    Raises:
        CheckpointError: something is missing or cannot be read.
    """
    called = name or folder.resolve().name
    try:
        content = parse_json((folder / CONFIG).read_bytes())
        config: dict[str, Any] = content["model_cfg"]
        text, preprocess = config["text_cfg"], content.get("preprocess_cfg", {})
        encoder = text.get("hf_model_name")
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{called[:80]} has no {CONFIG} that says what it is; give the folder as open_clip publishes it."
        ) from error
    if encoder:  # its configuration is on the network alone, but the weights tell it
        weights = next((folder / file for file in WEIGHTS if (folder / file).is_file()), None)
        if weights is None:
            raise CheckpointError(
                f"{called[:80]} holds neither {' nor '.join(WEIGHTS)}; fetch the weights too."
            )
        source = read_biomedclip(read_state(weights), Path(called).name, files or tokenizer_beside(folder))
        return _preprocessed(source, preprocess)
    clip = create_clip(called, f"{FOLDER}{folder}", None)
    own = bool(text.get("hf_tokenizer_name"))
    length = int(text.get("context_length", CLIP_CONTEXT))
    record = TokenizerRecord(
        "files" if own else "clip",
        length,
        _clean(text),
    )
    found = (files or tokenizer_beside(folder)) if own else {}
    if own and not found:
        raise CheckpointError(
            f"{called[:80]} holds no tokenizer; name the folder with its files with --tokenizer."
        )
    return _preprocessed(_source(Path(called).name, called, config, clip, (record, found)), preprocess)


def _fetched(name: str) -> Path:
    """The folder of a model of the hub, fetched unless it is there already."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name.removeprefix(HUB)))
    except Exception as error:  # of many kinds: no network, no such model, no access
        raise CheckpointError(
            f'The weights of "{name}" cannot be loaded ({type(error).__name__}); check the name and the '
            "network, or give a local folder."
        ) from error


Tokenizer = tuple[TokenizerRecord, Mapping[str, bytes]]


def _named_tokenizer(name: str, tower: str) -> Tokenizer:
    text: dict[str, Any] = (open_clip.get_model_config(tower) or {}).get("text_cfg", {})
    try:
        tokenizer = open_clip.get_tokenizer(tower)
    except Exception as error:  # as above
        raise CheckpointError(
            f'The tokenizer of "{name}" cannot be loaded ({type(error).__name__}); check the network.'
        ) from error
    length = int(tokenizer.context_length)
    if not isinstance(tokenizer, HFTokenizer):
        return TokenizerRecord("clip", length), {}
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        return TokenizerRecord("files", length, _clean(text)), tokenizer_files(Path(folder))


def _clean(text: Mapping[str, Any]) -> Any:
    return (text.get("tokenizer_kwargs") or {}).get("clean", "whitespace")


def _source(
    name: str, tower: str, config: Mapping[str, Any], clip: nn.Module, tokenizer: Tokenizer
) -> Source:
    """From open_clip's own model, whose weights have `build_clip`'s names already."""
    visual: Any = clip.visual
    sizes = visual.image_size  # one number, or height and width
    size = int(sizes[0] if isinstance(sizes, (tuple, list)) else sizes)
    architecture = {**config, "text_cfg": dict(config["text_cfg"]), "vision_cfg": dict(config["vision_cfg"])}
    if architecture["text_cfg"].pop("hf_model_name", None):
        encoder: Any = clip.text
        architecture["text_cfg"]["hf_config"] = encoder.config.to_dict()
    state = clip.state_dict()
    if "hf_config" in architecture["text_cfg"]:
        state.pop("logit_bias", None)
    source = Source(
        name=name,
        layout="open_clip",
        tower=tower,
        architecture=architecture,
        weights=state,
        image_size=size,
        tokenizer=tokenizer[0],
        input_style=RAW,
        channels=ChannelScaling(open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD),
        files=tokenizer[1],
    )
    return _preprocessed(source, getattr(visual, "preprocess_cfg", None) or {})


def _preprocessed(source: Source, preprocess: Mapping[str, Any]) -> Source:
    """With the scaling and fit that open_clip's own record of the input says."""
    mean, deviation = preprocess.get("mean"), preprocess.get("std")
    channels = source.channels
    if mean is not None and deviation is not None:
        channels = ChannelScaling(_three(mean), _three(deviation))
    squashed = preprocess.get("resize_mode") == "squash"
    return replace(source, channels=channels, input_style=SQUASHED if squashed else source.input_style)


def _three(values: Any) -> tuple[float, float, float]:
    if not isinstance(values, (list, tuple)) or len(values) != 3:
        raise CheckpointError("open_clip's record of the input has no three channels; convert an RGB model.")
    return float(values[0]), float(values[1]), float(values[2])
