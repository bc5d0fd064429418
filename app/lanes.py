"""Threads of their own for each kind of work: who waits for the model holds up nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

from patchclip import PatchClipError

Result = TypeVar("Result")


class BusyError(PatchClipError):
    """Too much waits already."""


class Lane:
    """Runs work in threads of its own, in the order it came.

    Args:
        name: of the threads, and what is said to be busy.
        threads: how many at once.
        waiting: how many more may wait.
    """

    def __init__(self, name: str, threads: int, waiting: int) -> None:
        self.name = name
        self.threads = threads
        self._room = threads + waiting
        self._inside, self._behind = 0, 0
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, work: Callable[[], Result]) -> Result:
        """The work's result, or its error.

        Raises:
            BusyError: as much as may wait is waiting.
        """
        if self._inside >= self._room:
            raise BusyError(
                f"The server is busy: {self._inside} requests are at the {self.name}; try again in a moment."
            )
        self._inside += 1
        try:
            return await asyncio.wrap_future(self._pool.submit(work))
        finally:
            self._inside -= 1

    def result(self, work: Callable[[], Result]) -> Result:
        """The same for a thread that has no event loop, and waits behind all that came before."""
        with self._lock:
            self._behind += 1
        try:
            return self._pool.submit(work).result()
        finally:
            with self._lock:
                self._behind -= 1

    @property
    def inside(self) -> int:
        """How much runs or waits."""
        return self._inside + self._behind

    def finish(self) -> None:
        """Comes to the end of what runs and of what waits."""
        self._pool.shutdown(wait=True)

    def close(self) -> None:
        """Drops what waits; what runs comes to its end."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Lanes:
    """One lane for each kind of work.

    Attributes:
        model: one pass through the model at a time: two at once are each more than twice as slow.
        slow: hundreds of passes for one map, beside which others go on.
        decoder: reading files and drawing them for the page.
        store: the feedback database.
        export: making results.
        archive: waiting for an archive.
        studies: making studies, and cases of them that are not ready when they are opened.
        sign_in: hashing passwords, each of which takes 64 MiB.
    """

    def __init__(self) -> None:
        self.model = Lane("model", 1, 128)
        self.slow = Lane("occlusion", 1, 4)
        self.decoder = Lane("decoder", 2, 32)
        self.store = Lane("store", 4, 256)
        self.export = Lane("export", 1, 16)
        self.archive = Lane("archive", 2, 16)
        self.studies = Lane("studies", 2, 64)
        self.sign_in = Lane("sign-in", 2, 64)

    def all(self) -> tuple[Lane, ...]:
        """Each of them."""
        reading = (self.model, self.slow, self.decoder, self.store, self.export, self.archive)
        return (*reading, self.studies, self.sign_in)

    def close(self) -> None:
        """Drops what waits in any of them, but finishes what is to be stored."""
        for lane in self.all():
            if lane is not self.store:
                lane.close()
        self.store.finish()
