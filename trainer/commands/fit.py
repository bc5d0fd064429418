"""python -m trainer fit: from dataset folders and a recipe to calibrated checkpoints."""

from __future__ import annotations

import argparse
from pathlib import Path

from patchclip.resources import VOCABULARY
from patchclip.text.vocabulary import Vocabulary
from trainer.calibrate.calibration import OperatingPoint
from trainer.commands.calibrate import calibrate_best
from trainer.commands.sources import (
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
from trainer.fit.training_data import load_training_data
from trainer.recipe import changed, find_recipe, help_text, read_recipe

HELP = "train on dataset folders, calibrate, and write checkpoints"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags, and every field of a recipe."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = help_text(recipe_fields())
    add_sources(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the run folder")
    add_recipe(parser)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.FIELD=JSON",
        help="change one field of the recipe, e.g. optim.batch_size=8; all of them are listed below",
    )
    parser.add_argument(
        "--split",
        default="train",
        help='which rows of images.csv to learn from, of sources that name no split of their own ("train")',
    )
    add_vocabulary(parser)
    parser.add_argument(
        "--resume", action="store_true", help="continue the run in --out from its last saved step"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="keep decoded images there, for this run and the next, not in memory: for many images",
    )


def run(options: argparse.Namespace) -> None:
    """Trains, then calibrates the best checkpoint in place."""
    config = FitConfig.from_dict(changed(read_recipe(find_recipe(options.recipe)), options.set))
    processes = join()
    vocabulary = Vocabulary.from_json(options.vocabulary or VOCABULARY)
    check_mirror(config.augment, vocabulary)

    contents = read_sources(options, options.split, vocabulary, config.data)
    data = load_training_data(contents.samples, config, vocabulary.labels, processes, options.cache)
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
    fit(
        config,
        data,
        vocabulary,
        options.out,
        processes,
        resume=options.resume,
        record=record,
        left_out=left_out,
    )
    if processes.first and data.held_out:
        calibrate_best(options.out, config, data.held_out, data.train, OperatingPoint(), processes)
