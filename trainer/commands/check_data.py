"""python -m trainer check-data: whether dataset folders can be learnt from, and what they hold, without
training."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence

from scipy.stats import binomtest

from patchclip.resources import VOCABULARY
from patchclip.text.vocabulary import Vocabulary
from trainer.commands.sources import (
    add_recipe,
    add_sources,
    add_vocabulary,
    check_broken,
    print_reading,
    read_sources,
)
from trainer.config import FitConfig
from trainer.data.loaded import load_samples
from trainer.data.sample import Sample
from trainer.objective.label_noise import Counts
from trainer.recipe import find_recipe

HELP = "check dataset folders and count what they hold, without training"
SMALL = 64  # pixels: every image is decoded, but none is kept large


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    add_sources(parser)
    add_recipe(parser)
    add_vocabulary(parser)
    parser.add_argument("--split", default="train", help='which rows of images.csv ("train")')


def run(options: argparse.Namespace) -> None:
    """Reads every image once; prints counts and everything that would be left out."""
    config = FitConfig.from_file(find_recipe(options.recipe))
    vocabulary = Vocabulary.from_json(options.vocabulary or VOCABULARY)
    contents = read_sources(options, options.split, vocabulary, config.data)
    loaded, broken = load_samples(contents.samples, SMALL)
    left_out = [*contents.left_out, *broken]
    print_reading(contents.notes, left_out)

    patients = {(sample.patients, sample.patient or sample.path.name) for sample in contents.samples}
    print(f"{len(loaded)} images of {len(patients)} patients; {len(left_out)} left out")

    states = Counter((label, state.value) for item in loaded for label, state in item.sample.states.items())
    outlines = Counter(shape.label for item in loaded for shape in item.sample.shapes)
    print(f"{'finding':<20}{'present':>9}{'absent':>9}{'not mentioned':>15}{'outlines':>10}")
    for label in sorted({label for label, _ in states}):
        counts = [states[label, state] for state in ("present", "absent", "not mentioned")]
        print(f"{label:<20}{counts[0]:>9}{counts[1]:>9}{counts[2]:>15}{outlines[label]:>10}")
    for line in _mined_beside_read([item.sample for item in loaded]):
        print(line)
    check_broken(contents, broken, len(contents.samples), allow_missing=options.allow_missing)


def _mined_beside_read(samples: Sequence[Sample]) -> Iterator[str]:
    """A table of how far mined labels agree with readers who looked for the same findings; nothing where none
    did."""
    labels = sorted({label for sample in samples for label in sample.checked})
    if labels:
        yield ""
        yield "Labels mined from reports, where readers looked for the finding too; 95 % intervals by image"
        yield f"{'finding':<20}{'images':>9}{'of the named, seen':>28}{'of the seen, named':>28}"
    for label in labels:
        counts = Counts.of(samples, label)
        right = (counts.confirmed, counts.confirmed + counts.invented)
        found = (counts.confirmed, counts.confirmed + counts.missed)
        yield f"{label:<20}{counts.images:>9}{_share(*right):>28}{_share(*found):>28}"


def _share(part: int, whole: int) -> str:
    """With its exact binomial interval (Clopper and Pearson, Biometrika 1934)."""
    if not whole:
        return "-"
    interval = binomtest(part, whole).proportion_ci(0.95, "exact")
    return f"{part} of {whole}, {part / whole:.2f} ({interval.low:.2f}-{interval.high:.2f})"
