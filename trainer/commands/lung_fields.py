"""python -m trainer lung-fields: the small network that finds the lungs, taught by a larger published one."""

from __future__ import annotations

import argparse
from pathlib import Path

from patchclip.resources import VOCABULARY
from patchclip.text.vocabulary import Vocabulary
from trainer.commands.sources import add_sources, check_broken, print_reading, read_sources, titles
from trainer.config import DataConfig
from trainer.fields.fit import EACH_FAMILY, EPOCHS, lesson, save, train
from trainer.fields.masks import divided, one_each, teacher_masks
from trainer.fields.teacher import load_teacher

HELP = "train the network that finds the lungs, on another network's masks"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    add_sources(parser)
    parser.add_argument("--split", default="train", help='the images to learn from ("train")')
    add_teacher(parser, required=True)
    parser.add_argument(
        "--images", type=int, default=200, metavar="N", help="images of each source, one per patient (200)"
    )
    parser.add_argument("--epochs", type=int, default=EPOCHS, metavar="N", help=f"passes ({EPOCHS})")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the network is written")


def add_teacher(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """--teacher and --masks."""
    parser.add_argument(
        "--teacher",
        type=Path,
        required=required,
        metavar="FILE",
        help="lung_segmentation.pt of the package cheXwhatsApp 0.1.5",
    )
    parser.add_argument(
        "--masks", type=Path, metavar="DIR", help="keep the teacher's masks there, for the next run"
    )


def run(options: argparse.Namespace) -> None:
    """Trains on three quarters of the patients; the others are for evaluate-lung-fields."""
    vocabulary = Vocabulary.from_json(VOCABULARY)
    teacher = load_teacher(options.teacher)
    contents = read_sources(options, options.split, vocabulary, DataConfig())
    learnt_from, _ = divided(contents.samples)
    sources = dict.fromkeys(sample.source for sample in learnt_from)
    chosen = [
        sample
        for source in sources
        for sample in one_each([item for item in learnt_from if item.source == source], options.images)
    ]
    masked, broken = teacher_masks(chosen, teacher, options.masks)
    print_reading(contents.notes, [*contents.left_out, *broken])
    check_broken(contents, broken, len(chosen), allow_missing=options.allow_missing)

    data = lesson(masked)
    network = train(data, epochs=options.epochs)
    with_lungs = sum(item.lungs is not None for item in masked)
    record: dict[str, object] = {
        "teacher": "cheXwhatsApp 0.1.5, lung_segmentation.pt",
        "data": {"folders": titles(options.data), "split": options.split, "images": with_lungs},
        "without_lungs": len(data.inputs) - with_lungs,
        "each_family": EACH_FAMILY,
        "epochs": options.epochs,
    }
    save(options.out, network, record)
    print(
        f"{options.out}: learnt from {with_lungs} radiographs and {len(data.inputs) - with_lungs} other "
        "pictures"
    )
