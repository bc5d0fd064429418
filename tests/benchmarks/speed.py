"""From a file to its answer: what the library adds to decoding and to the tower's own pass, as ratios.

python -m tests.benchmarks.speed [--images N] runs this alone, with more images in the row.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch

from patchclip import Engine, Radiograph, load_radiograph
from patchclip.image.synthetic import synthetic_radiograph
from patchclip.memory import keep_freed_memory
from patchclip.model.preprocess import model_input
from patchclip.predict import record_of
from tests.image.dicoms import content, dicom
from tests.tiny import ROOT

Timed = Callable[[Callable[[], object]], float]
SIDE = 3000
IMAGES = 60
EXAMPLE = ROOT / "assets" / "examples" / "synthetic_effusion.png"
ONE = ("pleural effusion",)


def run(timed: Timed, images: int = IMAGES) -> str:
    """With the bundled model on the CPU; limits stand beside the figures."""
    keep_freed_memory()
    engine = Engine.from_pretrained(device="cpu")
    names = [item.name for item in engine.vocabulary.findings]
    twenty = [f"{word} {name}".strip() for word in ("", "no") for name in names][:20]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.dcm"
        small = synthetic_radiograph("effusion", size=SIDE // 4, seed=5).pixels
        stored = np.round(4095 * np.kron(small, np.ones((4, 4), np.float32))).astype(np.uint16)
        path.write_bytes(content(dicom(stored, BitsStored=12, HighBit=11)))
        load = partial(load_radiograph, path, isolated=True)
        film = load()
        square, box = model_input(film.pixels, engine.model.config.image_size)
        pixels = torch.from_numpy(square)[None, None]
        valid = torch.from_numpy(box.valid_patches(*engine.model.grid))[None]
        mirror = engine.checkpoint.calibration.mirror

        @torch.inference_mode()
        def tower() -> object:
            return engine.model.encode_image(pixels, valid, mirror=mirror)

        def whole(texts: tuple[str, ...] | list[str]) -> str:
            return json.dumps(record_of(engine, "film.dcm", load, texts))

        encoded = engine.encode(film)
        decode, bare = timed(load), timed(tower)
        first, all_twenty = timed(partial(whole, ONE)), timed(partial(whole, twenty))
        cached = timed(lambda: engine.query(encoded, ONE))
        rate, grown = _row(engine, load, tower, images)
    start, alone = _processor_s("-m", "patchclip", *_PREDICT), _processor_s("-c", "import torch")
    return (
        f"first map of a DICOM of {SIDE} x {SIDE} to JSON {first / (decode + bare):.2f} of decoding "
        f"({1000 * decode:.0f} ms) and a bare pass ({1000 * bare:.0f} ms) (at most 1.5); 20 queries "
        f"{all_twenty / first:.2f} of one (at most 1.1); a cached query {1000 * cached:.1f} ms (at most 5); "
        f"{images} images in a row, decoded meanwhile, at {rate:.2f} of the speed of bare passes (at least "
        f".9), memory grown by {grown:.1f} MiB; from the command line to its end {start:.1f} s of processor "
        f"time, {start / alone:.1f} of importing torch"
    )


_PREDICT = ("predict", str(EXAMPLE), "--query", ONE[0])


def _row(
    engine: Engine, load: Callable[[], Radiograph], tower: Callable[[], object], images: int
) -> tuple[float, float]:
    """Speed of encoding and asking many images, the next one being decoded meanwhile, as a share of the speed
    of as many bare passes; and the growth of memory over the second half, in MiB."""
    middle = 0.0
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(load)
        started = time.perf_counter()
        for number in range(images):
            film, coming = coming.result(), ahead.submit(load)
            engine.query(engine.encode(film), ONE)
            if number == images // 2:
                middle = _resident_mib()
        spent = time.perf_counter() - started
    grown = _resident_mib() - middle
    started = time.perf_counter()
    for _ in range(images):
        tower()
    return (time.perf_counter() - started) / spent, grown


def _resident_mib() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def _processor_s(*arguments: str) -> float:
    """Of a fresh interpreter and the processes that it starts, in user mode."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def main() -> None:
    """Prints one line."""
    from tests.benchmarks.__main__ import timed

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=IMAGES, metavar="N", help="in the row (60)")
    print(run(timed, parser.parse_args().images))


if __name__ == "__main__":
    main()
