"""Trains the small lung network on a teacher's masks, and on pictures that show no frontal chest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from patchclip.errors import DataError
from patchclip.files import atomic
from patchclip.image.thorax import SIZE, LungNet, inner_pixels, lung_input
from patchclip.model.preprocess import model_input
from patchclip.types import FloatArray
from trainer.fields.masks import INPUT_SIZE, Masked, targets
from trainer.gate.negatives import DRAWN, PHOTOGRAPH, negatives

WIDTH = 12
"""Channels of the network's first level."""
EPOCHS = 40
BATCH = 16
LEARNING_RATE = 5e-3
FEWEST = 20
"""Images with two lungs; fewer teach nothing."""
NOT_UPRIGHT = ("upside down", "on its side")
"""Chests on which the network must find no lungs, as on pictures of anything else."""
EACH_FAMILY = 6
"""Pictures of each family; of those that are turned, four times as many."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """Inputs float32 [N, 1, 128, 128], and masks float32 [N, 2, 128, 128] of the lungs at the left and right
    of each."""

    inputs: Tensor
    masks: Tensor


def lesson(items: Sequence[Masked], each: int = EACH_FAMILY, seed: int = 0) -> Lesson:
    """Images on which the teacher sees two lungs, and of each family of other pictures `each` without any.

    Raises:
        DataError: fewer than 20 images have two lungs.
    """
    pairs = [(item.input, targets(item.lungs)) for item in items if item.lungs is not None]
    if len(pairs) < FEWEST:
        raise DataError(f"The teacher sees two lungs on {len(pairs)} images; {FEWEST} are needed at least.")
    chests = [network[0].numpy() for network, _ in pairs]
    others = [
        picture_input(picture)
        for family in (*DRAWN, PHOTOGRAPH)
        for picture in negatives(family, each, seed, [], fitting=True)
    ]
    # Turned after they were shrunk, as chests are shrunk before: sharpness must not tell them apart.
    others += [
        torch.from_numpy(turned)[None]
        for family in NOT_UPRIGHT
        for turned in negatives(family, 4 * each, seed, chests)
    ]
    pairs += [(other, torch.zeros(2, SIZE, SIZE)) for other in others]
    return Lesson(torch.stack([pair[0] for pair in pairs]), torch.stack([pair[1] for pair in pairs]))


def picture_input(picture: FloatArray) -> Tensor:
    """Any picture, float32 [H, W] in [0, 1], as the engine gives it to the network: float32 [1, 128, 128]."""
    return lung_input(inner_pixels(*model_input(picture, INPUT_SIZE)))[0]


def train(data: Lesson, seed: int = 0, epochs: int = EPOCHS) -> LungNet:
    """The small network after `epochs` over the data, with affine, grey and mirror augmentation.

    The loss is binary cross-entropy and, of pictures with lungs, the soft Dice loss (Milletari et al., 3DV
    2016).
    """
    torch.manual_seed(seed)
    network = LungNet(WIDTH)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    steps = epochs * -(-len(data.inputs) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    network.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(data.inputs)).split(BATCH):
            if len(rows) > 1:  # a batch of one has no variance to be normalised by
                inputs, masks = augmented(data.inputs[rows], data.masks[rows])
                optimizer.zero_grad()
                loss_of(network(inputs), masks).backward()
                optimizer.step()
            schedule.step()
    return network.eval()


def loss_of(logits: Tensor, masks: Tensor) -> Tensor:
    """logits and masks, each [B, 2, H, W] -> scalar, see `train`."""
    probability = logits.sigmoid()
    overlap = 2 * (probability * masks).sum((2, 3)) / (probability + masks).sum((2, 3)).clamp(min=1)
    has_lungs = (masks.sum((1, 2, 3)) > 0).float()[:, None]
    soft_dice = ((1 - overlap) * has_lungs).mean()
    return F.binary_cross_entropy_with_logits(logits, masks) + soft_dice


def augmented(inputs: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """Mirrored half of the time (the lungs then change places), turned by 11 degrees at most, scaled,
    shifted, and with other greys."""
    count = len(inputs)
    mirrored = (torch.rand(count) < 0.5)[:, None, None, None]
    inputs = torch.where(mirrored, inputs.flip(-1), inputs)
    masks = torch.where(mirrored, masks.flip(-1).flip(1), masks)

    angle = (torch.rand(count) - 0.5) * 0.4
    scale = 0.8 + 0.5 * torch.rand(count, 2)
    shift = (torch.rand(count, 2) - 0.5) * 0.3
    cosine, sine = angle.cos(), angle.sin()
    matrix = torch.stack(
        [
            torch.stack([cosine * scale[:, 0], -sine * scale[:, 0], shift[:, 0]], dim=1),
            torch.stack([sine * scale[:, 1], cosine * scale[:, 1], shift[:, 1]], dim=1),
        ],
        dim=1,
    )
    grid = F.affine_grid(matrix, list(inputs.shape), align_corners=False)
    inputs = F.grid_sample(inputs, grid, padding_mode="border", align_corners=False)
    masks = F.grid_sample(masks, grid, align_corners=False)

    gain = 0.7 + 0.6 * torch.rand(count, 1, 1, 1)
    curve = (torch.rand(count, 1, 1, 1) - 0.5) * 0.4
    inputs = gain * inputs + curve * inputs.square() + 0.2 * torch.randn(count, 1, 1, 1)
    return inputs + 0.05 * torch.randn_like(inputs), masks


def save(folder: Path, network: LungNet, record: dict[str, object]) -> None:
    """Weights in half precision, and what they were made from."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in network.state_dict().items()
    }
    with atomic(folder / "model.safetensors") as path:
        save_file(state, path)
    width = network.out.in_channels
    with atomic(folder / "model.json") as path:
        path.write_text(json.dumps({"width": width, **record}, indent=1) + "\n", encoding="utf-8")
