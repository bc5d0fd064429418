"""How often a correct header is overruled: python -m tests.benchmarks.polarity FOLDER.

The folder holds real radiographs, black = air. Each becomes DICOM files with either tag, plain and with a
border left white by collimation, around the picture and over it, and goes through `load_radiograph`. A
MONOCHROME1 that is wrong, pixels being black for air already, is tried too. With --average the average chest
is printed that `patchclip.image.polarity` compares with.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from scipy.stats import binomtest

from patchclip import load_radiograph
from patchclip.image.polarity import INVERTED, NOT_TURNED, field_cells
from patchclip.types import FloatArray
from tests.image.dicoms import content, dicom

BORDERS = ((0.0, "none"), (0.06, "around"), (0.2, "around"), (0.06, "over"), (0.2, "over"))
"""Width as a share of the longer side, and whether it enlarges the picture or covers it."""
INVERTED_IN_SOURCE = frozenset(("00017625_000.jpg", "00017999_000.jpg"))
"""Images of NIH ChestX-ray14 that are published inverted, as a look at them shows."""


def main() -> None:
    """Prints counts with exact binomial 95 % intervals."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--count", type=int, default=700, help="how many pictures, drawn with seed 0 (default: 700)"
    )
    parser.add_argument("--average", action="store_true", help="print the average chest of the folder")
    arguments = parser.parse_args()
    files = sorted(file for file in arguments.folder.iterdir() if file.name not in INVERTED_IN_SOURCE)
    if arguments.average:
        _print_average(files)
        return
    chosen = np.random.default_rng(0).permutation(len(files))[: arguments.count]
    measure([files[place] for place in sorted(chosen)])


def measure(files: list[Path]) -> None:
    """Reads every file in every guise."""
    counts: Counter[tuple[str, str]] = Counter()
    overruled: set[str] = set()
    for file in files:
        pixels = _pixels(file)
        for width, place in BORDERS:
            shown = _bordered(pixels, width, place)
            border = f"{width:.0%} {place}" if width else "no border"
            for tag in ("MONOCHROME1", "MONOCHROME2"):
                stored = 1 - shown if tag == "MONOCHROME1" else shown
                read = load_radiograph(_file(stored, tag))
                counts[border, f"{tag} overruled"] += NOT_TURNED in read.warnings
                counts[border, f"{tag} doubted"] += INVERTED in read.warnings
                if NOT_TURNED in read.warnings:
                    overruled.add(file.name)
            counts[border, "wrong MONOCHROME1 overruled"] += (
                NOT_TURNED in load_radiograph(_file(shown, "MONOCHROME1")).warnings
            )
    for width, place in BORDERS:
        border = f"{width:.0%} {place}" if width else "no border"
        for what in (
            "MONOCHROME1 overruled",
            "MONOCHROME2 overruled",
            "MONOCHROME1 doubted",
            "MONOCHROME2 doubted",
            "wrong MONOCHROME1 overruled",
        ):
            print(f"{border:12} {what:28} {_interval(counts[border, what], len(files))}")
    for tag in ("MONOCHROME1", "MONOCHROME2"):
        false = sum(count for (_, what), count in counts.items() if what == f"{tag} overruled")
        print(f"correct {tag} overruled: {_interval(false, len(BORDERS) * len(files))}")
    false = sum(
        count for (_, what), count in counts.items() if what.startswith("MONOCHROME") and "over" in what
    )
    print(f"false overrules of correct headers: {_interval(false, 2 * len(BORDERS) * len(files))}")
    print(f"radiographs with any: {_interval(len(overruled), len(files))} {' '.join(sorted(overruled))}")


def _interval(count: int, total: int) -> str:
    interval = binomtest(count, total).proportion_ci(0.95, "exact")
    return f"{count} of {total} ({count / total:.2%}; 95 % CI {interval.low:.3%} to {interval.high:.3%})"


def _pixels(file: Path) -> FloatArray:
    return load_radiograph(file).pixels


def _bordered(pixels: FloatArray, width: float, place: str) -> FloatArray:
    size = round(width * max(pixels.shape))
    if place == "around":
        return np.asarray(
            cv2.copyMakeBorder(pixels, size, size, size, size, cv2.BORDER_CONSTANT, value=1.0), np.float32
        )
    covered = pixels.copy()
    if size:
        for part in (np.s_[:size], np.s_[-size:], np.s_[:, :size], np.s_[:, -size:]):
            covered[part] = 1.0
    return covered


def _file(stored: FloatArray, tag: str) -> bytes:
    values = np.round(stored * 4095).astype(np.uint16)
    return content(
        dicom(
            values,
            BitsStored=12,
            HighBit=11,
            WindowCenter=2048,
            WindowWidth=4096,
            PhotometricInterpretation=tag,
        )
    )


def _print_average(files: list[Path]) -> None:
    total, present = np.zeros((16, 16)), np.zeros((16, 16))
    for file in files:
        values, weights = field_cells(_pixels(file))
        share = weights / max(float(weights.sum()), 1e-6)
        values = values - float((share * values).sum())
        spread = float(np.sqrt((share * values**2).sum()))
        total += np.where(weights > 0, values / max(spread, 1e-6), 0)
        present += weights > 0
    average = total / np.maximum(present, 1)
    half = np.round(50 * (average + average[:, ::-1])[:, :8] / 2).astype(int)
    print(f"{len(files)} images")
    print("\n".join(" ".join(f"{value:>4}" for value in row) for row in half))


if __name__ == "__main__":
    main()
