"""Decoding in processes of their own: a file that aborts, hangs or outgrows its decoder costs one sentence.

The pool is written here because none at hand fits. The standard library's pools break altogether when one
process dies, know no time limit for a task, start children that import the caller's main module, and torch,
and unpickle whatever a child sends. loky fails every running task when one process dies. pebble is LGPL.
"""

from __future__ import annotations

import atexit
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from threading import BoundedSemaphore, Lock, Timer
from typing import Any, Literal

from patchclip.errors import RadiographError
from patchclip.image.limits import CPU_S, MEMORY_MB, WALL_S, WORKERS
from patchclip.image.messages import receive, send
from patchclip.image.outcomes import Done, Outgrown, Refused, Unforeseen

Cause = Literal["death", "time", "memory", "unforeseen", "start", "busy"]


class IsolationError(RadiographError):
    """A worker failed on a file, rather than refused it; `cause` says how."""

    def __init__(self, cause: Cause, text: str) -> None:
        super().__init__(text)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Limits:
    """What the decoding of one file may cost; the first three are settings (`patchclip.image.limits`).

    Attributes:
        memory_mb: private memory of a worker on Linux, its address space on macOS; no limit on Windows.
        cpu_s: processor time.
        wall_s: time by the clock, from asking to the last byte of the answer.
        queue_s: how long a file may wait for a worker.
        start_s: how long a worker may take to start.
        jobs: files after which a worker is replaced, lest memory that a decoder leaks add up.
    """

    memory_mb: int = field(default_factory=lambda: MEMORY_MB.value)
    cpu_s: float = field(default_factory=lambda: CPU_S.value)
    wall_s: float = field(default_factory=lambda: WALL_S.value)
    queue_s: float = 120
    start_s: float = 120
    jobs: int = 500


class WorkerPool:
    """Up to `size` processes, started when first needed, replaced when they fail. Threads may share it."""

    def __init__(
        self, size: int = 2, limits: Limits | None = None, module: str = "patchclip.image.worker"
    ) -> None:
        """module: what a worker runs; its jobs are those that may be asked for."""
        self.limits, self.module = limits or Limits(), module
        self._slots = BoundedSemaphore(size)
        self._idle: list[_Worker] = []
        self._lock = Lock()

    def run(self, job: str, *arguments: Any, **options: Any) -> Any:
        """Does one of the worker's jobs; arguments are plain data.

        Raises:
            RadiographError: the job's own.
            IsolationError: the worker died, took too long or too much memory, or met an unforeseen error.
        """
        if not self._slots.acquire(timeout=self.limits.queue_s):
            raise IsolationError("busy", "Too many files are being opened at once; open this one again soon.")
        try:
            worker = self._worker()
            try:
                outcome = worker.ask((job, tuple(map(_without_copy, arguments)), options))
            except BaseException:
                worker.kill()
                raise
            return self._settled(worker, outcome)
        finally:
            self._slots.release()

    def warm(self) -> None:
        """Starts a worker without waiting for it: it loads its libraries meanwhile."""
        with self._lock:
            if not self._idle:
                self._idle.append(_Worker(self.limits, self.module))

    def close(self) -> None:
        """Ends the workers that are idle; the pool starts others if it is used again."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.kill()

    def _worker(self) -> _Worker:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.is_alive():
                    return worker
                worker.kill()
        return _Worker(self.limits, self.module)

    def _settled(self, worker: _Worker, outcome: Any) -> Any:
        """The value of an outcome; the worker goes back to the others, or is ended if it is worn out."""
        reusable = isinstance(outcome, (Done, Refused, Unforeseen)) and worker.jobs < self.limits.jobs
        if reusable:
            with self._lock:
                self._idle.append(worker)
        else:
            worker.kill()
        if isinstance(outcome, Done):
            return outcome.value
        if isinstance(outcome, Refused):
            raise RadiographError(outcome.text)
        if isinstance(outcome, Outgrown):
            raise IsolationError(
                "memory",
                f"The file needs more than {self.limits.memory_mb} MB of memory to be opened; "
                "export it at its original size, in grey.",
            )
        if isinstance(outcome, Unforeseen):
            raise IsolationError(
                "unforeseen",
                "The file could not be read because of an error in Patch-CLIP "
                f"({outcome.kind} at {outcome.place}); report it, and export the image in another format.",
            )
        raise IsolationError("death", _DIED)


def _without_copy(argument: Any) -> Any:
    """A file's bytes as a buffer, which goes into the pipe as it is; everything else unchanged."""
    return pickle.PickleBuffer(argument) if isinstance(argument, bytes) else argument


_DIED = (
    "The file made its decoder fail, so it is damaged or made to do harm; export it again from its source."
)


class _Worker:
    """One process; not for two threads at once."""

    def __init__(self, limits: Limits, module: str) -> None:
        root = str(Path(__file__).resolve().parents[2])
        paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        self.limits, self.jobs = limits, 0
        self._started = False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(limits.memory_mb), str(limits.cpu_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what decoders print of a file may quote it
            env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: object) -> Any:
        """The outcome of one job.

        Raises:
            IsolationError: the process did not start, died, or did not answer in time.
        """
        if not self._started:
            self._exchange(None, self.limits.start_s, "start")
            self._started = True
        self.jobs += 1
        return self._exchange(request, self.limits.wall_s, "death")

    def kill(self) -> None:
        """Ends the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:  # what was not yet written cannot be any more
                continue

    def _exchange(self, request: object, seconds: float, cause: Cause) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        late = False

        def give_up() -> None:
            nonlocal late
            late = True
            self._process.kill()

        timer = Timer(seconds, give_up)
        timer.daemon = True
        timer.start()
        try:
            if request is not None:
                send(self._process.stdin, request)
            # An answer holds an image; it cannot be larger than the memory that it came from.
            return receive(self._process.stdout, self.limits.memory_mb * 2**20)
        except (EOFError, OSError, pickle.UnpicklingError):
            raise self._failure(cause, late=late) from None
        finally:
            timer.cancel()

    def _failure(self, cause: Cause, *, late: bool) -> IsolationError:
        self._process.kill()
        status = self._process.wait()
        if cause == "start":
            return IsolationError(
                "start",
                f"The process that decodes images does not start (exit status {status}); "
                "run python -m patchclip.image.worker 2048 30 to see why.",
            )
        if late or (sys.platform != "win32" and status == -signal.SIGPROF):
            return IsolationError(
                "time",
                f"The file took longer than {self.limits.cpu_s:.0f} seconds to decode and was given up; "
                "export it again from its source.",
            )
        return IsolationError("death", _DIED)


_pool: WorkerPool | None = None
_pool_lock = Lock()


def shared_pool() -> WorkerPool:
    """The pool of this process; no worker runs before it is used.

    Raises:
        RadiographError: a limit is set to what it cannot be.
    """
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = WorkerPool(size=WORKERS.value)
            atexit.register(_pool.close)
        return _pool


def _forget_pool() -> None:
    """A forked process, which would take its parent's answers from the pipes, starts workers of its own."""
    global _pool, _pool_lock
    _pool, _pool_lock = None, Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
