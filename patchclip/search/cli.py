"""Flags of the command search; what it imports is imported once it runs."""

from __future__ import annotations

import argparse
from datetime import date


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of `python -m patchclip search`."""
    parser.add_argument("out", metavar="OUT", help="the folder that patchclip batch wrote")
    parser.add_argument("text", metavar="TEXT", help='what to look for, such as "pneumothorax, left"')
    parser.add_argument("--side", choices=("left", "right"), help="of the patient, as if the text said so")
    parser.add_argument(
        "--place", metavar="WORDS", help='where in the chest, such as "lower zone", as if the text said so'
    )
    parser.add_argument(
        "--view",
        action="append",
        default=[],
        metavar="VIEW",
        help="View Position of DICOM, such as PA; repeat",
    )
    parser.add_argument("--since", type=_day, metavar="DAY", help="read by the batch on 2026-01-31 or later")
    parser.add_argument("--until", type=_day, metavar="DAY", help="read by the batch on 2026-01-31 or before")
    parser.add_argument("--count", type=int, default=20, metavar="N", help="hits to print (20)")
    parser.add_argument(
        "--depth",
        type=int,
        default=500,
        metavar="N",
        help="images that are answered from patches at most (500)",
    )
    parser.add_argument(
        "--checkpoint", metavar="PATH", help="the checkpoint that the batch used; the bundled one by default"
    )


def main(options: argparse.Namespace) -> int:
    """Runs the command; see `patchclip.search.run.main`."""
    from patchclip.search import run

    return run.main(options)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a day is written as 2026-01-31") from None
