"""python -m trainer pretrain: a trunk's start from radiographs alone."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from patchclip.model.patchclip import PatchCLIP
from patchclip.resources import VOCABULARY
from patchclip.text.vocabulary import Vocabulary
from trainer.commands.fit import recipe_of
from trainer.commands.sources import (
    add_cache,
    add_changes,
    add_recipe,
    add_sources,
    check_broken,
    print_reading,
    read_sources,
    titles,
)
from trainer.data.loaded import load_samples
from trainer.data.split import hold_out
from trainer.fit.depthwise import quicken
from trainer.fit.pretrained import initialise
from trainer.selfsupervised.distil import Distillation
from trainer.selfsupervised.run import TRUNK, Pretraining, pretrain

HELP = "pretrain a recipe's trunk on radiographs alone, without labels"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    add_sources(parser)
    add_recipe(parser)
    add_changes(parser, "data.dev_offset=0.2")
    parser.add_argument(
        "--split",
        default="train",
        help='which rows of images.csv, of sources that name no split of their own ("train")',
    )
    add_cache(parser)
    plan = Pretraining()
    parser.add_argument(
        "--size", type=int, default=plan.size, metavar="N", help=f"pixels of a view ({plan.size})"
    )
    parser.add_argument(
        "--epochs", type=int, default=plan.epochs, metavar="N", help=f"passes over the images ({plan.epochs})"
    )
    parser.add_argument(
        "--batch", type=int, default=plan.batch, metavar="N", help=f"images of a step ({plan.batch})"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the run folder")
    parser.add_argument(
        "--resume", action="store_true", help="continue the run in --out after its last epoch"
    )


def run(options: argparse.Namespace) -> None:
    """Learns from the images of the patients that the recipe does not hold out."""
    plan = Pretraining(options.size, options.epochs, options.batch)
    config = recipe_of(options)
    contents = read_sources(options, options.split, Vocabulary.from_json(VOCABULARY), config.data)
    samples, held_out = hold_out(
        contents.samples, config.data.dev_fraction, config.seed, config.data.dev_offset
    )
    items, broken = load_samples(samples, round(plan.size * config.data.cache_margin), options.cache)
    print_reading(contents.notes, [*contents.left_out, *broken])
    check_broken(contents, broken, len(samples), allow_missing=options.allow_missing)
    print(f"{len(items)} images to learn from, {len(held_out)} held out", flush=True)

    torch.manual_seed(config.seed)
    model = PatchCLIP(config.model)
    initialise(model, config.pretrained)
    if not torch.cuda.is_available():
        quicken(model)
    level = model.tower.indices.index(config.model.grid_level)
    record = {
        "tower": config.model.tower,
        "start": config.pretrained,
        "seed": config.seed,
        "data": {
            "folders": titles(options.data),
            "split": options.split,
            "images": len(items),
            "held_out": [config.data.dev_offset, config.data.dev_fraction],
        },
    }
    pretrain(
        Distillation(model.tower, level, config.model.mean, config.model.std),
        items,
        plan,
        config,
        options.out,
        record=record,
        resume=options.resume,
    )
    print(f"{options.out / TRUNK}: start from it with --set 'pretrained=\"trunk:{options.out / TRUNK}\"'")
