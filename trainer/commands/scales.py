"""python -m trainer scales: a run at other input sizes than its own, on the patients that it held out."""

from __future__ import annotations

import argparse
from pathlib import Path

from patchclip.errors import DataError
from patchclip.model.checkpoint import load_checkpoint
from trainer.commands.sources import add_cache, add_sources, read_held_out
from trainer.fit.distributed import join
from trainer.fit.run_folder import run_record
from trainer.fit.validation import dev_logits
from trainer.folds.scales import scales, table
from trainer.objective.prompts import PromptBank

HELP = "measure a run at other input sizes than its own, on the patients that it held out"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    add_sources(parser, "what the run was trained on, as it was named then")
    parser.add_argument(
        "--run", dest="folder", type=Path, required=True, metavar="DIR", help="the run folder"
    )
    parser.add_argument(
        "--size", type=int, action="append", required=True, metavar="PIXELS", help="an input size; repeat"
    )
    add_cache(parser)


def run(options: argparse.Namespace) -> None:
    """Asks the run's last checkpoint at every size, and prints the figures of each and of every two."""
    config, split = run_record(options.folder)
    checkpoint = load_checkpoint(options.folder / "last")
    stride = checkpoint.model.config.image_size // checkpoint.model.grid[0]
    for size in options.size:
        if size <= 0 or size % stride:
            raise DataError(f"--size is {size}; give a multiple of {stride}, the size of a patch in pixels.")
    largest = max(config.model.image_size, *options.size)
    items = read_held_out(options, config, split, checkpoint.vocabulary, largest)
    device = join().device
    model, labels = checkpoint.model.to(device), list(checkpoint.vocabulary.labels)
    bank = PromptBank(model, checkpoint.vocabulary, labels).to(device)
    mirror = config.augment.mirror > 0
    logits = {
        size: dev_logits(model, bank, items, size, device, mirror=mirror)
        for size in dict.fromkeys(options.size)
    }
    print(table(scales(logits, config, items, labels)), end="")
