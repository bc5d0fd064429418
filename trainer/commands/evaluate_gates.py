"""python -m trainer evaluate-gates: how often both gates of a checkpoint are right, on what they were not
fitted on."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from patchclip.errors import CheckpointError, DataError
from patchclip.image.gate import ImageGate
from patchclip.model.checkpoint import load_checkpoint
from patchclip.text.scope import QueryGate
from trainer.commands.sources import (
    add_pictures,
    add_sources,
    check_broken,
    print_reading,
    read_pictures,
    read_sources,
    splits,
    titles,
)
from trainer.config import DataConfig
from trainer.data.loaded import load_samples
from trainer.gate.measure import false_alarms, markdown, measure_images, measure_queries, share

HELP = "measure both gates of a checkpoint on images and queries that it was not fitted on"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    parser.add_argument("--checkpoint", type=Path, required=True, metavar="DIR", help="the checkpoint folder")
    add_sources(parser)
    parser.add_argument(
        "--split", default="val", help='frontal chest radiographs that training never saw ("val")'
    )
    parser.add_argument(
        "--queries",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="CSV with query, in_scope (yes or no), finding; repeat for several",
    )
    add_pictures(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all figures there as JSON")


def run(options: argparse.Namespace) -> None:
    """Measures both gates on a split that training never saw; prints a table, and writes it all as JSON if
    told."""
    checkpoint = load_checkpoint(options.checkpoint)
    if "image" not in checkpoint.gates or "query" not in checkpoint.gates:
        raise CheckpointError(f"{options.checkpoint} lacks a gate; fit both with python -m trainer gates.")
    size, vocabulary = checkpoint.model.config.image_size, checkpoint.vocabulary

    query_gate = QueryGate.from_dict(checkpoint.gates["query"], vocabulary, checkpoint.model.sentence_encoder)
    queries = {file.name: measure_queries(query_gate, vocabulary, file) for file in options.queries}

    contents = read_sources(options, options.split, vocabulary, DataConfig())
    items, broken = load_samples(contents.samples, size)
    print_reading(contents.notes, [*contents.left_out, *broken])
    if not items:
        raise DataError("No image of the split can be read; check the image files.")
    check_broken(contents, broken, len(contents.samples), allow_missing=options.allow_missing)

    gate = ImageGate.from_dict(checkpoint.gates["image"])
    elsewhere: dict[str, dict[str, Any]] = {}
    for name, samples in read_pictures(options.pictures).items():
        pictures, unreadable = load_samples(samples, size)
        print_reading([], unreadable)
        if not pictures:
            raise DataError(f"No picture of {name} can be read; check the folder.")
        elsewhere[name] = share(false_alarms(gate, pictures), len(pictures))

    record = {
        "model": {"name": checkpoint.model.config.name, "sha256": checkpoint.sha256},
        "data": {
            "folders": titles(options.data),
            "split": "+".join(dict.fromkeys(splits(options.data, options.split))),
        },
        "images": measure_images(gate, items, size),
        "false_alarms_elsewhere": elsewhere,
        "queries": queries,
    }
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(markdown(record), end="")
