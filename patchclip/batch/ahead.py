"""Results of tasks in their order, a few of them under way: decoding goes on while the tower works, and no
more is held than that."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future
from typing import TypeVar

T = TypeVar("T")


def ahead(tasks: Iterable[Callable[[], T]], pool: Executor, count: int) -> Generator[T, None, None]:
    """Runs tasks on a pool, at most `count` beyond the one whose result was last given."""
    pending: deque[Future[T]] = deque()
    try:
        for task in tasks:
            pending.append(pool.submit(task))
            if len(pending) >= count:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()
