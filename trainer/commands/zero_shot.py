"""python -m trainer zero-shot: models that are not taught some findings are asked for them by name."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from patchclip.errors import DataError
from patchclip.model.checkpoint import load_checkpoint
from patchclip.text.vocabulary import Vocabulary
from trainer.commands.fit import add_training_flags, recipe_of, train, vocabulary_of
from trainer.commands.sources import read_sources
from trainer.data.loaded import load_samples
from trainer.data.split import hold_out
from trainer.fit.distributed import join
from trainer.fit.run_folder import STATE
from trainer.folds.held_out import FILE, HeldOut, predict_held_out
from trainer.folds.zero_shot import read_groups, table, zero_shot

HELP = "train models that know nothing of some findings, and ask them for these by name"
FIGURES = "zero_shot.json"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags, and every field of a recipe."""
    add_training_flags(parser)
    parser.add_argument(
        "--without",
        action="append",
        required=True,
        metavar="FINDINGS",
        help="labels, with commas, that one model is not taught; once for each model, two at least",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of the runs: without0, without1, ..., zero_shot.json",
    )


def run(options: argparse.Namespace) -> None:
    """Trains the models that are not done, and reports each finding untaught and taught."""
    config, processes, vocabulary = recipe_of(options), join(), vocabulary_of(options)
    groups = read_groups(options.without, vocabulary.labels)
    for number, group in enumerate(groups):
        folder = options.out / f"without{number}"
        if (folder / FILE).is_file():
            _check(folder, vocabulary.without(group))
            continue
        if processes.first:
            print(f"without {', '.join(group)}", flush=True)
        train(options, config, folder, resume=(folder / STATE).is_file(), calibrated=False, without=group)
        if processes.first:
            contents = read_sources(options, options.split, vocabulary, config.data)
            held_out = hold_out(
                contents.samples, config.data.dev_fraction, config.seed, config.data.dev_offset
            )[1]
            items = load_samples(held_out, config.model.image_size, options.cache)[0]
            predict_held_out(folder, config, items, processes.device, vocabulary).save(folder)
        processes.wait()
    if processes.first:
        models = [HeldOut.load(options.out / f"without{number}") for number in range(len(groups))]
        rows = zero_shot(groups, models)
        (options.out / FIGURES).write_text(json.dumps([row.to_json() for row in rows], indent=1) + "\n")
        print(table(rows, {item.label: item.name for item in vocabulary.findings}), end="")


def _check(folder: Path, taught: Vocabulary) -> None:
    """A run that is done must have been taught what it is now said to have been.

    Raises:
        DataError: it was taught other findings.
    """
    if load_checkpoint(folder / "last").vocabulary.labels != taught.labels:
        raise DataError(f"{folder} was taught other findings; name another --out, or the same --without.")
