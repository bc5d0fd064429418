"""Benchmarks: python -m tests.benchmarks; figures are ratios or seconds of this run on this machine, printed
and never asserted."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

import torch

from tests.benchmarks import archive, burnt_in, losses, page, places, report, speed, study, training


def timed(work: Callable[[], object], least_s: float = 0.5) -> float:
    """Seconds for one call: the mean over as many calls as fill `least_s`, after one that does not count."""
    work()
    calls, started = 0, time.perf_counter()
    while (spent := time.perf_counter() - started) < least_s:
        work()
        calls += 1
    return spent / calls


def main() -> None:
    """Runs all of them."""
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    for name, text in (
        ("from file to answer", speed.run(timed)),
        ("batch", archive.run()),
        ("writing in the picture", burnt_in.run()),
        ("training step", training.run(timed)),
        ("patch loss", losses.run(timed)),
        ("lungs", places.run(timed)),
        ("report", report.run()),
        ("page", page.run()),
        ("study", study.run()),
    ):
        print(f"{name}: {text}")
    print(f"peak memory of this run: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
