"""How often burned-in text is found and warned of: python -m tests.benchmarks.burnt_in FOLDER.

Real radiographs of the folder are searched as they are, and with an invented name, number or date in one of
several fonts, heights and contrasts. Pictures in which text is found as they are get none. `run` measures
how long the search takes.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.stats import binomtest

from patchclip import load_radiograph
from patchclip.image.burnt_in import LARGEST, SENTENCE, find_text, text_warnings
from patchclip.image.synthetic import synthetic_radiograph
from patchclip.types import FloatArray
from tests.image.dicoms import content, dicom

FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSerif")
TEXTS = ("MUSTERMANN^ERIKA", "Doe, Jane", "ID 4711081", "04.05.1954", "NGUYEN, ANNA 12.03.1961")
HEIGHTS = (8, 10, 12, 16, 24, 40)  # of capitals, in pixels
CONTRASTS = (0.9, 0.5, 0.3)  # to the median of what lies below, in [0, 1]


def run() -> str:
    """Processor time for a large film, as a share of decoding it, and for noise, where most stands out."""
    small = synthetic_radiograph("effusion", size=750, seed=5).pixels
    stored = np.round(4095 * np.kron(small, np.ones((4, 4), np.float32))).astype(np.uint16)
    coded = content(dicom(stored, BitsStored=12, HighBit=11))
    film = load_radiograph(coded).pixels
    grain = np.random.default_rng(0)
    noise = (grain.random((LARGEST, LARGEST)) < 0.2).astype(np.float32)
    spots = cv2.GaussianBlur(grain.random((LARGEST, LARGEST), np.float32), (0, 0), 2)
    spots = (spots - spots.min()) / (spots.max() - spots.min())
    searched, decoded = _processor_ms(film), _processor_ms(coded)
    return (
        f"text searched in a film of {len(film)} x {len(film)} in {searched:.0f} ms of processor time, "
        f"{searched / decoded:.2f} of all that opening it takes; in noise of {LARGEST} x {LARGEST} in "
        f"{_processor_ms(noise):.0f} ms, in spots as large as letters in {_processor_ms(spots):.0f} ms"
    )


def _processor_ms(given: FloatArray | bytes, calls: int = 5) -> float:
    """Of one search in a picture, or of opening a file, in one thread of OpenCV's, as in a worker."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        for call in range(calls + 1):
            if call == 1:  # the first makes what is kept
                started = time.process_time()
            load_radiograph(given) if isinstance(given, bytes) else text_warnings(given)
        return 1000 * (time.process_time() - started) / calls
    finally:
        cv2.setNumThreads(threads)


def main() -> None:
    """Prints counts with exact binomial 95 % intervals."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=700, help="how many pictures, drawn with seed 0")
    arguments = parser.parse_args()
    files = sorted(arguments.folder.iterdir())
    rng = np.random.default_rng(0)
    chosen = [files[place] for place in rng.permutation(len(files))[: arguments.count]]
    plain: list[FloatArray] = []
    warned = 0
    with_text: list[str] = []
    for file in chosen:
        read = load_radiograph(file)
        warned += SENTENCE in read.warnings
        if find_text(read.pixels):
            with_text.append(file.name)
        else:
            plain.append(read.pixels)
    print(f"text found: {_interval(len(with_text), len(chosen))}: {' '.join(sorted(with_text))}")
    print(f"warned of: {_interval(warned, len(chosen))}")
    for height in HEIGHTS:
        for contrast in CONTRASTS:
            some = plain[:50]
            hits = sum(bool(text_warnings(_written(pixels, height, contrast, rng))) for pixels in some)
            print(f"capitals of {height} px, contrast {contrast}: warned of {_interval(hits, len(some))}")


def _written(pixels: FloatArray, height: int, contrast: float, rng: np.random.Generator) -> FloatArray:
    """A picture with one line near its upper or lower edge."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{rng.choice(FONTS)}.ttf"
    font = ImageFont.truetype(str(path), round(height / 0.73))
    text = str(rng.choice(TEXTS))
    left, top, right, bottom = (int(value) for value in font.getbbox(text))
    canvas = Image.new("L", (min(right - left, pixels.shape[1] - 8) + 4, bottom - top + 4))
    ImageDraw.Draw(canvas).text((2 - left, 2 - top), text, fill=255, font=font)
    ink = np.asarray(canvas, np.float32) / 255
    rows, cols = ink.shape
    depth = int(rng.integers(2, pixels.shape[0] // 8))
    y = depth if rng.random() < 0.5 else pixels.shape[0] - rows - depth
    x = int(rng.integers(2, pixels.shape[1] - cols - 1))
    burnt = pixels.copy()
    ground = burnt[y : y + rows, x : x + cols]
    level = float(np.median(ground))
    grey = level + contrast if level + contrast <= 1 else max(0.0, level - contrast)
    ground[:] = np.round(255 * (ground * (1 - ink) + grey * ink)) / 255
    return burnt


def _interval(count: int, total: int) -> str:
    interval = binomtest(count, total).proportion_ci(0.95, "exact")
    return f"{count} of {total} ({count / total:.1%}; 95 % CI {interval.low:.1%} to {interval.high:.1%})"


if __name__ == "__main__":
    main()
