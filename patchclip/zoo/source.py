"""What a reader of a published layout gives: architecture, weights, input and tokenizer, checked against each
other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from patchclip.errors import CheckpointError
from patchclip.model.clip_parts import build_clip
from patchclip.model.preprocess import ChannelScaling, InputStyle
from patchclip.model.published import TokenizerRecord

CLIP_SCALING = ChannelScaling(
    mean=(0.48145466, 0.4578275, 0.40821073), deviation=(0.26862954, 0.26130258, 0.27577711)
)
"""Of the images that CLIP learnt from (Radford et al., ICML 2021)."""
RAW = InputStyle(standardised=False, fit="pad")
"""The whole film with its aspect. Where a model was published with a crop of the middle, the film is fitted
into the square instead, so that no part of it goes unseen."""
SQUASHED = InputStyle(standardised=False, fit="squash")


@dataclass(frozen=True, slots=True)
class Source:
    """A published model, read.

    Attributes:
        name: what it is called unless told.
        layout: by whose map its weights were renamed.
        tower: what the image tower is called in messages.
        architecture: see `patchclip.model.clip_parts.build_clip`.
        weights: of `build_clip`'s module by name.
        image_size: length of its square input in pixels.
        tokenizer: see there.
        files: of the tokenizer by name.
        input_style, channels: see there.
    """

    name: str
    layout: str
    tower: str
    architecture: dict[str, Any]
    weights: Mapping[str, Tensor]
    image_size: int
    tokenizer: TokenizerRecord
    input_style: InputStyle
    channels: ChannelScaling
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Of the weights, by name and value."""
        digest = hashlib.sha256()
        for name, value in sorted(self.weights.items()):
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()


def require(names: Iterable[str], state: Mapping[str, Tensor], title: str) -> None:
    """Whether a file of weights has what its layout has.

    Raises:
        CheckpointError: it lacks some; the sentence names them.
    """
    if missing := [name for name in names if name not in state]:
        raise CheckpointError(
            f"The weights are nearest to the layout of {title}, but lack {listed(missing)}; give the file "
            "or folder "
            "as it was published."
        )


def filled(source: Source, title: str) -> torch.nn.Module:
    """The CLIP of a source with its weights.

    Raises:
        CheckpointError: weights are missing, are more than the architecture has, are of other shapes, or are
            not finite; the sentence names them.
    """
    clip = build_clip(source.architecture)
    wanted = clip.state_dict()
    require(wanted, source.weights, title)
    if unknown := [name for name in source.weights if name not in wanted]:
        raise CheckpointError(
            f"The weights have what the layout of {title} has not: {listed(unknown)}; give the file or "
            "folder as it "
            "was published."
        )
    for name, value in source.weights.items():
        if value.shape != wanted[name].shape:
            raise CheckpointError(
                f"{name[:80]} has the shape {list(value.shape)}, and {title} of this size has "
                f"{list(wanted[name].shape)}; give the file or folder as it was published."
            )
        if value.is_floating_point() and not torch.isfinite(value.float()).all():
            raise CheckpointError(f"{name[:80]} has numbers that are not finite; fetch the weights again.")
    clip.load_state_dict({name: _full(value) for name, value in source.weights.items()})
    return clip.eval().requires_grad_(False)


def listed(names: list[str], most: int = 4) -> str:
    """Some names, and how many more there are."""
    more = len(names) - most
    return ", ".join(name[:80] for name in names[:most]) + (f" and {more} more" if more > 0 else "")


def count_of(state: Mapping[str, Tensor], prefix: str) -> int:
    """Layers whose names begin "PREFIX.0.", "PREFIX.1.", ..."""
    start = prefix + "."
    numbers = {name[len(start) :].partition(".")[0] for name in state if name.startswith(start)}
    return len([number for number in numbers if number.isdecimal()])


def _full(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value
