"""What a model is taught from, and what it is then measured on: readings by case, original data by
patient."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from patchclip.errors import DataError
from trainer.config import FitConfig
from trainer.data.checks import without_copies
from trainer.data.loaded import Loaded, load_samples
from trainer.data.sample import Sample
from trainer.data.split import hold_out

FEWEST = 8
"""Images with readings below which nothing is taught."""
MOST_REPLAYED, MOST_COMPARED = 2000, 1000
"""Original images that are learnt from, and compared on, at most."""


@dataclass(frozen=True, slots=True)
class Material:
    """Decoded images at the model's input size; the halves share no case, no patient and no picture.

    Attributes:
        readings, original: to learn from.
        held_readings, held_original: to compare on.
        left_out: a sentence for each image that was not used.
    """

    readings: tuple[Loaded, ...]
    held_readings: tuple[Loaded, ...]
    original: tuple[Loaded, ...]
    held_original: tuple[Loaded, ...]
    left_out: tuple[str, ...]


def gather(
    readings: Sequence[Sample], original: Sequence[Sample], config: FitConfig, held_out: float
) -> Material:
    """Divides and decodes.

    Of readings nobody knows the patient, so that cases are held out by their pixels: a case that is held out
    once is held out in every later teaching, whatever is read in between. Original data is divided as `fit`
    divides it, so that a model which was trained by the same recipe never saw what is compared on. A case
    that is an original image lies in that image's half.

    Args:
        readings: images with what readers said of them.
        original: images of what the model was trained on; may be empty.
        config: the recipe.
        held_out: share of the readings' images, in [0, 1).

    Raises:
        DataError: fewer than 8 images with readings can be read, or none of them is left to learn from.
    """
    size, seed = config.model.image_size, config.seed
    told = [sample for sample in readings if sample.states]
    judged, broken = load_samples(told, size)
    if len(judged) < FEWEST:
        raise DataError(
            f"Readings decide something on {len(judged)} images that can be read, and teaching needs "
            f"{FEWEST}; have more cases read."
        )
    train, dev = hold_out(original, config.data.dev_fraction, seed, config.data.dev_offset)
    replayed, broken_train = load_samples(some_of(train, MOST_REPLAYED, seed), size)
    compared, broken_dev = load_samples(some_of(dev, MOST_COMPARED, seed), size)
    replayed, copies = without_copies(replayed, compared)

    sides = {item.sha256: True for item in compared} | {item.sha256: False for item in replayed}
    apart = [sides.get(item.sha256, is_held_out(item.sha256, held_out, seed)) for item in judged]
    learnt = tuple(item for item, side in zip(judged, apart, strict=True) if not side)
    if not learnt:
        raise DataError("All readings are held out, so nothing can be learnt; lower --held-out.")
    seen = {item.sha256 for item in judged}
    return Material(
        readings=learnt,
        held_readings=tuple(item for item, side in zip(judged, apart, strict=True) if side),
        original=tuple(item for item in replayed if item.sha256 not in seen),
        held_original=tuple(item for item in compared if item.sha256 not in seen),
        left_out=(*broken, *broken_train, *broken_dev, *copies),
    )


def is_held_out(sha256: str, share: float, seed: int) -> bool:
    """Whether a case is held out: its pixels have a fixed random place in [0, 1)."""
    digest = hashlib.sha256(f"{seed}/readings/{sha256}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share


def some_of(samples: Sequence[Sample], most: int, seed: int) -> list[Sample]:
    """At most so many, always the same: half of them outlined where there are as many, the others as they
    come."""

    def place(sample: Sample) -> bytes:
        return hashlib.sha256(f"{seed}/{sample.source}/{sample.path.name}".encode()).digest()

    if len(samples) <= most:
        return list(samples)
    drawn = sorted(samples, key=place)
    outlined = [sample for sample in drawn if sample.shapes][: most // 2]
    chosen = {id(sample) for sample in outlined}
    return outlined + [sample for sample in drawn if id(sample) not in chosen][: most - len(outlined)]
