"""The weights of a checkpoint: read, found sound, and put into a model that is no larger than they are."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from patchclip.errors import CheckpointError


def read_weights(weights: bytes, folder: Path) -> dict[str, Tensor]:
    """The weights as they are stored, by name.

    Args:
        weights: the file's content (safetensors).
        folder: names it in errors.

    Raises:
        CheckpointError: the file is damaged, or a number is not finite, which would make every answer such a
            number without a word.
    """
    try:
        tensors: dict[str, Tensor] = safetensors.torch.load(weights)
    except (safetensors.SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise _unfit(folder) from error
    for name, value in tensors.items():
        if value.is_floating_point() and not torch.isfinite(value.float()).all():
            raise CheckpointError(
                f"The weights in {folder} have numbers that are not finite ({name[:60]}); fetch "
                "the checkpoint again."
            )
    return tensors


def fill(model: nn.Module, tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Puts the weights into the model, halved ones as float32.

    Raises:
        CheckpointError: they are another model's.
    """
    wanted = model.state_dict()
    if any(
        name in wanted and wanted[name].is_floating_point() != value.is_floating_point()
        for name, value in tensors.items()
    ):
        raise _unfit(folder)
    try:
        model.load_state_dict(
            {
                name: value.float() if value.dtype == torch.float16 else value
                for name, value in tensors.items()
            }
        )
    except RuntimeError as error:
        raise _unfit(folder) from error


@contextmanager
def at_most(parameters: int) -> Iterator[None]:
    """Models that are built inside, by this thread, have no more parameters than that.

    A record may name a tower of billions of parameters beside a small file of weights; it is told from a
    sound one before it takes all memory.

    Raises:
        CheckpointError: they have more.
    """
    thread, total = threading.get_ident(), 0

    def count(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal total
        if threading.get_ident() == thread and parameter is not None:
            total += parameter.numel()
            if total > parameters:
                raise CheckpointError(
                    "The model config asks for a far larger model than the weights hold; fetch the "
                    "checkpoint again."
                )

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()


def _unfit(folder: Path) -> CheckpointError:
    return CheckpointError(
        f"The weights in {folder} are damaged or belong to another model; fetch the checkpoint again."
    )
