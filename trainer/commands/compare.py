"""python -m trainer compare: any two models on what neither learnt from."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from patchclip.errors import DataError
from patchclip.model.checkpoint import load_checkpoint
from patchclip.resources import BUNDLED
from trainer.commands.readings import (
    REPLICATES,
    add_readings,
    read_told,
    recipe_for,
    say,
    say_left_out,
)
from trainer.fit.distributed import join
from trainer.teach.against import compare_models, held_out_from_both
from trainer.teach.history import divisions_of

HELP = "compare two models, in pairs, on readings and original data that neither learnt from"
RECORD, TABLE = "compare.json", "compare.md"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    add_readings(parser, "to compare on its held-out part too")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help=f"the folder for {RECORD} and {TABLE}"
    )
    parser.add_argument(
        "--old",
        type=Path,
        default=BUNDLED,
        metavar="DIR",
        help="the checkpoint that is compared with; the bundled one unless told",
    )
    parser.add_argument("--new", type=Path, required=True, metavar="DIR", help="the other checkpoint")


def run(options: argparse.Namespace) -> None:
    """Compares, writes both files at once, and prints the table."""
    out: Path = options.out
    if out.exists():
        raise DataError(f"{out} is there already; name another folder for the comparison.")
    say(0, "reading")
    old, new = load_checkpoint(options.old), load_checkpoint(options.new)
    if old.sha256 == new.sha256:
        raise DataError("Both are the same model; name two that differ.")
    divisions = (*divisions_of(options.old, old.sha256), *divisions_of(options.new, new.sha256))
    config = recipe_for(options, old.model.config)
    told = read_told(options, config, old.vocabulary)
    say_left_out(options, told.left_out)
    held = held_out_from_both(told.readings, told.original, config, divisions, old)
    say(20, "; ".join(f"{len(items)} {where}" for where, items in held.sets.items()) or "nothing held out")
    say_left_out(options, held.left_out)
    left_out = len(told.left_out) + len(held.left_out)
    device = join().device
    against = compare_models(old, new, held, options.study, left_out, REPLICATES, config.seed, device, say)
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        text = json.dumps(against.record(), indent=1, ensure_ascii=False, allow_nan=False)
        (partial / RECORD).write_text(text + "\n", encoding="utf-8")
        (partial / TABLE).write_text(against.table(), encoding="utf-8")
        partial.rename(out)
    except OSError as error:
        raise DataError(f"{out} cannot be written ({error.strerror}); name another folder.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    print(against.table())
    say(100, "compared")
