"""How well mirrored films are told: python -m tests.benchmarks.orientation FOLDER[@SPLIT] ... [--held-out].

Each folder holds images.csv (`image`, and where it has them `patient_id` and `split`) and images/: frontal
chest radiographs, nearly all displayed the usual way. Each is judged as it is and mirrored. --held-out takes
the patients that `python -m trainer orientation` and `letters` leave out, for folders that they train on.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from scipy.stats import binomtest

from patchclip.image.orientation.heart import heart_side
from patchclip.image.orientation.letters import side_letters
from patchclip.image.orientation.sides import letter_sides
from patchclip.image.orientation.verdict import HeaderSides, compare_sides
from patchclip.types import FloatArray
from trainer.config import DataConfig
from trainer.data.sample import Sample
from trainer.data.split import hold_out
from trainer.orientation.heart import HELD_OUT, SEED

MISLEADING = (("L", 0.04), ("R", 0.9))
"""Letters as on a mirrored film, and where they are painted, as shares of the width."""
TURNED_BY_LETTER = "misled: the heart lies where a letter was painted"


@dataclass(frozen=True, slots=True)
class Films:
    """Images of a folder."""

    name: str
    samples: tuple[Sample, ...]


def main() -> None:
    """Prints counts with exact binomial 95 % intervals."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="+", metavar="FOLDER[@SPLIT]")
    parser.add_argument("--held-out", action="store_true", help="the patients that training leaves out")
    parser.add_argument("--names", action="store_true", help="name the films that are warned of as they are")
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE", help="a PNG of 80 letters that are read, to look at"
    )
    arguments = parser.parse_args()
    films = [_films(folder, held_out=arguments.held_out) for folder in arguments.folders]
    if arguments.sheet:
        _draw_sheet([sample.path for part in films for sample in part.samples], arguments.sheet)
        return
    for part in films:
        _measure(part, names=arguments.names)


def _films(argument: str, *, held_out: bool) -> Films:
    folder, _, split = argument.partition("@")
    with (Path(folder) / "images.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not split or row["split"] == split]
    name = Path(folder).name
    cohort = DataConfig().cohorts.get(name, name)  # folders of one cohort share patients
    samples = [
        Sample(Path(folder) / "images" / row["image"], row.get("patient_id"), name, {}, (), cohort=cohort)
        for row in rows
    ]
    if held_out:
        _, samples = hold_out(samples, HELD_OUT, SEED)
    return Films(argument, tuple(samples))


def _measure(films: Films, *, names: bool) -> None:
    counts = Counter({TURNED_BY_LETTER: 0, "as it is: heart left": 0, "as it is: letters left": 0})
    for sample in films.samples:
        pixels = _pixels(sample.path)
        outcomes = list(_outcomes(pixels))
        counts.update(outcomes)
        if names and any(outcome.startswith("as it is: warned") for outcome in outcomes):
            print(f"  warned of: {sample.path.name}: {', '.join(outcomes)}")
    patients = len({sample.patient for sample in films.samples})
    total = len(films.samples)
    print(f"{films.name}: {total} films of {patients} patients")
    for outcome, count in sorted(counts.items()):
        interval = binomtest(count, total).proportion_ci(0.95, "exact")
        print(
            f"  {outcome:44} {count:5} ({count / total:.2%}; 95 % CI {interval.low:.2%} to "
            f"{interval.high:.2%})"
        )
    film = np.asarray(cv2.resize(_pixels(films.samples[0].path), (2000, 2000)), np.float32)
    heart, letters = _seconds(lambda: heart_side(film)), _seconds(lambda: side_letters(film))
    print(f"  heart {heart * 1000:.0f} ms, letters {letters * 1000:.0f} ms of a film of 2,000 pixels")


def _pixels(path: Path) -> FloatArray:
    """float32 [H, W] in [0, 1]; decoded alone, since `load_radiograph` would judge it too."""
    return np.asarray(Image.open(path).convert("L"), np.float32) / np.float32(255)


def _draw_sheet(paths: list[Path], target: Path) -> None:
    """Eighty of the letters that are read, drawn with seed 0, each above what it was taken for."""
    tiles = []
    for path in paths:
        pixels = _pixels(path)
        for letter in side_letters(pixels):
            half = round(1.3 * max(letter.box.w, letter.box.h))
            x, y = round(letter.box.x + letter.box.w / 2), round(letter.box.y + letter.box.h / 2)
            patch = np.pad(pixels, half, mode="edge")[y : y + 2 * half, x : x + 2 * half]
            tile = np.asarray(cv2.resize(np.round(patch * 255).astype(np.uint8), (84, 84)), np.uint8)
            text = np.zeros((18, 84), np.uint8)
            label = f"{letter.letter}{' mirr.' if letter.mirrored else ''} {letter.probability:.2f}"
            cv2.putText(text, label, (2, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 255, 1)
            tiles.append(np.concatenate([tile, text]))
    chosen = [tiles[place] for place in np.random.default_rng(0).permutation(len(tiles))[:80]]
    chosen += [np.zeros((102, 84), np.uint8)] * (-len(chosen) % 10)
    rows = [np.concatenate(chosen[start : start + 10], axis=1) for start in range(0, len(chosen), 10)]
    cv2.imwrite(str(target), np.concatenate(rows))
    print(f"{target}: {min(80, len(tiles))} of {len(tiles)} letters on {len(paths)} films")


def _seconds(work: Callable[[], object]) -> float:
    """Processor time of one call, the least of ten."""
    times = []
    for _ in range(10):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def _outcomes(pixels: FloatArray) -> Iterator[str]:
    """What is counted of one film."""
    mirrored = np.ascontiguousarray(pixels[:, ::-1])
    plain_heart = None
    for name, picture in (("as it is", pixels), ("mirrored", mirrored)):
        heart, letters = heart_side(picture), letter_sides(side_letters(picture))
        plain_heart = heart if name == "as it is" else plain_heart
        yield f"{name}: heart {heart or 'undecided'}"
        yield f"{name}: letters {letters.patient_left or 'none'}"
        verdict = compare_sides(HeaderSides(), letters, heart)
        if verdict.warnings:
            yield f"{name}: warned"
        if verdict.source == "letters":
            yield f"{name}: sides follow the letters"
        if compare_sides(HeaderSides("right"), letters, heart).warnings:
            yield f"{name}: warned, header L\\F"
    for letter, place in MISLEADING:
        side = heart_side(_lettered(pixels, letter, place))
        if side not in (None, plain_heart):
            yield TURNED_BY_LETTER
            return


def _lettered(pixels: FloatArray, letter: str, x: float) -> FloatArray:
    height, width = pixels.shape
    ink = np.zeros(pixels.shape, np.uint8)
    place = round(x * width), round(0.08 * height)
    size = max(height, width)
    cv2.putText(
        ink, letter, place, cv2.FONT_HERSHEY_SIMPLEX, size / 500, 255, max(1, size // 150), cv2.LINE_AA
    )
    return np.maximum(pixels, ink.astype(np.float32) / 255)


if __name__ == "__main__":
    main()
