"""The command onnx: a checkpoint's image half as a graph for ONNX Runtime."""

from __future__ import annotations

import argparse

from patchclip.resources import BUNDLED, checkpoint_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of `python -m patchclip onnx`."""
    parser.add_argument(
        "--checkpoint",
        type=checkpoint_folder,
        default=BUNDLED,
        metavar="PATH",
        help="a checkpoint folder, which gets model.onnx; the bundled one by default",
    )


def main(options: argparse.Namespace) -> int:
    """Writes the graph, compares it with torch, and prints where it is; returns the exit status."""
    from patchclip.model.onnx import write_onnx

    print(write_onnx(options.checkpoint))
    return 0
