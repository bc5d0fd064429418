"""The flags that name a checkpoint and say how it answers, which several commands share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from patchclip.execution import add_execution_arguments, execution_of

if TYPE_CHECKING:  # flags are read without torch
    from patchclip.engine import Engine


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """--checkpoint, --prior, --backend, --precision and --no-mirror; read by `engine_of`."""
    parser.add_argument(
        "--checkpoint",
        metavar="PATH",
        help="a checkpoint folder, or a bundled or open_clip model by name; patchclip-cxr-s by default",
    )
    parser.add_argument(
        "--prior",
        action="append",
        default=[],
        metavar="FINDING=SHARE",
        help="how often a finding is present at this site, such as Effusion=0.3, or a JSON file of such "
        "pairs; probabilities are then those for this site; repeat for several",
    )
    add_execution_arguments(parser)


def engine_of(options: argparse.Namespace) -> Engine:
    """The engine that the flags of `add_engine_arguments` ask for.

    Raises:
        CheckpointError, DataError: see `Engine.from_pretrained`.
    """
    from patchclip.engine import Engine

    return Engine.from_pretrained(
        options.checkpoint, prevalence=options.prior, execution=execution_of(options)
    )
