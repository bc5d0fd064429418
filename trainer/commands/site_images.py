"""What both commands about a site read: its labelled images, and what a checkpoint says of them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from patchclip.errors import DataError
from patchclip.model.checkpoint import Checkpoint
from patchclip.resources import BUNDLED
from trainer.commands.sources import add_sources, check_broken, print_reading, read_sources
from trainer.config import DataConfig
from trainer.data.loaded import load_samples
from trainer.data.split import hold_out
from trainer.data.states import state_table
from trainer.fit.run_folder import run_record
from trainer.fit.validation import DevLogits, dev_logits
from trainer.objective.prompts import PromptBank


@dataclass(frozen=True, slots=True)
class Site:
    """Labelled images of a site.

    Attributes:
        labels: the checkpoint's findings, K of them.
        table: int8 [N, K] of `state_table`.
        logits: the checkpoint's, before calibration.
    """

    labels: tuple[str, ...]
    table: NDArray[np.int8]
    logits: DevLogits


def add_site_flags(parser: argparse.ArgumentParser) -> None:
    """--checkpoint, and what names the images but their split."""
    parser.add_argument(
        "--checkpoint",
        type=Path,
        default=BUNDLED,
        metavar="DIR",
        help="the checkpoint folder; the bundled one",
    )
    add_sources(parser)
    parser.add_argument(
        "--run",
        dest="folder",
        type=Path,
        metavar="DIR",
        help="only of those images that this run, which trained the checkpoint, held out",
    )


def read_site(options: argparse.Namespace, checkpoint: Checkpoint) -> Site:
    """The images that --data and --split name.

    Raises:
        DataError: none can be read, or too many cannot.
    """
    model, vocabulary = checkpoint.model, checkpoint.vocabulary
    labels = tuple(vocabulary.labels)
    contents = read_sources(options, options.split, vocabulary, DataConfig())
    size, samples = model.config.image_size, contents.samples
    if options.folder is not None:
        recipe = run_record(options.folder)[0]
        fraction, offset = recipe.data.dev_fraction, recipe.data.dev_offset
        samples = tuple(hold_out(samples, fraction, recipe.seed, offset)[1])
    items, broken = load_samples(samples, size, style=model.input_style)
    print_reading(contents.notes, [*contents.left_out, *broken])
    if not items:
        raise DataError("No image of the split can be read; check the image files.")
    check_broken(contents, broken, len(samples), allow_missing=options.allow_missing)

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device)
    bank = PromptBank(model, vocabulary, list(labels)).to(device)
    logits = dev_logits(model, bank, items, size, device, mirror=checkpoint.calibration.mirror)
    return Site(labels, state_table(items, labels), logits)
