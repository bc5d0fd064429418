"""Samples to batches: images kept in memory as 8-bit squares, targets made on the fly, every draw a function
of (seed, position)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from patchclip.data.findings import LUNG_OPACITY
from trainer.batches.augment import IDENTITY, draw_matrix, vary_grey, warp_image, warp_points
from trainer.batches.reports import ReportFeatures, Reports, padded_features
from trainer.batches.synthetic_lesions import Implant, Implanter
from trainer.batches.targets import IGNORED, NEGATIVE, patch_targets
from trainer.config import AugmentConfig, DataConfig
from trainer.data.loaded import Loaded
from trainer.data.states import state_table

Arrays = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """One training batch.

    Attributes:
        pixels: float32 [B, 1, S, S] in [0, 1].
        valid: bool [B, R, C].
        image_targets: int8 [B, K], 1 present, 0 absent, -1 unknown.
        image_weights: float32 [B, K], trust in that target.
        patch_targets: int8 [B, P, K], 1 / 0 / -1 (ignored).
        patch_weights: float32 [B, K], trust in the image's negative patches.
        reports: sentence features of the images' reports; None in a run that does not learn from reports.
    """

    pixels: Tensor
    valid: Tensor
    image_targets: Tensor
    image_weights: Tensor
    patch_targets: Tensor
    patch_weights: Tensor
    reports: Reports | None = None

    def to(self, device: torch.device) -> Batch:
        """The batch on a device, pixels in channels-last order."""
        tensors = {
            name: value.to(device, non_blocking=True)
            for name in self.__dataclass_fields__
            if isinstance(value := getattr(self, name), Tensor)
        }
        tensors["pixels"] = tensors["pixels"].contiguous(memory_format=torch.channels_last)
        reports = self.reports and Reports(self.reports.features.to(device), self.reports.mask.to(device))
        return Batch(**tensors, reports=reports)


class PatchDataset(Dataset[tuple[Arrays, ...]]):
    """Item (position, draw) -> arrays of one augmented sample; `draw` seeds its augmentation, None means
    none."""

    def __init__(
        self,
        items: Sequence[Loaded],
        labels: Sequence[str],
        grid: int,
        size: int,
        data: DataConfig,
        augment: AugmentConfig,
        reports: Sequence[ReportFeatures] | None = None,
    ) -> None:
        """reports: one for each item, where reports are learnt from."""
        self.items, self.labels, self.grid, self.size = items, list(labels), grid, size
        self.data, self.augment, self.reports = data, augment, reports
        self.states = state_table(items, labels)
        self._implanter = Implanter(items, labels) if data.implants else None

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, key: tuple[int, int | None]) -> tuple[Arrays, ...]:
        position, draw = key
        item = self.items[position]
        rng = np.random.default_rng(0 if draw is None else draw)
        matrix = IDENTITY if draw is None else draw_matrix(self.augment, rng)
        states, picture, drawn = self.states[position], item.image, None
        if (
            draw is not None
            and self._implanter
            and self._implanter.free[position]
            and rng.random() < self.data.implants
        ):
            drawn = self._implanter.draw(picture, rng)
            states, picture = self._with(drawn.label, states), drawn.image
        image = warp_image(picture, matrix, self.size)
        if draw is not None:
            image = vary_grey(image, self.augment, rng)
        arrays = image[None], *self.truth(position, matrix, states, drawn)
        if self.reports is None:
            return arrays
        mirrored = np.linalg.det(matrix[:, :2]) < 0
        return *arrays, self.reports[position].mirrored if mirrored else self.reports[position].plain

    def truth(
        self,
        position: int,
        matrix: NDArray[np.float64] = IDENTITY,
        states: NDArray[np.int8] | None = None,
        drawn: Implant | None = None,
    ) -> tuple[Arrays, ...]:
        """What is known of an image under an augmentation, without its pixels: of a `Batch`, one row of all
        that is between pixels and reports.

        states: where they differ from the image's own, since a lesion was `drawn` on it.
        """
        item, states = self.items[position], self.states[position] if states is None else states

        def on_grid(placed: NDArray[np.float64]) -> NDArray[np.float64]:
            return warp_points(placed, matrix) * self.grid

        frame = on_grid(item.placed([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]))
        inside = patch_targets([frame], self.grid, self.grid, tau=0.5) == 1
        targets = np.full((len(self.labels), self.grid, self.grid), IGNORED, np.int8)
        targets[(states == 0) | (states == 2)] = NEGATIVE
        shapes: dict[str, list[NDArray[np.float64]]] = {}
        for shape in item.sample.shapes:
            shapes.setdefault(shape.label, []).append(on_grid(item.placed(shape.points)))
        if drawn is not None:
            shapes[drawn.label] = [on_grid(drawn.outline)]
        for label, polygons in shapes.items():
            targets[self.labels.index(label)] = patch_targets(polygons, self.grid, self.grid, self.data.tau)
        targets[:, ~inside] = IGNORED
        image_targets = np.where(states == 2, 0, states)
        image_weights = np.where(states == 2, self.data.not_mentioned_weight, 1.0)
        patch_weights = np.where(states == 2, self.data.not_mentioned_patch_weight, 1.0)
        return inside, image_targets, image_weights, targets.reshape(len(self.labels), -1).T, patch_weights

    def _with(self, label: str, states: NDArray[np.int8]) -> NDArray[np.int8]:
        """The states of an image that a lesion was drawn on; whether a reader would call that an opacity is
        not known."""
        changed = states.copy()
        changed[self.labels.index(label)] = 1
        if LUNG_OPACITY in self.labels:
            changed[self.labels.index(LUNG_OPACITY)] = -1
        return changed


def collate(rows: list[tuple[Arrays, ...]]) -> Batch:
    """Stacks items into a batch."""
    pixels, valid, image_targets, image_weights, targets, patch_weights = (
        np.stack(column) for column in zip(*(row[:6] for row in rows), strict=True)
    )
    features = [torch.from_numpy(row[6]) for row in rows if len(row) > 6]
    return Batch(
        torch.from_numpy(pixels),
        torch.from_numpy(valid),
        torch.from_numpy(image_targets.astype(np.int8)),
        torch.from_numpy(image_weights.astype(np.float32)),
        torch.from_numpy(targets),
        torch.from_numpy(patch_weights.astype(np.float32)),
        padded_features(features, features[0].shape[1]) if features else None,
    )
