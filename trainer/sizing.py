"""How long training takes on how many GPUs: what this machine can measure of it, and the arithmetic beyond.

Measured: operations, bytes kept for the backward pass and parameters of the recipe's model, steps on this
processor, and how fast one core reads a shard's images. Computed, and marked so: GPUs, from a stated peak and
share of it that is used.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from patchclip.image.synthetic import synthetic_radiograph
from patchclip.model.patchclip import PatchCLIP
from patchclip.model.preprocess import model_input
from trainer.batches.augment import draw_matrix, vary_grey, warp_image
from trainer.config import FitConfig

MIMIC = 377_110
"""Images of MIMIC-CXR (Johnson et al., Scientific Data 2019)."""
BACKWARD = 2.0
"""Operations of a backward pass for each of the forward pass (Kaplan et al. 2020, section 2.1)."""
STATE_BYTES = 20
"""Of each parameter in fp32: weight, gradient, two moments of AdamW, moving average."""
COUNTS = (1, 8, 64)


@dataclass(frozen=True, slots=True)
class Measured:
    """What this machine says of a recipe.

    Attributes:
        tower: its name.
        size: of the input in pixels.
        parameters: of the model.
        block_parameters: of the tower's blocks, which FSDP divides.
        forward: floating-point operations of one image's forward pass; a multiply-add is two.
        kept: bytes of fp32 activations that one image's backward pass needs.
        threads: that the step used.
        step: images/s of forward, backward and AdamW on this processor in fp32; the median of its steps.
        read: images/s that one core reads from a shard, warps and varies.
    """

    tower: str
    size: int
    parameters: int
    block_parameters: int
    forward: float
    kept: float
    threads: int
    step: float
    read: float


@dataclass(frozen=True, slots=True)
class Gpu:
    """An accelerator, as assumed: peak in operations a second, and the share of it that training uses."""

    peak: float
    used: float


def measure(config: FitConfig, batch: int, steps: int) -> Measured:
    """Takes a model with random weights through its steps.

    Args:
        config: the recipe; its last input size counts.
        batch: images of a step here.
        steps: that are timed, after one that is not.
    """
    model = PatchCLIP(config.model).train()
    size = config.model.image_size
    pixels = torch.rand(batch, 1, size, size)
    # In training mode and step by step, since fused attention is not counted.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        model.encode_image(pixels[:1])
    forward = float(counter.get_total_flops())
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-6)
    kept: dict[int, int] = {}

    def keep(value: Tensor) -> Tensor:
        kept[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
        return value

    seconds: list[float] = []
    activations = 0
    for number in range(steps + 1):
        started = time.perf_counter()
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
            embeddings = model.encode_image(pixels)
        weights = {item.untyped_storage().data_ptr() for item in model.state_dict().values()}
        if number == 0:
            activations = sum(length for place, length in kept.items() if place not in weights)
        (embeddings.patches.square().mean() + embeddings.global_.square().mean()).backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        if number:
            seconds.append(time.perf_counter() - started)
    return Measured(
        tower=config.model.tower,
        size=size,
        parameters=sum(item.numel() for item in model.parameters()),
        block_parameters=sum(item.numel() for item in model.tower.visual.parameters()),
        forward=forward,
        kept=activations / batch,
        threads=torch.get_num_threads(),
        step=batch / float(np.median(seconds)),
        read=read_rate(config, 16),
    )


def read_rate(config: FitConfig, images: int) -> float:
    """Images/s that one core reads as PNG, warps and varies for training, of drawn radiographs."""
    size = config.model.image_size
    stored = round(size * config.data.cache_margin)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "image.png"
        square = model_input(synthetic_radiograph("effusion", size=stored, seed=0).pixels, stored)[0]
        cv2.imwrite(str(file), np.round(square * 255).astype(np.uint8))
        started = time.perf_counter()
        for number in range(images):
            rng = np.random.default_rng(number)
            content = np.frombuffer(file.read_bytes(), np.uint8)
            image = np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE), np.uint8)
            vary_grey(warp_image(image, draw_matrix(config.augment, rng), size), config.augment, rng)
        return images / (time.perf_counter() - started)


def table(found: Measured, gpu: Gpu, batch: int, epochs: int, images: int = MIMIC) -> str:
    """Markdown: what was measured, and GPUs with the arithmetic.

    Args:
        found: of `measure`.
        gpu: as assumed.
        batch: images of a step on one GPU.
        epochs: passes over the images.
        images: of the dataset.
    """
    training = found.forward * (1 + BACKWARD)
    rate = gpu.peak * gpu.used / training
    kept = found.kept / 2 * batch  # in bf16
    rest = found.parameters - found.block_parameters
    lines = [
        f"{found.tower} at {found.size} px, {found.parameters / 1e6:.1f} million parameters, of which "
        f"{found.block_parameters / 1e6:.1f} in the tower.",
        "",
        "| Measured here | |",
        "| --- | --- |",
        f"| Forward pass of an image | {found.forward / 1e9:.2f} GFLOP |",
        f"| Activations kept for its backward pass, fp32 | {found.kept / 2**20:.0f} MB |",
        f"| Training step on {found.threads} processor thread(s), fp32 | {found.step:.2f} images/s |",
        f"| Reading a shard's image, with augmentation, one core | {found.read:.0f} images/s |",
        "",
        f"Computed, not measured: GPUs of {gpu.peak / 1e12:.0f} TFLOP/s in bf16, {gpu.used:.0%} of it used, "
        "nothing "
        "lost to communication.",
        "",
        f"- a training image costs {found.forward / 1e9:.2f} x (1 + {BACKWARD:g}) = {training / 1e9:.2f} "
        "GFLOP",
        f"- a GPU takes {gpu.peak / 1e12:.0f} x {gpu.used:g} x 1000 / {training / 1e9:.2f} = {rate:.0f} "
        "images/s",
        f"- weights, gradients, moments and average: {STATE_BYTES} bytes a parameter; activations in bf16: "
        f"{found.kept / 2**20:.0f} / 2 x {batch} images = {kept / 2**30:.1f} GB",
        f"- {epochs} epochs of {images:,} images are {epochs * images:,} images",
        "",
        "| GPUs | images/s | memory of each, whole | with optim.shard_tower | hours | cores that read |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for count in COUNTS:
        whole = found.parameters * STATE_BYTES + kept
        divided = (found.block_parameters / count + rest) * STATE_BYTES + kept
        hours = epochs * images / (rate * count) / 3600
        cores = rate * count / found.read
        lines.append(
            f"| {count} | {rate * count:,.0f} | {whole / 2**30:.1f} GB | {divided / 2**30:.1f} GB | "
            f"{hours:.2f} | "
            f"{cores:.0f} |"
        )
    return "\n".join(lines)
