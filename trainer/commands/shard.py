"""python -m trainer shard: decoded images in few files, for training on many machines."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from patchclip.errors import DataError
from patchclip.resources import VOCABULARY
from patchclip.text.vocabulary import Vocabulary
from trainer.commands.sources import (
    add_recipe,
    add_sources,
    add_vocabulary,
    check_broken,
    print_reading,
    read_sources,
)
from trainer.config import FitConfig
from trainer.data.loaded import Loaded, decoded
from trainer.data.shards import write_shards
from trainer.recipe import find_recipe

HELP = "write decoded images into tar files that WebDataset reads, for training from many machines"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    add_sources(parser)
    add_recipe(parser)
    add_vocabulary(parser)
    parser.add_argument(
        "--split",
        default="train",
        help="rows of images.csv, and the name of the split in the shards (train)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the shards")
    parser.add_argument(
        "--size", type=int, help="of the squares in pixels; what the recipe keeps in memory unless told"
    )
    parser.add_argument("--per-shard", type=int, default=1000, metavar="N", help="images of one file (1000)")


def run(options: argparse.Namespace) -> None:
    """Reads, decodes and writes; an image that cannot be read is named and left out."""
    config = FitConfig.from_file(find_recipe(options.recipe))
    size = options.size or round(config.model.image_size * config.data.cache_margin)
    if size < 32 or options.per_shard < 1:
        raise DataError("--size must be 32 or more and --per-shard 1 or more; correct them.")
    vocabulary = Vocabulary.from_json(options.vocabulary or VOCABULARY)
    contents = read_sources(options, options.split, vocabulary, config.data)
    broken: list[str] = []

    def whole() -> Iterator[Loaded]:
        for item in decoded(contents.samples, size):
            if isinstance(item, Loaded):
                yield item
            else:
                broken.append(item)

    written = write_shards(whole(), options.out, options.per_shard, {options.split})
    print_reading(contents.notes, [*contents.left_out, *broken])
    check_broken(contents, broken, len(contents.samples), allow_missing=options.allow_missing)
    print(f"{written.images} images of {size} px in {written.shards} shards, {written.size / 2**20:.1f} MB")
    print(f"written: {options.out}")
