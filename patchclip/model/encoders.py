"""What computes a model's image half: torch in full or in half precision, or ONNX Runtime."""

from __future__ import annotations

import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from patchclip.errors import CheckpointError
from patchclip.execution import Execution
from patchclip.model.checkpoint import ONNX, Checkpoint
from patchclip.model.folding import folded
from patchclip.model.onnx import OnnxEncoder
from patchclip.model.patchclip import ImageEmbeddings, PatchCLIP, mean_of_halves
from patchclip.model.tower import Tower

_BF16 = ("avx512_bf16", "amx_bf16", "bf16")
"""What torch calls a processor's own bf16 arithmetic, x86's two and ARM's."""
_FULL_STAGES = 1  # of a convolutional tower, which stay in fp32
_ROUNDS = 3  # of each candidate, of which the fastest counts


class ImageEncoder(Protocol):
    """The image half of a model, for inference alone.

    Attributes:
        library: what computes it.
        precision: "fp32" or "bf16".
    """

    library: str
    precision: str

    def __call__(self, pixels: Tensor, valid: Tensor) -> ImageEmbeddings:
        """pixels float32 [B, 1, S, S] in [0, 1], valid bool [B, R, C] -> float32 embeddings."""
        ...


class TorchEncoder:
    """The model as it is, or in bf16."""

    def __init__(self, model: PatchCLIP, *, bf16: bool = False) -> None:
        """bf16: see `in_bf16`, otherwise see `folded`; the model itself stays as it is."""
        self.model, self.autocast = in_bf16(model) if bf16 else (folded(model), False)
        self.library, self.precision = "torch", "bf16" if bf16 else "fp32"

    @torch.inference_mode()
    def __call__(self, pixels: Tensor, valid: Tensor) -> ImageEmbeddings:
        """See `ImageEncoder`."""
        with torch.autocast(pixels.device.type, dtype=torch.bfloat16, enabled=self.autocast):
            out = self.model.encode_image(pixels, valid)
        return replace(
            out,
            global_=out.global_.float(),
            patches=out.patches.float(),
            pooled=out.pooled.float(),
            tokens=out.tokens.float(),
        )


class _Bf16(nn.Module):
    """A stage of a tower, or what merges its levels, in bf16, with fp32 before and behind it."""

    def __init__(self, stage: nn.Module) -> None:
        super().__init__()
        self.stage = stage

    def forward(self, values: Tensor | list[Tensor]) -> Tensor:
        device = (values if isinstance(values, Tensor) else values[0]).device
        with torch.autocast(device.type, dtype=torch.bfloat16):
            out: Tensor = self.stage(values)
        return out.float()


def in_bf16(model: PatchCLIP) -> tuple[PatchCLIP, bool]:
    """A copy of a model for inference in bf16, and whether it is to run under autocast as a whole.

    A convolutional tower's first stage has few channels, on which all others build; it stays in fp32, as the
    projections do. Towers of other kinds run under autocast.
    """
    if any(_stages(tower) is None for tower in model.tower.members):
        return model, True
    copied = deepcopy(model)
    for tower in copied.tower.members:
        stages = _stages(tower)
        assert stages is not None
        for number in range(_FULL_STAGES, len(stages)):
            stages[number] = _Bf16(stages[number])
    copied.neck = _Bf16(copied.neck)
    return copied, False


def _stages(tower: Tower) -> nn.Sequential | None:
    """Of a convolutional tower whose stages stand one after the other."""
    stages = getattr(getattr(tower.visual, "trunk", None), "blocks", None)
    return stages if isinstance(stages, nn.Sequential) and not tower.has_attention else None


def embed(encoder: ImageEncoder, pixels: Tensor, valid: Tensor, *, mirror: bool) -> ImageEmbeddings:
    """A batch through the tower; with `mirror`, the mirror images in the same pass too, and the mean of both,
    patch by patch."""
    if not mirror:
        return encoder(pixels, valid)
    with torch.inference_mode():
        both = encoder(torch.cat([pixels, pixels.flip(-1)]), torch.cat([valid, valid.flip(-1)]))
        return mean_of_halves(both)


def make_encoder(
    checkpoint: Checkpoint, folder: Path | None, device: torch.device, execution: Execution
) -> ImageEncoder:
    """The encoder that is asked for; of several, the one that is fastest here.

    Args:
        checkpoint: its model already on the device.
        folder: where its graph may lie; None for a model without a folder.
        device: where it is computed.
        execution: what is asked for.

    Raises:
        CheckpointError: ONNX was asked for, and there is no graph, it is another model's, or ONNX Runtime is
            not installed, or not for this device; or the graph that "auto" finds is another model's.
    """
    bf16 = execution.precision == "bf16" or (execution.precision == "auto" and computes_bf16(device))
    ours = TorchEncoder(checkpoint.model, bf16=bf16)
    if execution.backend == "torch":
        return ours
    if execution.backend == "onnx":
        if folder is None:
            raise CheckpointError(
                f"{checkpoint.model.config.name} has no folder that could hold its graph; use --backend "
                "torch."
            )
        return OnnxEncoder(folder, checkpoint.sha256, checkpoint.model.grid, device)
    if folder is None or not (folder / ONNX).exists() or not OnnxEncoder.runs_on(device):
        return ours
    graph = OnnxEncoder(folder, checkpoint.sha256, checkpoint.model.grid, device)
    return fastest([ours, graph], checkpoint, device)


def fastest(encoders: Sequence[ImageEncoder], checkpoint: Checkpoint, device: torch.device) -> ImageEncoder:
    """The one that takes the least time for one image, as an engine passes it."""
    count = 2 if checkpoint.calibration.mirror else 1
    size = checkpoint.model.config.image_size
    pixels = torch.zeros(count, 1, size, size, device=device)
    valid = torch.ones(count, *checkpoint.model.grid, dtype=torch.bool, device=device)

    def seconds(encoder: ImageEncoder) -> float:
        encoder(pixels, valid)
        spent = []
        for _ in range(_ROUNDS):
            started = time.perf_counter()
            encoder(pixels, valid).patches.cpu()  # waits for a GPU
            spent.append(time.perf_counter() - started)
        return min(spent)

    return min(encoders, key=seconds)


def computes_bf16(device: torch.device) -> bool:
    """Whether a device has bf16 arithmetic of its own; by way of fp32 it takes longer than fp32 itself."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in _BF16)
