"""Two views of each radiograph, and where a place of one lies in the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from trainer.batches.augment import draw_matrix, vary_grey, warp_image
from trainer.config import AugmentConfig
from trainer.data.loaded import Loaded

WIDER = AugmentConfig(
    rotation=12.0, zoom=(1.0, 1.9), shift=0.25, stretch=0.1, gamma=0.35, contrast=0.3, noise=0.03, blur=0.4
)
"""Views share a part of the chest and differ in exposure, so that only what is in it tells them alike."""

Arrays = tuple[NDArray[Any], ...]


@dataclass(frozen=True, slots=True)
class Views:
    """A batch seen twice.

    Attributes:
        pixels: two of float32 [B, 1, S, S] in [0, 1].
        matrices: two of float32 [B, 2, 3], unit square of the image -> unit square of the view.
    """

    pixels: tuple[Tensor, Tensor]
    matrices: tuple[Tensor, Tensor]

    def to(self, device: torch.device) -> Views:
        """The batch on a device."""
        one, other = (part.to(device, memory_format=torch.channels_last) for part in self.pixels)
        first, second = (part.to(device) for part in self.matrices)
        return Views((one, other), (first, second))


class PairedViews(Dataset[Arrays]):
    """Item (position, draw) -> both views of an image and their matrices, a function of `draw` alone."""

    def __init__(self, items: Sequence[Loaded], size: int, augment: AugmentConfig = WIDER) -> None:
        """size: of the views, in pixels."""
        self.items, self.size, self.augment = items, size, augment

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, key: tuple[int, int]) -> Arrays:
        position, draw = key
        rng = np.random.default_rng(draw)
        image = self.items[position].image
        views: list[NDArray[Any]] = []
        for _ in range(2):
            matrix = draw_matrix(self.augment, rng)
            seen = vary_grey(warp_image(image, matrix, self.size), self.augment, rng)
            views += [seen[None], matrix.astype(np.float32)]
        return tuple(views)


def collate_views(rows: list[Arrays]) -> Views:
    """Stacks items into a batch."""
    one, first, other, second = (torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True))
    return Views((one, other), (first, second))


def places_in_other(matrix: Tensor, other: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Where the centres of one view's patches lie in the other.

    Args:
        matrix, other: [B, 2, 3], unit square of the image -> that of the view.
        grid: (R, C) of the view's patches.

    Returns:
        float [B, R, C, 2], places (x, y) in the other view's unit square, and bool [B, R, C], which of them
        lie in the image and in the other view.
    """
    rows, columns = grid
    y = (torch.arange(rows, device=matrix.device) + 0.5) / rows
    x = (torch.arange(columns, device=matrix.device) + 0.5) / columns
    centres = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], dim=-1).reshape(1, -1, 2)
    there = torch.linalg.solve(
        matrix[:, :, :2], (centres - matrix[:, :, 2].unsqueeze(1)).transpose(1, 2)
    ).transpose(1, 2)
    seen = there @ other[:, :, :2].transpose(1, 2) + other[:, :, 2].unsqueeze(1)
    inside = ((there >= 0) & (there <= 1) & (seen >= 0) & (seen <= 1)).all(dim=-1)
    return seen.unflatten(1, grid), inside.unflatten(1, grid)
