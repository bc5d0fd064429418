"""The command line: python -m patchclip COMMAND; each command's flags and work stand in its own module."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from patchclip import predict
from patchclip.archive import cli as archive
from patchclip.archive import deidentify_command
from patchclip.errors import PatchClipError
from patchclip.evaluate import cli as evaluate
from patchclip.evaluate import text as evaluate_text
from patchclip.export import cli as export
from patchclip.memory import keep_freed_memory
from patchclip.version import __version__

NOTICE = "Research use only, not for clinical use."


@dataclass(frozen=True, slots=True)
class Command:
    """What it does, its flags, and the function that does it and returns the exit status."""

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def _evaluate(options: argparse.Namespace) -> int:
    return evaluate.main(options, options.arguments)


COMMANDS = {
    "predict": Command(
        "answer queries about images, one JSON object a line", predict.add_arguments, predict.main
    ),
    "evaluate": Command(
        "measure a model on a dataset folder, with report", evaluate.add_arguments, _evaluate
    ),
    "evaluate-text": Command(
        "measure what is understood of reports, against their coders",
        evaluate_text.add_arguments,
        evaluate_text.main,
    ),
    "export": Command("answers as DICOM objects, COCO or CSV", export.add_arguments, export.main),
    "deidentify": Command(
        "take everything that names a person out of DICOM files",
        deidentify_command.add_arguments,
        deidentify_command.main,
    ),
    "receive": Command(
        "answer queries about films that an archive pushes (C-STORE)",
        archive.add_receive_arguments,
        archive.receive,
    ),
}


def make_parser() -> argparse.ArgumentParser:
    """All commands with their flags."""
    parser = argparse.ArgumentParser(
        prog="python -m patchclip", description=f"Ask a chest radiograph a question in free text. {NOTICE}"
    )
    parser.add_argument(
        "--version", action="version", version=f"patchclip {__version__}", help="print the version"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        command.add_arguments(
            commands.add_parser(name, help=command.help, description=command.help, epilog=NOTICE)
        )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0 done, 1 something failed, 2 wrong usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = make_parser().parse_args(given)
    options.arguments = given  # reports say by which command they were made
    keep_freed_memory()
    try:
        return COMMANDS[options.command].run(options)
    except PatchClipError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
