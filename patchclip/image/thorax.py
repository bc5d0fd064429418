"""Where the lungs are: a small network's masks, and the frame of the chest that they span."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from patchclip.errors import CheckpointError
from patchclip.image.geometry import Letterbox
from patchclip.resources import ASSETS
from patchclip.types import FloatArray

WEIGHTS = ASSETS / "lung-fields"
SIZE = 128
"""Pixels of the network's square input, to which the image is stretched."""

LEAST_AREA = 0.02
"""Share of the image that either lung must cover; less is no lung, or a picture of something else."""
LEAST_ROWS = 0.2
"""Share of the image's height over which both lungs must be seen."""
MOST_LEAN = 0.1
"""Columns per row that a patient's midline leans by; more is a mask gone wrong."""
LEAST_WIDTH = 0.75
"""Of the other side's, from midline to lateral border: what is narrower is a lung seen in part."""


class LungNet(nn.Module):
    """A U-Net of three levels: grey image [B, 1, 128, 128], standardised -> logits [B, 2, 128, 128].

    Channel 0 is the lung at the left of the image, 1 the one at its right. It computes at half of the
    resolution, four pixels as the channels of one, and enlarges its logits.
    """

    def __init__(self, width: int) -> None:
        """width: channels of the first level; the others have two and three times as many."""
        super().__init__()
        widths = [width, 2 * width, 3 * width]
        self.down = nn.ModuleList(
            _convolutions(before, after) for before, after in zip([4, *widths[:-1]], widths, strict=True)
        )
        self.up = nn.ModuleList(
            _convolutions(below + beside, beside)
            for below, beside in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.out = nn.Conv2d(width, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        x = F.pixel_unshuffle(x, 2)
        skips: list[Tensor] = []
        for number, level in enumerate(self.down):
            x = level(x if number == 0 else F.max_pool2d(x, 2))
            skips.append(x)
        for level, skip in zip(self.up, skips[-2::-1], strict=True):
            x = level(torch.cat([_enlarged(x), skip], dim=1))
        return _enlarged(self.out(x))


def _enlarged(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _convolutions(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
        nn.Conv2d(after, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


def inner_pixels(square: FloatArray, box: Letterbox) -> FloatArray:
    """A letterboxed image without its padding: float32 [S, S] -> [H, W]."""
    left, top = round(box.pad_x), round(box.pad_y)
    return square[top : box.size - top, left : box.size - left]


def lung_input(pixels: FloatArray) -> Tensor:
    """float32 [H, W], standardised and without padding -> float32 [1, 1, 128, 128] of mean 0 and variance
    1."""
    square = cv2.resize(pixels, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    spread = max(float(square.std()), 1e-6)
    return torch.from_numpy(((square - square.mean()) / spread).astype(np.float32))[None, None]


@dataclass(frozen=True, slots=True)
class Thorax:
    """The frame of a chest in original image pixels: what places such as "left lower zone" are measured in.

    A lung behind an effusion has no lower border to be seen, so that the frame, not the visible lung, is what
    is divided: both lungs reach as low as the lower of the two, and neither is less than `LEAST_WIDTH` of the
    other's width.

    Attributes:
        top, bottom: y of the higher apex and of the lower base.
        midline: (x at y = 0, x per y): halfway between the medial borders of the lungs.
        edge_left, edge_right: x of the lateral borders at the left and at the right of the image.
    """

    top: float
    bottom: float
    midline: tuple[float, float]
    edge_left: float
    edge_right: float

    def coordinates(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(u, v) of points in the frame: u is 0 on the midline, -1 and 1 at the lateral borders at the left
        and the right of the image; v is 0 at the apices and 1 at the bases. Points beyond lie beyond these
        values."""
        middle = self.midline[0] + self.midline[1] * y
        right = (x - middle) / np.maximum(self.edge_right - middle, 1.0)
        left = (x - middle) / np.maximum(middle - self.edge_left, 1.0)
        return np.where(x >= middle, right, left), (y - self.top) / (self.bottom - self.top)


def find_thorax(square: FloatArray, box: Letterbox) -> Thorax | None:
    """The frame of the chest, or None where no two lungs are seen.

    square: float32 [S, S] in [0, 1], the model's input (see `model_input`); `box` leads from the image to it.
    """
    left, right = lung_masks(lung_input(inner_pixels(square, box)))
    return thorax_of(left, right, box.height, box.width)


def lung_masks(network_input: Tensor, network: LungNet | None = None) -> NDArray[np.bool_]:
    """float32 [1, 1, 128, 128] -> bool [2, 128, 128]: the lungs at the left and at the right of the image.

    network: the bundled one unless told.

    Raises:
        CheckpointError: the bundled network cannot be read.
    """
    with torch.inference_mode():
        return np.asarray(((network or _network())(network_input)[0] > 0).numpy(), bool)


def thorax_of(left: NDArray[np.bool_], right: NDArray[np.bool_], height: int, width: int) -> Thorax | None:
    """The frame that two masks span.

    Args:
        left, right: bool [h, w] of the lungs at the left and at the right of the image, stretched over it.
        height, width: of the image in pixels.
    """
    lungs = [_largest_part(mask) for mask in (left, right)]
    if any(lung.mean() < LEAST_AREA for lung in lungs):
        return None
    rows = [lung.any(axis=1) for lung in lungs]
    both = np.flatnonzero(rows[0] & rows[1])
    if len(both) < LEAST_ROWS * len(left):
        return None
    scale_y, scale_x = height / left.shape[0], width / left.shape[1]

    inner_left = np.array([np.flatnonzero(lungs[0][row])[-1] + 1 for row in both], np.float64)
    inner_right = np.array([np.flatnonzero(lungs[1][row])[0] for row in both], np.float64)
    if np.median(inner_right - inner_left) < 0:
        return None  # lungs that cross each other are none
    # The heart pushes one border aside: the upper half, where the mediastinum is narrow, tells the midline.
    upper = both <= (both[0] + both[-1]) / 2
    middles = (inner_left + inner_right)[upper] / 2
    # How far the patient leans: the mean of the lungs' axes, of which half is the shape of heart and aorta.
    slope = 0.5 * float(np.mean([_lean(lung) for lung in lungs]))
    slope = float(np.clip(slope, -MOST_LEAN, MOST_LEAN))
    start = float(np.median(middles - slope * (both[upper] + 0.5)))

    seen = np.flatnonzero(rows[0] | rows[1])
    columns = [np.flatnonzero(lung.any(axis=0)) for lung in lungs]
    centre = start + slope * (float(seen[0]) + float(seen[-1]) + 1) / 2
    wide_left, wide_right = centre - float(columns[0][0]), float(columns[1][-1]) + 1 - centre
    return Thorax(
        top=float(seen[0]) * scale_y,
        bottom=float(seen[-1] + 1) * scale_y,
        midline=(start * scale_x, slope * scale_x / scale_y),
        edge_left=(centre - max(wide_left, LEAST_WIDTH * wide_right)) * scale_x,
        edge_right=(centre + max(wide_right, LEAST_WIDTH * wide_left)) * scale_x,
    )


def _lean(mask: NDArray[np.bool_]) -> float:
    """Columns per row of a mask's axis: the regression of its pixels' columns on their rows."""
    rows, cols = np.nonzero(mask)
    return float(np.polyfit(rows, cols, 1)[0])


def _largest_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return np.zeros_like(mask)
    return np.asarray(labels == 1 + int(statistics[1:, cv2.CC_STAT_AREA].argmax()))


def load_lung_net(folder: Path) -> LungNet:
    """A network that `python -m trainer lung-fields` wrote.

    Raises:
        CheckpointError: the folder holds none.
    """
    try:
        config = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        network = LungNet(config["width"])
        state = load_file(folder / "model.safetensors")
        network.load_state_dict({name: value.float() for name, value in state.items()})
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(
            f"{folder} holds no network that finds lungs ({type(error).__name__}); install Patch-CLIP "
            "again, or run python -m trainer lung-fields."
        ) from error
    return network.eval()


@cache
def _network() -> LungNet:
    return load_lung_net(WEIGHTS)
