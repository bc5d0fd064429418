"""Pictures that the image gate must refuse, by family: drawn ones, photographs, and real radiographs
spoilt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import cv2
import numpy as np

from patchclip.types import FloatArray
from trainer.gate import bodies, scenes

Rng = np.random.Generator
LUMA = np.array([0.299, 0.587, 0.114], np.float32)

DRAWN: dict[str, Callable[[Rng], FloatArray]] = {
    "limb": bodies.limb,
    "hand": bodies.hand,
    "lateral chest": bodies.lateral_chest,
    "abdomen": bodies.abdomen,
    "pelvis": bodies.pelvis,
    "skull": bodies.skull,
    "spine": bodies.spine,
    "CT slice": bodies.ct_slice,
    "brain slice": bodies.brain,
    "ultrasound": bodies.ultrasound,
    "mammogram": bodies.mammogram,
    "document": scenes.document,
    "screenshot": scenes.screenshot,
    "noise": scenes.noise,
    "blank": scenes.blank,
    "shapes": scenes.shapes,
}
"""Family -> how one of its pictures is drawn."""


def upside_down(chest: FloatArray, rng: Rng) -> FloatArray:
    """Turned by half a turn, or flipped."""
    return np.ascontiguousarray(chest[::-1, :: rng.choice([-1, 1])])


def on_its_side(chest: FloatArray, rng: Rng) -> FloatArray:
    """Turned by a quarter, either way."""
    return np.ascontiguousarray(np.rot90(chest, rng.choice([1, 3])))


def cropped(chest: FloatArray, rng: Rng) -> FloatArray:
    """A quarter of the picture or less: 25 to 50 % of either side."""
    height, width = chest.shape
    high, wide = (max(8, round(size * rng.uniform(0.25, 0.5))) for size in (height, width))
    top, left = int(rng.integers(0, height - high + 1)), int(rng.integers(0, width - wide + 1))
    return np.ascontiguousarray(chest[top : top + high, left : left + wide])


def one_side(chest: FloatArray, rng: Rng) -> FloatArray:
    """One lung with the spine at its edge, as it is or drawn out to the width of a chest; much like a lateral
    view."""
    height, width = chest.shape
    wide = round(width * rng.uniform(0.42, 0.56))
    half = chest[:, :wide] if rng.random() < 0.5 else chest[:, width - wide :]
    out = (round(wide * rng.uniform(1.0, 1.9)), height)
    return np.asarray(cv2.resize(np.ascontiguousarray(half), out, interpolation=cv2.INTER_LINEAR), np.float32)


def inverted(chest: FloatArray, rng: Rng) -> FloatArray:
    """White for air: nothing turns a PNG round, it is only warned of."""
    return np.asarray(1 - chest, np.float32)


def stretched(chest: FloatArray, rng: Rng) -> FloatArray:
    """Twice as wide or as high as it should be, or more."""
    height, width = chest.shape
    factor = rng.uniform(1.9, 2.6)
    size = (round(width * factor), height) if rng.random() < 0.5 else (width, round(height * factor))
    return np.asarray(cv2.resize(chest, size, interpolation=cv2.INTER_AREA), np.float32)


def tiled(chest: FloatArray, rng: Rng) -> FloatArray:
    """Several pictures on one sheet."""
    rows, cols = ((1, 2), (2, 1), (2, 2), (2, 3))[rng.integers(4)]
    return np.tile(chest, (rows, cols))


SPOILT: dict[str, Callable[[FloatArray, Rng], FloatArray]] = {
    "upside down": upside_down,
    "on its side": on_its_side,
    "cropped": cropped,
    "one side": one_side,
    "inverted": inverted,
    "stretched": stretched,
    "tiled": tiled,
}
"""Family -> how a frontal chest radiograph is spoilt."""

PHOTOGRAPH = "photograph"
FAMILIES = (*DRAWN, PHOTOGRAPH, *SPOILT)


def negatives(
    family: str, count: int, seed: int, chests: Sequence[FloatArray], *, fitting: bool = False
) -> list[FloatArray]:
    """`count` pictures of a family, float32 [H, W] in [0, 1]; a function of family, seed, `chests` and
    `fitting` alone.

    Args:
        family: one of `FAMILIES`.
        count: how many.
        seed: other seeds give other pictures.
        chests: frontal chest radiographs [H, W] in [0, 1], which the spoilt families start from.
        fitting: whether a gate is fitted to them rather than measured on them: photographs for the one are
            never parts of a picture for the other, whatever the seeds.
    """
    rng = np.random.default_rng([seed, FAMILIES.index(family)])
    if family in DRAWN:
        return [DRAWN[family](rng) for _ in range(count)]
    if family == PHOTOGRAPH:
        return [_part(photographs()[0 if fitting else 1], rng) for _ in range(count)]
    return [SPOILT[family](chests[int(rng.integers(len(chests)))], rng) for _ in range(count)]


@lru_cache(maxsize=1)
def photographs() -> tuple[FloatArray, ...]:
    """scikit-learn's sample photographs as luminance [H, W] in [0, 1]: a temple, to fit to, and a flower, to
    measure on."""
    from sklearn.datasets import load_sample_images

    return tuple(
        np.asarray(image.astype(np.float32) / 255 @ LUMA, np.float32) for image in load_sample_images().images
    )


def _part(photograph: FloatArray, rng: Rng) -> FloatArray:
    """A part of a photograph at any scale, mirrored or not, darker or lighter."""
    height, width = photograph.shape
    high, wide = (round(size * rng.uniform(0.3, 1.0)) for size in (height, width))
    top, left = int(rng.integers(0, height - high + 1)), int(rng.integers(0, width - wide + 1))
    part = photograph[top : top + high, left : left + wide : 1][:, :: rng.choice([-1, 1])]
    return np.asarray(np.ascontiguousarray(part) ** rng.uniform(0.5, 2), np.float32)
