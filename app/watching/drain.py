"""The end of a server: what is under way is finished, what comes then hears a sentence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from app.lanes import Lane

STOPPING = (
    "The server is being stopped, so nothing new is begun; keep the page open and try again in a moment."
)
PATIENCE_S = 30.0  # for what is under way


class Drain:
    """Counts what is under way, and says when it is over.

    Args:
        store: the lane of what is saved, which is waited for, too.
        clock: seconds that only grow.
    """

    def __init__(self, store: Lane, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._lock = Lock()
        self._inside = 0
        self._began: float | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the server has been told to stop."""
        return self._began is not None

    @property
    def inside(self) -> int:
        """Requests under way."""
        return self._inside

    def begin(self) -> None:
        """From now on nothing new is begun."""
        self._began = self._clock()

    def is_over(self) -> bool:
        """Whether all that was begun has ended, or has had its time."""
        if self._began is None:
            return False
        return not (self._inside or self._store.inside) or self._clock() - self._began > PATIENCE_S

    @contextmanager
    def request(self) -> Iterator[None]:
        """While one is under way."""
        with self._lock:
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
