"""python -m trainer letters: the small network that reads side letters, L and R, in a radiograph."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from patchclip.errors import RadiographError
from patchclip.image import load_radiograph
from patchclip.resources import ORIENTATION, VOCABULARY
from patchclip.text.vocabulary import Vocabulary
from patchclip.types import FloatArray
from trainer.commands.sources import add_sources, check_broken, print_reading, read_sources
from trainer.config import DataConfig
from trainer.data.sample import Sample
from trainer.data.split import hold_out
from trainer.gate.fit import at_most
from trainer.orientation.heart import HELD_OUT, SEED
from trainer.orientation.letters import FILMS, LEAST_PROBABILITY, STRIDES, film_shapes, train_letters

HELP = "train the small network that reads side letters in a picture"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    add_sources(parser)
    parser.add_argument("--split", default="train", help='the images to learn from ("train")')
    parser.add_argument("--out", type=Path, default=ORIENTATION, metavar="DIR", help="where the network goes")


def run(options: argparse.Namespace) -> None:
    """Trains on drawn letters and on shapes of films, and writes letters.safetensors.

    Of each source, 15 % of the patients are left for `python -m tests.benchmarks.orientation`.
    """
    torch.set_num_threads(1)
    contents = read_sources(options, options.split, Vocabulary.from_json(VOCABULARY), DataConfig())
    chosen = at_most(hold_out(contents.samples, HELD_OUT, SEED)[0], SEED, FILMS)
    broken: list[str] = []
    shapes, grounds = film_shapes(_pictures(chosen, broken))
    print_reading(contents.notes, [*contents.left_out, *broken])
    check_broken(contents, broken, len(chosen), allow_missing=options.allow_missing)

    def say(line: str) -> None:
        print(line, flush=True)

    say(f"{len(shapes.glyphs)} shapes of {len(chosen) - len(broken)} films")
    network = train_letters(shapes, grounds, SEED, say)
    options.out.mkdir(parents=True, exist_ok=True)
    network.save(options.out / "letters.safetensors")
    record = options.out / "model.json"
    config = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    config["letters"] = {"strides": list(STRIDES), "least_probability": LEAST_PROBABILITY}
    record.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    say(f"{record}: letters read from a probability of {LEAST_PROBABILITY}")


def _pictures(samples: Sequence[Sample], broken: list[str]) -> Iterator[FloatArray]:
    """Pixels of each image in turn; a sentence in `broken` for one that cannot be read."""
    for sample in tqdm(samples, desc="reading images", disable=None):
        try:
            yield np.asarray(load_radiograph(sample.path).pixels, np.float32)
        except RadiographError as error:
            broken.append(f"{sample.path.name}: {error}")
