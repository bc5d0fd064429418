"""The command convert: a published model, or a checkpoint of an earlier format, as a checkpoint folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from patchclip.image.geometry import Fit
from patchclip.model.checkpoint import Checkpoint
from patchclip.resources import VOCABULARY
from patchclip.text.vocabulary import Vocabulary
from patchclip.zoo.convert import Wishes, convert


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of `python -m patchclip convert`."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="a file of weights (layouts of CLIP, CheXzero and BiomedCLIP), a folder (Hugging Face's CLIP "
        "or SigLIP, "
        "open_clip's, or an earlier checkpoint), or a model of open_clip by name",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="the checkpoint folder to write")
    parser.add_argument("--name", help="of the model, as readers see it; that of the source unless told")
    parser.add_argument(
        "--tokenizer",
        type=Path,
        metavar="DIR",
        help="folder of the tokenizer's files, if not beside the weights",
    )
    parser.add_argument(
        "--vocabulary",
        type=Path,
        metavar="FILE",
        help="findings and wording; assets/vocabulary.json unless told",
    )
    parser.add_argument(
        "--mean",
        nargs=3,
        type=float,
        metavar=("R", "G", "B"),
        help="what is subtracted from the channels, whose values are in [0, 1]",
    )
    parser.add_argument(
        "--std", nargs=3, type=float, metavar=("R", "G", "B"), help="what they are then divided by"
    )
    parser.add_argument(
        "--fit",
        choices=get_args(Fit),
        help="how a film fills the square: with padding, or stretched; either way all of it",
    )


def main(options: argparse.Namespace) -> int:
    """Converts, and says what was made."""
    vocabulary = Vocabulary.from_json(options.vocabulary or VOCABULARY)
    wishes = Wishes(
        options.name,
        options.tokenizer,
        tuple(options.mean) if options.mean else None,
        tuple(options.std) if options.std else None,
        options.fit,
    )
    checkpoint = convert(options.source, options.out, vocabulary, wishes)
    print(description(checkpoint))
    if checkpoint.note:
        print(f"note: {checkpoint.note}")
    print(f"written: {options.out}")
    return 0


def description(checkpoint: Checkpoint) -> str:
    """One line on a checkpoint: its name, input, patches and hash."""
    model = checkpoint.model
    rows, columns = model.grid
    style = model.input_style
    grey = "standardised" if style.standardised else "as in the file"
    return (
        f"{model.config.name}: {model.config.image_size} px ({style.fit}, grey values {grey}), {rows} x "
        f"{columns} "
        f"patches, {len(checkpoint.vocabulary.labels)} findings, sha256 {checkpoint.sha256[:12]}"
    )
