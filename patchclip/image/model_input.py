"""From radiograph pixels to a model's input: one owner, shared by engine, evaluation and training.

It needs no torch, so that processes that decode can make it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from patchclip.image.geometry import Fit, Letterbox
from patchclip.image.pixelwise import in_blocks
from patchclip.image.radiograph import HeaderFacts, Radiograph
from patchclip.types import FloatArray


@dataclass(frozen=True, slots=True)
class InputStyle:
    """How a model wants its square.

    Attributes:
        standardised: whether exposure and window are evened out first, see `standardise`.
        fit: how the image fills the square.
    """

    standardised: bool = True
    fit: Fit = "pad"


STANDARD = InputStyle()
"""Of every model trained here."""


@dataclass(frozen=True, slots=True)
class ModelInput:
    """What a model takes: squares of `size` pixels a side, in a style."""

    size: int
    style: InputStyle = STANDARD


@dataclass(frozen=True, slots=True)
class Prepared:
    """A radiograph as a model sees it, and what is said of it: small enough to go from process to process.

    Attributes:
        square: the model's input, float32 [S, S] in [0, 1].
        standard: the same in the style of the models that are trained here, which the image gate knows.
        letterbox: from original pixels to the input and back.
        facts, warnings, sha256: as of the `Radiograph`.
    """

    square: FloatArray
    standard: FloatArray
    letterbox: Letterbox
    facts: HeaderFacts
    warnings: tuple[str, ...]
    sha256: str


def standardise(pixels: FloatArray) -> FloatArray:
    """Removes exposure and window differences: (p - mean) / (4 std) + 1/2, clipped to [0, 1].

    pixels float32 [H, W] in [0, 1] -> the same shape, mean about 0.5 and standard deviation about 0.25.
    """
    # In double precision, and without the two pictures that NumPy makes for a standard deviation.
    mean = cv2.mean(pixels)[0]
    variance = cv2.norm(pixels, cv2.NORM_L2SQR) / pixels.size - mean**2
    spread = max(math.sqrt(max(variance, 0.0)), 1e-3)

    def even(part: FloatArray, out: FloatArray) -> None:
        np.subtract(part, mean, out=out)
        np.divide(out, 4.0 * spread, out=out)
        np.add(out, 0.5, out=out)
        np.clip(out, 0.0, 1.0, out=out)

    return in_blocks(even, pixels)


def model_input(pixels: FloatArray, size: int, style: InputStyle = STANDARD) -> tuple[FloatArray, Letterbox]:
    """float32 [H, W] -> float32 [size, size] in [0, 1], standardised if the model wants it and then fitted to
    the square, with the geometry that undoes it."""
    box = Letterbox(height=pixels.shape[0], width=pixels.shape[1], size=size, fit=style.fit)
    square = box.apply(standardise(pixels) if style.standardised else pixels)
    return (square if style.standardised else np.clip(square, 0.0, 1.0)), box


def prepared(radiograph: Radiograph, wanted: ModelInput) -> Prepared:
    """What a model that takes such squares needs of a radiograph."""
    square, box = model_input(radiograph.pixels, wanted.size, wanted.style)
    standard = square if wanted.style == STANDARD else model_input(radiograph.pixels, wanted.size)[0]
    return Prepared(square, standard, box, radiograph.facts, radiograph.warnings, radiograph.sha256)
