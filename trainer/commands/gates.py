"""python -m trainer gates: the query gate and the image gate of a checkpoint, fitted again."""

from __future__ import annotations

import argparse
from pathlib import Path

from patchclip.model.checkpoint import load_checkpoint, save_checkpoint, write_prompts
from patchclip.resources import VOCABULARY
from patchclip.text.vocabulary import Vocabulary
from trainer.commands.sources import add_sources, check_broken, print_reading, read_sources
from trainer.config import DataConfig
from trainer.data.loaded import load_samples
from trainer.gate.fit import GATE_SIZE, at_most, fit_gates

HELP = "fit the query gate and the image gate of a checkpoint again; its weights stay"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    add_sources(parser)
    parser.add_argument(
        "--checkpoint",
        type=Path,
        required=True,
        metavar="DIR",
        help="the checkpoint folder, changed in place",
    )
    parser.add_argument("--split", default="train", help='the images to learn from ("train")')
    parser.add_argument(
        "--vocabulary",
        type=Path,
        metavar="FILE",
        help="new aliases, if prompts agree; assets/vocabulary.json unless told",
    )


def run(options: argparse.Namespace) -> None:
    """Fits both gates, and lets the checkpoint understand the wordings that the vocabulary has gained;
    weights stay."""
    checkpoint = load_checkpoint(options.checkpoint)
    newer = Vocabulary.from_json(options.vocabulary or VOCABULARY)
    vocabulary = checkpoint.vocabulary.with_wordings_of(newer)
    unlike = [
        label
        for label in vocabulary.labels
        if label not in newer.labels or newer.prompts(label) != vocabulary.prompts(label)
    ]
    if unlike:
        print(
            f"the checkpoint keeps its own wordings of {', '.join(unlike)}, whose prompts differ in the file"
        )

    contents = read_sources(options, options.split, vocabulary, DataConfig())
    chosen = at_most(contents.samples)
    images, broken = load_samples(chosen, GATE_SIZE)
    print_reading(contents.notes, [*contents.left_out, *broken])
    check_broken(contents, broken, len(chosen), allow_missing=options.allow_missing)

    gates = {**checkpoint.gates, **fit_gates(checkpoint.model.sentence_encoder, vocabulary, images)}
    save_checkpoint(options.checkpoint, checkpoint.model, vocabulary, checkpoint.calibration, gates)
    sha256 = write_prompts(options.checkpoint)
    print(f"{options.checkpoint}: {checkpoint.model.config.name} {sha256}")
