"""A batch over many films: its speed beside that of bare passes, and whether its memory is flat.

python -m tests.benchmarks.archive [--images N] watches the memory over N small drawn films (10,000) and fails
where it grows. `run` measures the speed, on films as archives hold them.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from patchclip import Engine, load_radiograph
from patchclip.batch.names import Namer
from patchclip.batch.parts import Part, parts_of
from patchclip.batch.passes import passes_at_once, threads_shared
from patchclip.batch.units import Unit
from patchclip.batch.work import Task, Worker
from patchclip.image.isolation import shared_pool
from patchclip.image.synthetic import synthetic_radiograph
from patchclip.memory import keep_freed_memory
from tests.benchmarks.passes import bare_pass
from tests.image.dicoms import content, dicom

IMAGES = 10_000
EACH = 24  # films of a measurement of speed
SMALL = 256
PART = 100
DRAWN = 20  # different films, which the others repeat
FLAT = 5.0  # MiB for 1,000 images, up to which memory counts as flat
QUERIES = ("pleural effusion",)
FIRST = 4  # films that are decoded before the clock starts
ROUNDS = 3


def run() -> str:
    """Images a second of a batch, beside bare passes one after the other on all threads; and processor time,
    which says the same where others use the machine."""
    keep_freed_memory()
    engine = Engine.from_pretrained(device="cpu")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    lines = []
    with _folder() as folder:
        films = (
            ("PNG of 1024 x 1024", _png(folder / "film.png", 1024)),
            ("DICOM of 1024 x 1024", _dicom(folder / "small.dcm", 1024)),
            ("DICOM of 3000 x 3000", _dicom(folder / "large.dcm", 3000)),
        )
        for name, film in films:
            tower = bare_pass(engine, load_radiograph(film))
            with threads_shared(passes_at_once(engine)):
                passing = _processor_s(tower)
            bare, speed = float("inf"), 0.0
            for _ in range(ROUNDS):  # others may use the machine: the fastest of each, taken in turn
                bare = min(bare, _wall_s(tower))
                speed = max(speed, _speed(engine, folder / f"{film.name}.out", film))
            cost = _cost_s(engine, folder / f"{film.name}.cost", film)
            lines.append(
                f"{name}: {speed:.1f} images/s, {speed * bare:.2f} of the speed of bare passes (at least "
                f".9); a film costs {1000 * cost:.0f} ms of processor time in all, of which a pass of "
                f"{1000 * passing:.0f} ms is {passing / cost:.2f} (at least .9), and {cores} cores would do "
                f"{cores / cost:.1f} images/s"
            )
    return "\n  ".join([f"{EACH} films each, the best of {ROUNDS} times", *lines])


def memory(engine: Engine, images: int) -> tuple[float, str]:
    """MiB by which this process grows for 1,000 images, over the second half; and what to print."""
    sizes: list[tuple[int, float]] = []
    with _folder() as folder:
        drawn = [_png(folder / f"{number}.png", SMALL, number) for number in range(DRAWN)]
        worker, parts = _worker(engine, folder / "out", [drawn[n % DRAWN] for n in range(images)])
        started = time.perf_counter()
        for number, part in enumerate(parts, 1):
            made = worker.make(part)
            assert made.record.images == len(part.units), made.faults
            shutil.rmtree(made.folder)
            sizes.append((min(number * PART, images), _resident_mib()))
            if number % 10 == 0:
                print(f"{sizes[-1][0]} films, {sizes[-1][1]:.0f} MiB", file=sys.stderr, flush=True)
        spent = time.perf_counter() - started
    half = np.array(sizes[len(sizes) // 2 :])
    slope = float(np.polyfit(half[:, 0], half[:, 1], 1)[0]) * 1000 if len(half) > 1 else 0.0
    return slope, (
        f"{images} films of {SMALL} x {SMALL} in {spent:.0f} s: memory {half[0, 1]:.0f} MiB in the middle, "
        f"{half[-1, 1]:.0f} MiB at the end, {slope:+.2f} MiB for 1,000 films over the second half "
        f"(at most {FLAT:.0f})"
    )


def _speed(engine: Engine, out: Path, film: Path) -> float:
    """Films a second of a part that holds the same one many times, decoders being warm."""
    for count in (FIRST, EACH):
        worker, [part] = _worker(engine, out, [film] * count)
        made = worker.make(part)
        assert made.record.images == count, made.faults
    return EACH / made.record.seconds


def _cost_s(engine: Engine, out: Path, film: Path) -> float:
    """Processor time of one film in a batch, of all processes; what starting decoders costs falls out."""
    spent = []
    for count in (FIRST, FIRST + EACH):
        shared_pool().close()
        before = _all_processor_s()
        worker, [part] = _worker(engine, out, [film] * count)
        worker.make(part)
        shared_pool().close()  # its processes are counted once they have ended
        spent.append(_all_processor_s() - before)
    return (spent[1] - spent[0]) / EACH


def _all_processor_s() -> float:
    """Of this process and of those that it has ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _worker(engine: Engine, out: Path, films: Sequence[Path]) -> tuple[Worker, list[Part]]:
    namer = Namer(b"benchmark", places=True)
    task = Task(
        out=str(out),
        checkpoint=None,
        prior=(),
        queries=QUERIES,
        maps=False,
        embeddings=True,
        namer=namer,
    )
    units = [Unit(f"{number:06d}", "named", str(film)) for number, film in enumerate(films)]
    return Worker(task, engine), parts_of(units, namer, (), max(PART, EACH))


def _processor_s(work: Callable[[], object], calls: int = 5) -> float:
    """Processor time of one call, of all threads."""
    work()
    started = time.process_time()
    for _ in range(calls):
        work()
    return (time.process_time() - started) / calls


def _wall_s(work: Callable[[], object], calls: int = 10) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - started) / calls


def _resident_mib() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def _png(path: Path, size: int, seed: int = 5) -> Path:
    pixels = synthetic_radiograph("effusion", size=size, seed=seed).pixels
    Image.fromarray(np.round(255 * pixels).astype(np.uint8)).save(path)
    return path


def _dicom(path: Path, size: int) -> Path:
    pixels = synthetic_radiograph("effusion", size=size // 4, seed=5).pixels
    stored = np.round(4095 * np.kron(pixels, np.ones((4, 4), np.float32))).astype(np.uint16)
    path.write_bytes(content(dicom(stored, BitsStored=12, HighBit=11)))
    return path


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def main() -> int:
    """Prints one line; 1 if memory grew."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=IMAGES, metavar="N", help=f"films ({IMAGES})")
    arguments = parser.parse_args()
    keep_freed_memory()
    slope, line = memory(Engine.from_pretrained(device="cpu"), arguments.images)
    print(line)
    return int(slope > FLAT)


if __name__ == "__main__":
    sys.exit(main())
