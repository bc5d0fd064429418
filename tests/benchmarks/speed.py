"""From a file to its answer: what the library adds to decoding and to the tower's own pass, as ratios.

Many films: see `tests.benchmarks.archive`.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from patchclip import Engine, load_radiograph
from patchclip.image.synthetic import synthetic_radiograph
from patchclip.memory import keep_freed_memory
from patchclip.predict import record_of
from patchclip.resources import LARGER
from tests.benchmarks.passes import bare_pass, unfolded_pass
from tests.image.dicoms import content, dicom
from tests.tiny import ROOT

Timed = Callable[[Callable[[], object]], float]
SIDE = 3000
EXAMPLE = ROOT / "assets" / "examples" / "synthetic_effusion.png"
ONE = ("pleural effusion",)


def run(timed: Timed) -> str:
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
        tower, unfolded = bare_pass(engine, film), unfolded_pass(engine, film)

        def whole(texts: tuple[str, ...] | list[str]) -> str:
            return json.dumps(record_of(engine, "film.dcm", load, texts))

        encoded = engine.encode(film)
        decode, bare, longer = timed(load), timed(tower), timed(unfolded)
        first, all_twenty = timed(partial(whole, ONE)), timed(partial(whole, twenty))
        cached = timed(lambda: engine.query(encoded, ONE))
        larger = timed(bare_pass(Engine.from_pretrained(LARGER, device="cpu"), film))
    start, alone = _processor_s("-m", "patchclip", *_PREDICT), _processor_s("-c", "import torch")
    return (
        f"first map of a DICOM of {SIDE} x {SIDE} to JSON {first / (decode + bare):.2f} of decoding "
        f"({1000 * decode:.0f} ms) and a bare pass ({1000 * bare:.0f} ms, {bare / longer:.2f} of one whose "
        f"normalisation is not folded) (at most 1.5); 20 queries {all_twenty / first:.2f} of one (at most "
        f"1.1); a cached query {1000 * cached:.1f} ms (at most 5); a bare pass of the larger bundled model "
        f"{larger / bare:.1f} of the default one's; "
        f"from the command line to its end {start:.1f} s of processor time, {start / alone:.1f} of importing "
        "torch"
    )


_PREDICT = ("predict", str(EXAMPLE), "--query", ONE[0])


def _processor_s(*arguments: str) -> float:
    """Of a fresh interpreter and the processes that it starts, in user mode."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


if __name__ == "__main__":
    from tests.benchmarks.__main__ import timed

    print(run(timed))
