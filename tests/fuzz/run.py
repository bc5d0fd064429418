"""Runs damaged files through the workers and counts what becomes of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from scipy.stats import binomtest

from patchclip.errors import RadiographError
from patchclip.image.isolation import IsolationError, Limits, WorkerPool

CAUSES = {
    "death": "process deaths",
    "time": "over the time limit",
    "memory": "over the memory limit",
    "unforeseen": "undeclared exceptions",
    "start": "workers not started",
    "busy": "not served",
}
MOST_ENTRIES = 2  # of a container, opened after it is listed


@dataclass
class Report:
    """What became of the files.

    Attributes:
        read: gave an image.
        refused: ended in one sentence of a decoder's or reader's.
        failures: by cause (`IsolationError.cause`): the numbers of the cases.
        places: of unforeseen errors, with their counts.
        slowest_s, peak_mb: of one case; of a worker, its libraries included.
    """

    cases: int = 0
    read: int = 0
    refused: int = 0
    failures: dict[str, list[int]] = field(default_factory=dict)
    places: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    peak_mb: float = 0.0
    limits: Limits = field(default_factory=Limits)

    @property
    def is_clean(self) -> bool:
        """No death, no hang, no error that is not declared, no memory beyond the limit."""
        return not self.failures and self.peak_mb <= self.limits.memory_mb

    def __str__(self) -> str:
        """For people: a line per figure, failures with exact binomial (Clopper-Pearson) 95 % intervals."""
        lines = [f"{self.cases} files: {self.read} read, {self.refused} refused in a sentence"]
        for cause, words in CAUSES.items():
            count = len(self.failures.get(cause, []))
            interval = binomtest(count, max(1, self.cases)).proportion_ci(0.95, "exact")
            lines.append(f"{count} {words} (exact 95 % CI {interval.low:.3%} to {interval.high:.3%})")
        lines += [f"  {cause}: cases {cases[:20]}" for cause, cases in self.failures.items()]
        lines += [f"  {count} x {place}" for place, count in self.places.most_common()]
        lines.append(
            f"slowest {self.slowest_s:.1f} s (limit {self.limits.cpu_s:.0f} s of processor time), "
            f"highest memory {self.peak_mb:.0f} MB (limit {self.limits.memory_mb} MB)"
        )
        return "\n".join(lines)


def run(
    cases: Iterable[int],
    make: Callable[[int], bytes],
    workers: int = 2,
    limits: Limits | None = None,
    module: str = "tests.fuzz.worker",
) -> Report:
    """Reads each case in a worker: lists what it holds, and opens the first images."""
    report = Report(limits=limits or Limits())
    pools = [WorkerPool(1, report.limits, module=module) for _ in range(workers)]
    numbers = list(cases)
    try:
        with ThreadPoolExecutor(workers) as threads:
            parts = threads.map(
                lambda place: _part(pools[place], numbers[place::workers], make), range(workers)
            )
            for part in parts:
                _add(report, part)
    finally:
        for pool in pools:
            pool.close()
    return report


def _part(pool: WorkerPool, numbers: list[int], make: Callable[[int], bytes]) -> Report:
    report = Report()
    for number in numbers:
        content = make(number)
        started = time.perf_counter()
        try:
            _read(pool, content)
            report.read += 1
        except IsolationError as error:
            report.failures.setdefault(error.cause, []).append(number)
            if error.cause == "unforeseen":
                report.places[str(error).partition("(")[2].partition(")")[0]] += 1
        except RadiographError as error:
            text = str(error)
            assert text.endswith(".") and "\n" not in text, (number, text)
            report.refused += 1
        report.cases += 1
        report.slowest_s = max(report.slowest_s, time.perf_counter() - started)
        report.peak_mb = max(report.peak_mb, pool.run("peak_mb"))
    return report


def _read(pool: WorkerPool, content: bytes) -> None:
    listing = pool.run("list_file", content, "")
    if not listing.entries:
        raise RadiographError("It holds no image.")
    for entry in listing.entries[:MOST_ENTRIES]:
        pool.run("read_entry", content, entry.member, entry.frame)


def _add(report: Report, part: Report) -> None:
    report.cases += part.cases
    report.read += part.read
    report.refused += part.refused
    report.places += part.places
    report.slowest_s = max(report.slowest_s, part.slowest_s)
    report.peak_mb = max(report.peak_mb, part.peak_mb)
    for cause, numbers in part.failures.items():
        report.failures.setdefault(cause, []).extend(numbers)
