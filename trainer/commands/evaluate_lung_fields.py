"""python -m trainer evaluate-lung-fields: how well the lung network and the chest's frame do on patients that
they have not seen."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from patchclip.errors import DataError, RadiographError
from patchclip.image.thorax import WEIGHTS, LungNet, load_lung_net
from patchclip.resources import VOCABULARY
from patchclip.text.vocabulary import Vocabulary
from trainer.commands.lung_fields import add_teacher
from trainer.commands.sources import (
    add_pictures,
    add_sources,
    print_reading,
    read_pictures,
    read_sources,
    splits,
    titles,
)
from trainer.config import DataConfig
from trainer.data.sample import Sample
from trainer.fields.figures import markdown
from trainer.fields.masks import divided, network_input, one_each, teacher_masks
from trainer.fields.measure import (
    Seen,
    against_teacher,
    box_figures,
    find,
    lungs_on_others,
    side_figures,
    without_lungs,
)
from trainer.fields.teacher import load_teacher

HELP = "measure the network that finds the lungs, and the frame of the chest"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    add_sources(parser)
    parser.add_argument(
        "--split",
        default="val",
        help='the images to measure on ("val"); of "train", the quarter of the patients that lung-fields '
        "leaves out, for folders of the names that it was given",
    )
    add_pictures(parser)
    add_teacher(parser, required=False)
    parser.add_argument(
        "--images",
        type=int,
        default=60,
        metavar="N",
        help="images of each source to ask the teacher about (60)",
    )
    parser.add_argument(
        "--network", type=Path, default=WEIGHTS, metavar="DIR", help="what lung-fields wrote; the bundled one"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all figures there as JSON")


def run(options: argparse.Namespace) -> None:
    """Prints a table, and writes all figures as JSON if told."""
    network = load_lung_net(options.network)
    groups, left_out = _groups(options)
    seen, broken = _seen(groups, network)
    print_reading([], [*left_out, *broken])
    if not any(seen.values()):
        raise DataError("No image can be read; check the image files.")

    record: dict[str, Any] = {
        "network": hashlib.sha256((options.network / "model.safetensors").read_bytes()).hexdigest(),
        "no_lungs": {name: without_lungs(items) for name, items in seen.items() if items},
        "boxes": box_figures([item for items in seen.values() for item in items]),
    }
    if options.teacher:
        teacher = load_teacher(options.teacher)
        # Images with boxes first: they say more.
        chosen = {
            name: one_each([s for s in samples if s.shapes] or samples, options.images)
            for name, samples in groups.items()
        }
        masked = {name: teacher_masks(samples, teacher, options.masks)[0] for name, samples in chosen.items()}
        record["teacher"] = {name: against_teacher(items, network) for name, items in masked.items()}
        everything = [item for items in masked.values() for item in items]
        record["sides"] = side_figures(everything, network)
        record["lungs_on_others"] = lungs_on_others(network, everything)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(markdown(record), end="")


def _groups(options: argparse.Namespace) -> tuple[dict[str, list[Sample]], list[str]]:
    """Samples by where they come from, and what is not read."""
    vocabulary = Vocabulary.from_json(VOCABULARY)
    groups: dict[str, list[Sample]] = {}
    left_out: list[str] = []
    sources = options.data
    for source, title, split in zip(sources, titles(sources), splits(sources, options.split), strict=True):
        one = argparse.Namespace(data=[source], allow_missing=options.allow_missing)
        contents = read_sources(one, options.split, vocabulary, DataConfig())
        left_out += contents.left_out
        groups[f"{title}, {split}"] = (
            divided(contents.samples)[1] if split == "train" else list(contents.samples)
        )
    groups |= read_pictures(options.pictures)
    return groups, left_out


def _seen(groups: dict[str, list[Sample]], network: LungNet) -> tuple[dict[str, list[Seen]], list[str]]:
    """Every image with its frame, and a sentence for each image that cannot be read."""
    seen: dict[str, list[Seen]] = {}
    broken: list[str] = []
    for name, samples in groups.items():
        seen[name] = []
        for sample in samples:
            try:
                square, size = network_input(sample.path)
            except RadiographError as error:
                broken.append(f"{sample.path.name}: {error}")
                continue
            seen[name].append(find(sample, square, size, network))
    return seen, broken
