"""A process that reads image files for another, which starts it: see `patchclip.image.isolation`.

It limits itself before it reads anything: memory, processor time, no file written, no core dumped.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import cv2

from patchclip.errors import RadiographError
from patchclip.image.containers import JOBS as FILE_JOBS
from patchclip.image.load import read_radiograph
from patchclip.image.messages import receive, send
from patchclip.image.outcomes import Done, Outgrown, Ready, Refused, Unforeseen
from patchclip.memory import keep_freed_memory

JOBS: dict[str, Callable[..., Any]] = FILE_JOBS | {"read_radiograph": read_radiograph}
"""What a worker can be asked to do, by name."""

LARGEST_REQUEST = 4 * 2**30
KEPT_BYTES = 256 * 2**20
"""Of freed memory, which the next film needs again: enough for one of 3,000 x 3,000 pixels."""


def main(memory_mb: int, seconds: float) -> None:
    """Answers jobs from standard input on standard output until there are no more."""
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a C library prints is no message of ours
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asked
    cv2.setNumThreads(1)
    keep_freed_memory(KEPT_BYTES)
    _limit(memory_mb)
    send(results, Ready())
    while True:
        try:
            job, arguments, options = receive(sys.stdin.buffer, LARGEST_REQUEST)
        except EOFError:
            return
        _set_timer(seconds)
        files = [bytes(each) if isinstance(each, memoryview) else each for each in arguments]
        outcome = _outcome(JOBS[job], files, options)
        _set_timer(0)
        _answer(results, outcome)


def _outcome(job: Callable[..., Any], arguments: list[Any], options: dict[str, Any]) -> object:
    try:
        return Done(job(*arguments, **options))
    except RadiographError as error:
        return Refused(str(error))
    except MemoryError:
        return Outgrown()
    except Exception as error:  # whatever it is, it must cost this file alone
        if isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem:
            return Outgrown()
        last = traceback.extract_tb(error.__traceback__)[-1]
        return Unforeseen(type(error).__name__, f"{Path(last.filename).name}:{last.lineno}")


def _answer(results: IO[bytes], outcome: object) -> None:
    try:
        send(results, outcome)
    except MemoryError:
        send(results, Outgrown())


def _limit(memory_mb: int) -> None:
    if sys.platform == "win32":
        return  # Windows has no such limits; time and pixels are limited there too
    import resource

    # Linux counts private memory here, and address space, libraries included, under the other name.
    memory = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
    for limit, most in ((memory, memory_mb * 2**20), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0)):
        _, hard = resource.getrlimit(limit)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (most, most))


def _set_timer(seconds: float) -> None:
    """Processor time, so that a busy machine gives up nothing; the process ends when it is spent."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_PROF, seconds)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
