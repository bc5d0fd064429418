"""Whether a server is ready: its model, its database, its worker, in words that identify nobody."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from threading import Lock

from app.store import StoreError
from app.watching.drain import Drain

KEPT_S = 2.0  # so long one look at the database serves all who ask


@dataclass(frozen=True, slots=True)
class Facts:
    """What is told; each in one word or two."""

    live: str
    ready: str
    model: str
    database: str
    worker: str

    def to_dict(self) -> dict[str, str]:
        """As JSON."""
        return asdict(self)


class Health:
    """Looks at the parts of a server.

    Args:
        has_model: whether the model is loaded.
        write: raises StoreError where the database cannot be written now.
        works: whether the worker that makes cases ready is alive; None where a server has none.
        drain: of the server.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        has_model: Callable[[], bool],
        write: Callable[[], None],
        works: Callable[[], bool] | None,
        drain: Drain,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._has_model, self._write, self._works = has_model, write, works
        self._drain, self._clock = drain, clock
        self._lock = Lock()
        self._looked: tuple[float, bool] | None = None

    def facts(self) -> Facts:
        """How it is now; may wait for the database."""
        model, database = self._has_model(), self._writable()
        worker = self._works is None or self._works()
        ready = model and database and worker and not self._drain.has_begun
        return Facts(
            live="stopping" if self._drain.has_begun else "yes",
            ready="yes" if ready else "no",
            model="loaded" if model else "not loaded",
            database="writable" if database else "not writable",
            worker="none" if self._works is None else "alive" if worker else "dead",
        )

    def _writable(self) -> bool:
        with self._lock:
            if self._looked is None or self._clock() - self._looked[0] > KEPT_S:
                try:
                    self._write()
                except StoreError:
                    writable = False
                else:
                    writable = True
                self._looked = (self._clock(), writable)
            return self._looked[1]
