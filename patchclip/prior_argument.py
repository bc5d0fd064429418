"""The flag --prior, which several commands share."""

from __future__ import annotations

import argparse


def add_prior_argument(parser: argparse.ArgumentParser) -> None:
    """--prior, as often as one likes; see `patchclip.model.prevalence`."""
    parser.add_argument(
        "--prior",
        action="append",
        default=[],
        metavar="FINDING=SHARE",
        help="how often a finding is present at this site, such as Effusion=0.3, or a JSON file of such "
        "pairs; probabilities are then those for this site; repeat for several",
    )
