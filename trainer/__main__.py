"""The command line: python -m trainer COMMAND; `--help` lists the commands, `COMMAND --help` its flags.

One process:        python -m trainer fit --data FOLDER --out runs/mine
Many processes:     torchrun --nproc-per-node 2 -m trainer fit --data FOLDER --out runs/mine
Continue exactly:   python -m trainer fit --data FOLDER --out runs/mine --resume
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from patchclip.errors import PatchClipError
from patchclip.memory import keep_freed_memory
from trainer.refusal import RefusedError

COMMANDS = {
    "fit": "fit",
    "pretrain": "pretrain",
    "folds": "folds",
    "zero-shot": "zero_shot",
    "scales": "scales",
    "teach": "teach",
    "compare": "compare",
    "shard": "shard",
    "sizing": "sizing",
    "calibrate": "calibrate",
    "calibrate-as": "calibrate_as",
    "calibrate-site": "calibrate_site",
    "gates": "gates",
    "ensemble": "ensemble",
    "export": "export",
    "prompts": "prompts",
    "phrases": "phrases",
    "check-data": "check_data",
    "evaluate-gates": "evaluate_gates",
    "evaluate-site": "evaluate_site",
    "card": "card",
    "lung-fields": "lung_fields",
    "evaluate-lung-fields": "evaluate_lung_fields",
    "orientation": "orientation",
    "letters": "letters",
}
"""Name of a command -> its module in `trainer.commands`, which is imported when it is needed."""
ALIASES = {"check-data": ("evaluate-data",)}
"""Earlier names of commands, which go on working."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0 done, 1 failed with a message, 2 wrong usage, 3 a model
    that was taught is refused."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = make_parser(given[0] if given else None).parse_args(given)
    keep_freed_memory()
    try:
        options.run(options)
    except RefusedError as error:
        print(f"refused: {error}", file=sys.stderr)
        return 3
    except PatchClipError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def make_parser(only: str | None = None) -> argparse.ArgumentParser:
    """All commands with their flags; `only`: a command beside which no other's flags and help are wanted, so
    that their modules need not be loaded."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer",
        description="Train Patch-CLIP models. Research use only, not for clinical use.",
    )
    subparsers = parser.add_subparsers(dest="command", required=True)
    chosen = {only} & {*COMMANDS, *(alias for aliases in ALIASES.values() for alias in aliases)}
    for name, module in COMMANDS.items():
        names = (name, *ALIASES.get(name, ()))
        if chosen and not chosen.intersection(names):
            subparsers.add_parser(name, aliases=names[1:])
            continue
        command = import_module(f"trainer.commands.{module}")
        subparser = subparsers.add_parser(name, aliases=names[1:], help=command.HELP)
        command.add_flags(subparser)
        subparser.set_defaults(run=command.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
