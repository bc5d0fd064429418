"""Samples to batches: images kept in memory as 8-bit squares, targets made on the fly, every draw a function
of (seed, position)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
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
from trainer.batches.truth import Truth, truth_of
from trainer.config import AugmentConfig, DataConfig
from trainer.data.loaded import Loaded
from trainer.data.states import state_table

Arrays = NDArray[Any]
TRUTH = tuple(field.name for field in fields(Truth))


@dataclass(frozen=True, slots=True)
class Batch:
    """One training batch.

    Attributes:
        pixels: float32 [B, 1, S, S] in [0, 1].
        valid: bool [B, R, C].
        image_targets: int8 [B, K], 1 present, 0 absent, -1 unknown.
        image_weights: float32 [B, K], trust in that target.
        patch_targets: int8 [B, P, K], 1 / 0 / -1 (ignored).
        negative_weights: float32 [B, K], trust in the image's negative patches.
        positive_weights: float32 [B, P, K], trust in each positive patch; arbitrary elsewhere.
        mined: bool [B, K], whether the image target rests on labels mined from a report alone.
        reports: sentence features of the images' reports; None in a run that does not learn from reports.
    """

    pixels: Tensor
    valid: Tensor
    image_targets: Tensor
    image_weights: Tensor
    patch_targets: Tensor
    negative_weights: Tensor
    positive_weights: Tensor
    mined: Tensor
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
        weights: NDArray[np.float64] | None = None,
    ) -> None:
        """A dataset at one input size.

        Args:
            items: decoded images.
            labels: the findings.
            grid: patches along one edge of the input.
            size: of the input, in pixels.
            data, augment: of the recipe.
            reports: one for each item, where reports are learnt from.
            weights: [N, K], what each image weighs for each finding beside the trust in what is known of it.
        """
        self.items, self.labels, self.grid, self.size = items, list(labels), grid, size
        self.data, self.augment, self.reports = data, augment, reports
        self.states = state_table(items, labels)
        self.weights = np.ones(self.states.shape) if weights is None else weights
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
        truth = self.truth(position, matrix, states, drawn)
        arrays = image[None], *(getattr(truth, name) for name in TRUTH)
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
    ) -> Truth:
        """What is known of an image under an augmentation.

        states: where they differ from the image's own, since a lesion was `drawn` on it.
        """

        def on_grid(placed: NDArray[np.float64]) -> NDArray[np.float64]:
            return warp_points(placed, matrix) * self.grid

        return truth_of(
            self.items[position],
            self.labels,
            self.states[position] if states is None else states,
            self.weights[position],
            on_grid,
            self.grid,
            self.data,
            drawn,
        )

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
    count = 1 + len(TRUTH)
    pixels, *truth = (np.stack(column) for column in zip(*(row[:count] for row in rows), strict=True))
    columns = dict(zip(TRUTH, truth, strict=True))
    features = [torch.from_numpy(row[count]) for row in rows if len(row) > count]
    return Batch(
        pixels=torch.from_numpy(pixels),
        valid=torch.from_numpy(columns["inside"]),
        image_targets=torch.from_numpy(columns["image_targets"]),
        image_weights=torch.from_numpy(columns["image_weights"].astype(np.float32)),
        patch_targets=torch.from_numpy(columns["patch_targets"]),
        negative_weights=torch.from_numpy(columns["negative_weights"].astype(np.float32)),
        positive_weights=torch.from_numpy(columns["positive_weights"]),
        mined=torch.from_numpy(columns["mined"]),
        reports=padded_features(features, features[0].shape[1]) if features else None,
    )
