"""The command line: python -m patchclip COMMAND; each command's flags and work stand in its own module."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from patchclip.errors import PatchClipError
from patchclip.memory import keep_freed_memory
from patchclip.version import __version__

NOTICE = "Research use only, not for clinical use."
UNREAD = 141
"""128 and the number of SIGPIPE."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command; its module is imported when it is the one that is run.

    Attributes:
        help: what it does.
        module: where its flags and its work stand.
        flags: name of the function there that adds its flags to a parser.
        run: name of the function there that does it and returns the exit status.
    """

    help: str
    module: str
    flags: str = "add_arguments"
    run: str = "main"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds its flags."""
        add: Callable[[argparse.ArgumentParser], None] = getattr(import_module(self.module), self.flags)
        add(parser)

    def __call__(self, options: argparse.Namespace) -> int:
        """Does it; returns the exit status."""
        work: Callable[[argparse.Namespace], int] = getattr(import_module(self.module), self.run)
        return work(options)


COMMANDS = {
    "predict": Command("answer queries about images, one JSON object a line", "patchclip.predict"),
    "evaluate": Command(
        "measure a model on a dataset folder, with report", "patchclip.evaluate.cli", run="run"
    ),
    "evaluate-text": Command(
        "measure what is understood of reports, against their coders", "patchclip.evaluate.text"
    ),
    "batch": Command(
        "answer queries over an archive, as Parquet, alone or on a Ray cluster", "patchclip.batch.cli"
    ),
    "search": Command("the images of an archive on which a text is most probable", "patchclip.search.cli"),
    "export": Command("answers as DICOM objects, COCO or CSV", "patchclip.export.cli"),
    "convert": Command(
        "a published model, or a checkpoint of an earlier format, as a checkpoint folder", "patchclip.zoo.cli"
    ),
    "onnx": Command("write a checkpoint's graph for ONNX Runtime into its folder", "patchclip.onnx_command"),
    "deidentify": Command(
        "take everything that names a person out of DICOM files", "patchclip.archive.deidentify_command"
    ),
    "receive": Command(
        "answer queries about films that an archive pushes (C-STORE)",
        "patchclip.archive.cli",
        flags="add_receive_arguments",
        run="receive",
    ),
}


def make_parser(only: str | None = None) -> argparse.ArgumentParser:
    """All commands with their flags; `only`: a command beside which no other's flags are wanted, so that
    their modules need not be loaded."""
    parser = argparse.ArgumentParser(
        prog="python -m patchclip", description=f"Ask a chest radiograph a question in free text. {NOTICE}"
    )
    parser.add_argument(
        "--version", action="version", version=f"patchclip {__version__}", help="print the version"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        subparser = commands.add_parser(name, help=command.help, description=command.help, epilog=NOTICE)
        if only in (None, name):
            command.add_arguments(subparser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0 done, 1 something failed, 2 wrong usage; 141 where nobody
    reads the output any more, as shells say it of a program that SIGPIPE ended."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = make_parser(given[0] if given else "").parse_args(given)
    options.arguments = given  # reports say by which command they were made
    keep_freed_memory()
    try:
        return COMMANDS[options.command](options)
    except PatchClipError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `| head` has seen enough; what is left would fail again when Python flushes it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD


if __name__ == "__main__":
    sys.exit(main())
