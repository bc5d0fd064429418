"""Weights of a file by name: safetensors, or what torch.save wrote, read without running any of it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from patchclip.errors import CheckpointError

NESTS = ("state_dict", "model_state_dict", "model")
"""Under which of these keys training programs keep a model's weights beside other things."""


def read_state(file: Path) -> dict[str, Tensor]:
    """The tensors of a file of weights; what wrappers put before all names is taken off.

    Raises:
        CheckpointError: it cannot be read, or holds no tensors by name.
    """
    try:
        content: Any = (
            safetensors.torch.load_file(file)
            if file.suffix == ".safetensors"
            else torch.load(file, map_location="cpu", weights_only=True)
        )
    except (
        OSError, EOFError, RuntimeError, LookupError, ValueError, TypeError,
        pickle.UnpicklingError, safetensors.SafetensorError,
    ) as error:  # fmt: skip
        raise CheckpointError(
            f"{file.name[:80]} holds no weights that can be read ({type(error).__name__}); give a file of "
            "safetensors, or of a state dict that torch.save wrote."
        ) from error
    for nest in NESTS:
        if isinstance(content, dict) and isinstance(content.get(nest), dict):
            content = content[nest]
    if not isinstance(content, dict) or not any(isinstance(value, Tensor) for value in content.values()):
        raise CheckpointError(
            f"{file.name[:80]} holds no tensors by name; give a file of safetensors, or of a state dict that "
            "torch.save wrote."
        )
    tensors = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    while all(name.startswith("module.") for name in tensors):  # of DataParallel
        tensors = {name.removeprefix("module."): value for name, value in tensors.items()}
    return tensors
