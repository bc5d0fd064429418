"""python -m trainer prompts: the vocabulary's prompts embedded into a checkpoint folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from patchclip.model.checkpoint import write_prompts

HELP = "embed the prompts of a checkpoint's findings, so that asking for them needs no text encoder"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    parser.add_argument("--checkpoint", type=Path, required=True, metavar="DIR", help="the checkpoint folder")


def run(options: argparse.Namespace) -> None:
    """Writes the file; weights, record and hash stay as they are."""
    print(f"{options.checkpoint}: {write_prompts(options.checkpoint)}")
