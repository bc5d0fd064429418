"""python -m trainer card: the figures of an evaluation, put into a model card and into a README."""

from __future__ import annotations

import argparse
from pathlib import Path

from trainer.card import fill

HELP = "put the figures of an evaluate run into a checkpoint's model card, and into a README"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    parser.add_argument(
        "--checkpoint",
        type=Path,
        required=True,
        metavar="DIR",
        help="the checkpoint folder, with MODEL_CARD.md",
    )
    parser.add_argument(
        "--report",
        type=Path,
        required=True,
        metavar="DIR",
        help="what python -m patchclip evaluate wrote with --out",
    )
    parser.add_argument("--readme", type=Path, metavar="FILE", help="fill this text's block, too")


def run(options: argparse.Namespace) -> None:
    """Fills a model card, and a README if told; prints what was written."""
    for path in fill(options.checkpoint, options.report, options.readme):
        print(f"{path} written")
