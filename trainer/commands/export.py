"""python -m trainer export: a run's best checkpoint, copied to where an engine loads it."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from patchclip.model.checkpoint import load_checkpoint, write_prompts

HELP = "copy a run's best checkpoint to where an engine loads it"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    parser.add_argument(
        "--run", dest="folder", type=Path, required=True, metavar="DIR", help="the run folder"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="the checkpoint folder to write"
    )


def run(options: argparse.Namespace) -> None:
    """Copies the best checkpoint after reading it once, so that a damaged one is never shipped."""
    checkpoint = load_checkpoint(options.folder / "best")
    options.out.mkdir(parents=True, exist_ok=True)
    for file in sorted((options.folder / "best").iterdir()):
        shutil.copy2(file, options.out / file.name)
    write_prompts(options.out)
    print(f"{options.out}: {checkpoint.model.config.name} {checkpoint.sha256}")
