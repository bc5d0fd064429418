"""Samples to the decoded images of a run: patients held out, copies left out, and everything checked before a
step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from patchclip.errors import DataError
from trainer.config import FitConfig
from trainer.data.checks import check_classes, check_loaded, unknown_patients, without_copies
from trainer.data.loaded import Loaded, load_samples
from trainer.data.sample import Sample
from trainer.data.split import hold_out
from trainer.fit.distributed import Processes


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Decoded images of the two halves; they share no patient and no picture.

    Attributes:
        train: at `data.cache_margin` times the model's input size.
        held_out: at the model's input size.
        unreadable: a sentence for each image that cannot be decoded.
        copies: a sentence for each training image that has the pixels of a held-out one.
        notices: sentences on what a reader should know of the others.
    """

    train: list[Loaded]
    held_out: list[Loaded]
    unreadable: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def load_training_data(
    samples: Sequence[Sample],
    config: FitConfig,
    labels: Sequence[str],
    processes: Processes,
    cache: Path | None = None,
    *,
    calibrated: bool = True,
) -> TrainingData:
    """Divides the samples by patient, and decodes them.

    Args:
        samples: of all sources.
        config: the recipe.
        labels: the findings that are learnt.
        processes: this process among all; the first one alone fills the cache.
        cache: folder that keeps decoded images.
        calibrated: whether the held-out images are to be calibrated on.

    Raises:
        DataError: nothing is left to train on, one class alone is shown of every finding, or the held-out
            images cannot be calibrated on.
    """
    train, dev = hold_out(samples, config.data.dev_fraction, config.seed, config.data.dev_offset)
    if not train:
        raise DataError(
            "Nothing is left to train on after holding out patients; lower data.dev_fraction or add data."
        )
    one_class = check_classes(train, labels)

    if cache and not processes.first:
        processes.wait()  # for the first one to have filled the cache
    loaded, broken = load_samples(train, round(config.model.image_size * config.data.cache_margin), cache)
    held_out, broken_held_out = load_samples(dev, config.model.image_size, cache)
    if cache and processes.first:
        processes.wait()

    unreadable = [*broken, *broken_held_out]
    check_loaded(loaded, held_out, len(dev), labels, unreadable, calibrated=calibrated)
    loaded, copies = without_copies(loaded, held_out)
    if not loaded:
        raise DataError("Every training image has the same pixels as a held-out one; remove the copies.")
    notices = unknown_patients(samples) + ([one_class] if one_class else [])
    return TrainingData(loaded, held_out, tuple(unreadable), tuple(copies), tuple(notices))
