"""What commands share that take readings: their flags, reading them beside original data, progress."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from patchclip.model.config import ModelConfig
from patchclip.text.vocabulary import Vocabulary
from trainer.commands.sources import SOURCE, add_changes, print_reading, read_sources
from trainer.config import FitConfig
from trainer.data.adapters.feedback import NothingReadError, read_feedback
from trainer.data.contents import Contents
from trainer.data.sample import Sample
from trainer.data.sources import FEEDBACK, Source, find_source
from trainer.recipe import changed, find_recipe, merged, read_recipe

REPLICATES = 1000


@dataclass(frozen=True, slots=True)
class ToldImages:
    """What was read.

    Attributes:
        readings: images with what readers said of them.
        original: images of original data.
        sources: of the original data, as a run's record calls them.
        left_out: a sentence for each image that was not read.
        has_feedback: whether any data named readings.
    """

    readings: tuple[Sample, ...]
    original: tuple[Sample, ...]
    sources: tuple[str, ...]
    left_out: tuple[str, ...]
    has_feedback: bool


def add_readings(parser: argparse.ArgumentParser, purpose: str) -> None:
    """--data, --study, --recipe, --set, --split, --without-names and --allow-missing.

    purpose: of original data, in words.
    """
    parser.add_argument(
        "--data",
        action="append",
        required=True,
        metavar="SOURCE",
        help="feedback:DATABASE for the readings of studies, or feedback:DATABASE:FOLDER with the images "
        f"that were judged; and, {purpose}, original data: {SOURCE}",
    )
    parser.add_argument("--study", metavar="NAME", help="take the readings of this reader study alone")
    parser.add_argument("--recipe", default="teach", metavar="FILE", help="JSON recipe (teach)")
    add_changes(parser, "optim.epochs=[5]")
    parser.add_argument(
        "--split",
        default="train",
        help='which rows of original data, of sources that name no split ("train")',
    )
    parser.add_argument(
        "--without-names",
        action="store_true",
        help="say how much was left out, but not which files",
    )
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="go on when more than 1 %% of the images are missing or cannot be read",
    )


def recipe_for(options: argparse.Namespace, model: ModelConfig) -> FitConfig:
    """The recipe, for a model's own architecture at its own size."""
    values = changed(read_recipe(find_recipe(options.recipe)), options.set)
    epochs = values.get("optim", {}).get("epochs", [1])
    own = {
        "model": model.to_dict(),
        "pretrained": "none",
        "optim": {"sizes": [model.image_size] * (len(epochs) if isinstance(epochs, list) else 1)},
    }
    return FitConfig.from_dict(merged(values, own))


def read_told(options: argparse.Namespace, config: FitConfig, vocabulary: Vocabulary) -> ToldImages:
    """All that --data names; of a database in which nobody decided anything, nothing.

    Raises:
        DataError: see `find_source`, `read_feedback` and `read_source`.
    """
    sources = {spec: find_source(spec) for spec in options.data}
    feedback = [source for source in sources.values() if source.name == FEEDBACK]
    read = [_read(options, source, vocabulary) for source in feedback]
    originals = [spec for spec, source in sources.items() if source.name != FEEDBACK]
    original = Contents((), ())
    if originals:
        original = read_sources(
            argparse.Namespace(data=originals, allow_missing=options.allow_missing),
            options.split,
            vocabulary,
            config.data,
        )
    return ToldImages(
        readings=tuple(sample for contents in read for sample in contents.samples),
        original=tuple(original.samples),
        sources=tuple(sources[spec].title for spec in originals),
        left_out=tuple(sentence for part in (*read, original) for sentence in part.left_out),
        has_feedback=bool(feedback),
    )


def _read(options: argparse.Namespace, source: Source, vocabulary: Vocabulary) -> Contents:
    assert source.database is not None  # that of readings is one
    labels = frozenset(vocabulary.labels)
    try:
        return read_feedback(source.database, source.images, "train", labels=labels, study=options.study)
    except NothingReadError:
        return Contents((), ())


def say_left_out(options: argparse.Namespace, sentences: Sequence[str]) -> None:
    """What was not read; names of files may tell more than a log should keep."""
    if options.without_names:
        print(f"left out: {len(sentences)}", flush=True)
    else:
        print_reading((), sentences)


def say(percent: int, words: str) -> None:
    """One line that a program can read: [ 42 %] words."""
    print(f"[{percent:3d} %] {words}", flush=True)
