"""python -m trainer fit: from dataset folders and a recipe to calibrated checkpoints."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path

from patchclip.resources import VOCABULARY
from patchclip.text.vocabulary import Vocabulary
from trainer.calibrate.calibration import OperatingPoint
from trainer.commands.calibrate import calibrate_best
from trainer.commands.sources import (
    add_cache,
    add_changes,
    add_recipe,
    add_sources,
    add_vocabulary,
    check_broken,
    print_reading,
    read_sources,
    splits,
    titles,
)
from trainer.config import FitConfig, recipe_fields
from trainer.data.checks import check_mirror
from trainer.fit.distributed import join
from trainer.fit.loop import fit
from trainer.fit.provenance import data_record, environment
from trainer.fit.training_data import TrainingData, load_training_data
from trainer.recipe import changed, find_recipe, help_text, read_recipe

HELP = "train on dataset folders, calibrate, and write checkpoints"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags, and every field of a recipe."""
    add_training_flags(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the run folder")
    parser.add_argument(
        "--resume", action="store_true", help="continue the run in --out from its last saved step"
    )


def add_training_flags(parser: argparse.ArgumentParser) -> None:
    """What decides a run, whatever folder it is in."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = help_text(recipe_fields())
    add_sources(parser)
    add_recipe(parser)
    add_changes(parser, "optim.batch_size=8", "all of them are listed below")
    parser.add_argument(
        "--split",
        default="train",
        help='which rows of images.csv to learn from, of sources that name no split of their own ("train")',
    )
    add_vocabulary(parser)
    add_cache(parser)


def run(options: argparse.Namespace) -> None:
    """Trains, then calibrates the best checkpoint in place."""
    config, processes = recipe_of(options), join()
    data = train(options, config, options.out, resume=options.resume)
    if processes.first and data.held_out:
        calibrate_best(options.out, config, data.held_out, data.train, OperatingPoint(), processes)


def recipe_of(options: argparse.Namespace, changes: Sequence[str] = ()) -> FitConfig:
    """The recipe that is named, with the changes of --set, and then those given here."""
    recipe = read_recipe(find_recipe(options.recipe))
    return FitConfig.from_dict(changed(recipe, [*options.set, *changes]))


def vocabulary_of(options: argparse.Namespace) -> Vocabulary:
    """Of --vocabulary, or the bundled one."""
    return Vocabulary.from_json(options.vocabulary or VOCABULARY)


def train(
    options: argparse.Namespace,
    config: FitConfig,
    out: Path,
    *,
    resume: bool,
    calibrated: bool = True,
    without: Collection[str] = (),
) -> TrainingData:
    """Reads the data, says what was left out, and trains into a run folder; returns what was learnt from.

    Args:
        options: of `add_training_flags`.
        config: the recipe.
        out: the run folder.
        resume: continue the run in it.
        calibrated: whether the held-out images are to be calibrated on afterwards, and so must be fit for it.
        without: findings that the run is to know nothing of: no name, no label and no outline.
    """
    processes = join()
    whole = vocabulary_of(options)
    vocabulary = whole.without(without)
    check_mirror(config.augment, vocabulary)

    contents = read_sources(options, options.split, whole, config.data)
    samples = [sample.without(without) for sample in contents.samples]
    data = load_training_data(
        samples, config, vocabulary.labels, processes, options.cache, calibrated=calibrated
    )
    check_broken(contents, data.unreadable, len(contents.samples), allow_missing=options.allow_missing)
    left_out = [*contents.left_out, *data.unreadable, *data.copies]
    if processes.first:
        print_reading(contents.notes, left_out)
        summary = (
            f"{len(data.train)} images to train on, {len(data.held_out)} held out, {len(left_out)} left out, "
            f"{len(data.copies)} of them copies"
        )
        print("\n".join([*data.notices, summary]), flush=True)

    folders, parts = titles(options.data), splits(options.data, options.split)
    record = {
        "recipe": config.to_dict(),
        "split": options.split,
        "data": data_record(folders, parts, contents.samples, len(left_out)),
        **environment(config, processes),
    }
    fit(config, data, vocabulary, out, processes, resume=resume, record=record, left_out=left_out)
    return data
