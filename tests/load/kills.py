"""Processes that save readings and are killed at it: python -m tests.load.kills DATABASE TIMES SEED.

One process imports everything and makes others by fork, each of which saves until it is killed (SIGKILL) in
the middle of it; prints the comments that were called saved, one a line.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from app.store import FeedbackRepository, migrate, open_database
from tests.app.test_repository import feedback


def main() -> int:
    """Runs as its first line says."""
    database, times, chance = Path(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    engine = open_database(database)
    migrate(engine)
    engine.dispose()
    for number in range(times):
        for comment in _killed(database, number, chance.randint(0, 6), chance.uniform(0, 0.02)):
            print(comment, flush=True)
    return 0


def _killed(database: Path, number: int, after: int, then_s: float) -> list[str]:
    """What a process called saved that was killed so long after so many."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _save(database, number, write)
    os.close(write)
    said = b""
    with os.fdopen(read, "rb", buffering=0) as pipe:
        while said.count(b"\n") < after:
            heard = pipe.read(4096)
            assert heard, "a process ended by itself"
            said += heard
        time.sleep(then_s)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, status
        said += pipe.read()
    return said.decode().split("\n")[:-1]


def _save(database: Path, number: int, write: int) -> None:
    repository = FeedbackRepository(open_database(database))
    count = 0
    while True:
        comment = f"process {number}, reading {count}"
        repository.add(feedback(comment=comment, key=f"{number:016x}{count:016x}"))
        os.write(write, f"{comment}\n".encode())
        count += 1


if __name__ == "__main__":
    sys.exit(main())
