"""What several commands share: the flags that name data, reading it, and saying what could not be read."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from patchclip.data.remarks import check_left_out
from patchclip.errors import DataError
from patchclip.text.vocabulary import Vocabulary
from trainer.config import DataConfig, FitConfig
from trainer.data.contents import Contents
from trainer.data.copies import merged_copies, shared_patients, with_cohorts
from trainer.data.loaded import Loaded, load_samples
from trainer.data.sample import Sample
from trainer.data.sources import find_source, read_source
from trainer.data.split import hold_out

SOURCE = (
    "a dataset folder, or NAME:FOLDER for one that its files do not tell; FOLDER@SPLIT or NAME:FOLDER@SPLIT "
    "for a split of its own instead of --split; repeat for several"
)


def add_sources(parser: argparse.ArgumentParser, help: str = SOURCE) -> None:
    """--data, at least once, and --allow-missing."""
    parser.add_argument("--data", action="append", required=True, metavar="SOURCE", help=help)
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="go on when more than 1 %% of the images are missing or cannot be read",
    )


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """--recipe."""
    parser.add_argument(
        "--recipe",
        default="default",
        metavar="FILE",
        help="JSON recipe, or the name of one in trainer/recipes (default)",
    )


def add_changes(parser: argparse.ArgumentParser, example: str, listed: str = "fit -h lists them") -> None:
    """--set.

    example: a change that the command's users may want.
    listed: where the fields are found.
    """
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.FIELD=JSON",
        help=f"change one field of the recipe, e.g. {example}; {listed}",
    )


def add_vocabulary(parser: argparse.ArgumentParser) -> None:
    """--vocabulary."""
    parser.add_argument(
        "--vocabulary",
        type=Path,
        metavar="FILE",
        help="findings and wording; assets/vocabulary.json unless told",
    )


def add_cache(parser: argparse.ArgumentParser) -> None:
    """--cache, the folder of decoded images."""
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="keep decoded images there, for this run and the next, not in memory: for many images",
    )


def read_sources(
    options: argparse.Namespace, split: str, vocabulary: Vocabulary, config: DataConfig
) -> Contents:
    """All data arguments together, an image that stands in several of them once; errors as in
    `read_source`."""
    parts = [
        read_source(
            source,
            split,
            frozenset(vocabulary.labels),
            config.labelled.get(find_source(source).title),
            vocabulary=vocabulary,
            allow_missing=options.allow_missing,
        )
        for source in options.data
    ]
    samples, copies = merged_copies(
        with_cohorts([sample for part in parts for sample in part.samples], config.cohorts)
    )
    return Contents(
        tuple(samples),
        tuple(sentence for part in parts for sentence in part.left_out),
        (*(sentence for part in parts for sentence in part.notes), *copies, *shared_patients(samples)),
        sum(part.missing for part in parts),
    )


def add_pictures(parser: argparse.ArgumentParser) -> None:
    """--pictures."""
    parser.add_argument(
        "--pictures",
        action="append",
        type=Path,
        default=[],
        metavar="DIR",
        help="a folder of frontal radiographs without tables; repeat for several",
    )


def read_pictures(folders: Sequence[Path]) -> dict[str, list[Sample]]:
    """The folder's name, or that of the one around it where it is called "images" -> its files.

    Raises:
        DataError: a folder is none, or two have one name.
    """
    groups: dict[str, list[Sample]] = {}
    for folder in folders:
        if not folder.is_dir():
            raise DataError(f"{folder} is no folder; name one of radiographs.")
        name = folder.parent.name if folder.name == "images" else folder.name
        if name in groups:
            raise DataError(f"Two folders of pictures are called {name}; rename one, or measure it apart.")
        files = sorted(file for file in folder.iterdir() if file.is_file())
        groups[name] = [Sample(file, None, name, {}) for file in files]
    return groups


def check_broken(contents: Contents, broken: Sequence[str], total: int, *, allow_missing: bool) -> None:
    """Whether the images that are missing or cannot be read are few.

    Args:
        contents: what was read.
        broken: a sentence for each image that cannot be decoded.
        total: images that are there and were to be decoded.
        allow_missing: whether any number of them may be left out.

    Raises:
        DataError: they are more than 1 %, and that is not allowed.
    """
    if broken:
        lost = len(broken) + contents.missing
        check_left_out(lost, total + contents.missing, broken[0], allow_missing)


def read_held_out(
    options: argparse.Namespace, config: FitConfig, split: str, vocabulary: Vocabulary, size: int
) -> list[Loaded]:
    """Decoded images of the patients that a run held out, after saying what was left out.

    Args:
        options: of `add_sources` and `add_cache`.
        config, split: of the run's record.
        vocabulary: what it learnt.
        size: of the squares, in pixels.

    Raises:
        DataError: there is none; see also `read_sources` and `load_samples`.
    """
    contents = read_sources(options, split, vocabulary, config.data)
    _, dev = hold_out(contents.samples, config.data.dev_fraction, config.seed, config.data.dev_offset)
    items, broken = load_samples(dev, size, options.cache)
    print_reading(contents.notes, [*contents.left_out, *broken])
    if not items:
        raise DataError(
            "No held-out image can be read; measure a run whose data.dev_fraction is above 0, on the data it "
            "was trained on."
        )
    return items


def titles(sources: Sequence[str]) -> list[str]:
    """What a record calls the sources."""
    return [find_source(source).title for source in sources]


def splits(sources: Sequence[str], split: str) -> list[str]:
    """Which split is read of each source: its own, or else `split`."""
    return [find_source(source).split or split for source in sources]


def print_reading(notes: Iterable[str], left_out: Iterable[str]) -> None:
    """What was read otherwise than written, and what was not read."""
    for sentence in notes:
        print(f"note: {sentence}")
    for sentence in left_out:
        print(f"left out: {sentence}")
