"""Flags of the command batch; what it imports is imported once it runs."""

from __future__ import annotations

import argparse

from patchclip.engine_arguments import add_engine_arguments

PART_SIZE = 256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of `python -m patchclip batch`."""
    parser.add_argument(
        "input",
        metavar="INPUT",
        help="a folder, a file, a glob, a CSV manifest (column path), WebDataset shards (.tar), or the "
        "address of a DICOMweb query for studies",
    )
    parser.add_argument("--queries", required=True, metavar="FILE", help="text file with one query a line")
    parser.add_argument("--out", required=True, metavar="OUT", help="folder for the tables")
    parser.add_argument(
        "--ray", metavar="ADDRESS", help='a Ray cluster ("auto", "HOST:PORT"), or "local" to start one here'
    )
    parser.add_argument(
        "--names",
        choices=("reference", "place"),
        default="reference",
        help="what images are called: a keyed reference (default), or their place in the input, which may "
        "name a patient",
    )
    parser.add_argument(
        "--key-file",
        metavar="FILE",
        help="secret bytes of the references, at least 16; made in OUT if not given",
    )
    parser.add_argument("--maps", action="store_true", help="also store the maps")
    parser.add_argument(
        "--no-embeddings", action="store_true", help="store no embeddings; OUT cannot be searched then"
    )
    parser.add_argument(
        "--part-size",
        type=int,
        default=PART_SIZE,
        metavar="N",
        help=f"files of a part, which is what an interruption costs ({PART_SIZE})",
    )
    parser.add_argument("--retry", action="store_true", help="do those parts again in which a file failed")
    add_engine_arguments(parser)


def main(options: argparse.Namespace) -> int:
    """Runs the command; see `patchclip.batch.run.main`."""
    from patchclip.batch import run

    return run.main(options)
