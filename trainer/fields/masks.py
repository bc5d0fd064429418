"""Which images the lung network learns from and is measured on, and the teacher's masks of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from patchclip.errors import DataError, RadiographError
from patchclip.image import load_radiograph
from patchclip.image.thorax import LEAST_AREA, SIZE, inner_pixels, lung_input
from patchclip.model.preprocess import model_input
from trainer.data.sample import Sample
from trainer.data.split import hold_out
from trainer.fields.teacher import Teacher, lung_mask

HELD_OUT_SHARE = 0.25
"""Of the training patients, whom the network never sees."""
INPUT_SIZE = 384
"""Pixels of the square that images come through, as the engine's do."""


@dataclass(frozen=True, slots=True)
class Masked:
    """An image with the teacher's opinion of it.

    Attributes:
        sample: what is known of it.
        input: float32 [1, 128, 128], see `lung_input`.
        size: (H, W) of the image in pixels.
        lungs: bool [2, 512, 512], the lungs at the left and at the right of the image, stretched over it;
            None where the teacher sees no two.
    """

    sample: Sample
    input: Tensor
    size: tuple[int, int]
    lungs: NDArray[np.bool_] | None


def divided(samples: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """(to learn from, to measure on), by patient; see `hold_out`."""
    return hold_out(samples, HELD_OUT_SHARE, seed=0)


def one_each(samples: Sequence[Sample], most: int) -> list[Sample]:
    """One image of each patient, of at most so many, in an order that depends on the patients alone."""

    def place(sample: Sample) -> str:
        return hashlib.sha256(f"{sample.patients}/{sample.patient or sample.path.name}".encode()).hexdigest()

    first: dict[str, Sample] = {}
    for sample in sorted(samples, key=lambda item: item.path.name):
        first.setdefault(place(sample), sample)
    return [first[key] for key in sorted(first)][:most]


def network_input(file: Path) -> tuple[Tensor, tuple[int, int]]:
    """An image as the engine gives it to the network, float32 [1, 128, 128], and its size (H, W).

    Raises:
        RadiographError: see `load_radiograph`.
    """
    pixels = load_radiograph(file).pixels
    square, box = model_input(pixels, INPUT_SIZE)
    return lung_input(inner_pixels(square, box))[0], (pixels.shape[0], pixels.shape[1])


def teacher_masks(
    samples: Sequence[Sample], teacher: Teacher, cache: Path | None = None
) -> tuple[list[Masked], list[str]]:
    """The teacher's masks of images, and a sentence for each image that cannot be read.

    cache: folder where masks are kept as PNG under the images' names, for the next run.
    """
    if cache:
        cache.mkdir(parents=True, exist_ok=True)
    masked: list[Masked] = []
    broken: list[str] = []
    for sample in samples:
        try:
            network, size = network_input(sample.path)
            mask = _kept_mask(sample.path, teacher, cache)
        except RadiographError as error:
            broken.append(f"{sample.path.name}: {error}")
            continue
        masked.append(Masked(sample, network, size, two_lungs(mask)))
    return masked, broken


def _kept_mask(file: Path, teacher: Teacher, cache: Path | None) -> NDArray[np.bool_]:
    kept = cache / f"{file.stem}.png" if cache else None
    if kept and kept.exists():
        stored = cv2.imread(str(kept), cv2.IMREAD_GRAYSCALE)
        if stored is None:
            raise DataError(f"{kept} is no picture; remove it, and the teacher is asked again.")
        return np.asarray(stored > 0)
    mask = lung_mask(teacher, load_radiograph(file).pixels)
    if kept and not cv2.imwrite(str(kept), mask.astype(np.uint8) * 255):
        raise DataError(f"{kept} cannot be written; name another folder for the masks.")
    return mask


def two_lungs(mask: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """The two largest parts of a mask [H, W], that at the left of the image first, [2, H, W]; None where
    there are no two of a lung's size."""
    count, labels, statistics, centres = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=8
    )
    order = 1 + np.argsort(-statistics[1:, cv2.CC_STAT_AREA])
    if count < 3 or statistics[order[1], cv2.CC_STAT_AREA] < LEAST_AREA * mask.size:
        return None
    pair = sorted(order[:2], key=lambda number: float(centres[number][0]))
    return np.stack([labels == number for number in pair])


def targets(lungs: NDArray[np.bool_]) -> Tensor:
    """bool [2, H, W] -> float32 [2, 128, 128], shares of each pixel that are lung."""
    return torch.from_numpy(
        np.stack(
            [
                cv2.resize(lung.astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
                for lung in lungs
            ]
        )
    )
