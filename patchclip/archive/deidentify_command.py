"""The command deidentify."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from patchclip.archive.files import deidentify_files

LOOK = (
    "Writing in a picture is found in most cases, not in all: look at the pictures before you give them away."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of `python -m patchclip deidentify`."""
    parser.add_argument(
        "source", metavar="IN", type=Path, help="a DICOM file, or a folder that is searched for them"
    )
    parser.add_argument("target", metavar="OUT", type=Path, help="a new or empty folder for the copies")
    parser.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="secret bytes, at least 16: the same key gives the same new UIDs in another run",
    )
    parser.add_argument(
        "--burnt-in",
        choices=["mask", "refuse"],
        default="mask",
        help="what to do with writing in the picture: blacken it (default), or leave the file out",
    )


def main(options: argparse.Namespace) -> int:
    """Runs the command; returns the exit status: 1 if a file was left out."""
    report = deidentify_files(
        options.source, options.target, key_file=options.key_file, refuse=options.burnt_in == "refuse"
    )
    for line in report.left_out:
        print(line, file=sys.stderr)
    print(
        f"{report.written} files written, {report.masked} of them with writing masked, "
        f"{len(report.left_out)} left out. {LOOK}"
    )
    return 1 if report.left_out else 0
