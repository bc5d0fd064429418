"""python -m trainer orientation: the small network that tells at which side the heart lies."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from scipy.stats import binomtest

from patchclip.resources import ORIENTATION, VOCABULARY
from patchclip.text.vocabulary import Vocabulary
from trainer.commands.sources import add_sources, check_broken, print_reading, read_sources
from trainer.config import DataConfig
from trainer.data.loaded import load_samples
from trainer.data.split import hold_out
from trainer.orientation.heart import (
    EPOCHS,
    FOLDS,
    HELD_OUT,
    LOADED,
    SEED,
    STRIDES,
    cross_validate,
    squares_of,
    train_heart,
)

HELP = "train the small network that tells mirrored radiographs"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    add_sources(parser)
    parser.add_argument("--split", default="train", help='the images to learn from ("train")')
    parser.add_argument("--out", type=Path, default=ORIENTATION, metavar="DIR", help="where the network goes")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep decoded images here for the next run")


def run(options: argparse.Namespace) -> None:
    """Cross-validates by patient, sets the threshold, trains on all and writes heart.safetensors.

    Of each source, 15 % of the patients are left for `python -m tests.benchmarks.orientation`.
    """
    torch.set_num_threads(1)
    vocabulary = Vocabulary.from_json(VOCABULARY)
    contents = read_sources(options, options.split, vocabulary, DataConfig())
    chosen, _ = hold_out(contents.samples, HELD_OUT, SEED)
    images, broken = load_samples(chosen, LOADED, options.cache)
    print_reading(contents.notes, [*contents.left_out, *broken])
    check_broken(contents, broken, len(chosen), allow_missing=options.allow_missing)
    squares = squares_of(images)

    def say(line: str) -> None:
        print(line, flush=True)

    validation = cross_validate([item.sample for item in images], squares, FOLDS, EPOCHS, say)
    count = len(validation.evidence)
    for what, part in (("called mirrored, falsely", validation.false), ("called usual", validation.told)):
        interval = binomtest(part, count).proportion_ci(0.95, "exact")
        say(
            f"{what}: {part} of {count} images ({part / count:.2%}; 95 % CI {interval.low:.2%} to "
            f"{interval.high:.2%})"
        )
    network = train_heart(squares, EPOCHS, SEED, say)
    options.out.mkdir(parents=True, exist_ok=True)
    network.save(options.out / "heart.safetensors")
    record = options.out / "model.json"
    config = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    config["heart"] = {"strides": list(STRIDES), "threshold": round(validation.threshold, 3)}
    record.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    say(f"{record}: threshold {validation.threshold:.3f}")
