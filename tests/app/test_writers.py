"""64 readers save at once, in four processes on one database: every acknowledged reading is there, once."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.store import FeedbackRepository, StoreError, migrate, open_database
from tests.app.test_repository import feedback

PROCESSES, THREADS, READINGS = 4, 16, 2


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | SecretStr]:
    """Where a migrated database is."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        with server.database() as name:
            yield server.url(name)
        return
    engine = open_database(tmp_path / "feedback.sqlite3")
    migrate(engine)
    engine.dispose()
    yield tmp_path / "feedback.sqlite3"


def save_all(place: Path | SecretStr, process: int, told: Any) -> None:
    """What one process does: its readers save, and save again where they are told to."""
    engine = open_database(place)
    repository = FeedbackRepository(engine)

    def save(reader: int) -> list[tuple[str, int]]:
        saved = []
        for number in range(READINGS):
            key = f"{process:08x}{reader:08x}{number:016x}"
            while True:
                try:
                    row = repository.add(feedback(key=key, comment=key))
                except StoreError as error:
                    assert "busy" in str(error), error
                else:
                    saved.append((key, row.id))
                    break
        return saved

    with ThreadPoolExecutor(THREADS) as pool:
        told.put([item for part in pool.map(save, range(THREADS)) for item in part])
    engine.dispose()


def test_sixty_four_writers_lose_nothing(place: Path | SecretStr) -> None:
    context = multiprocessing.get_context("fork")  # what is imported already need not be imported again
    told = context.Queue()
    workers = [context.Process(target=save_all, args=(place, number, told)) for number in range(PROCESSES)]
    for worker in workers:
        worker.start()
    acknowledged = dict(item for _ in workers for item in told.get(timeout=120))
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    engine = open_database(place)
    rows = FeedbackRepository(engine).rows()
    engine.dispose()
    assert len(acknowledged) == PROCESSES * THREADS * READINGS
    assert {row["comment"]: row["id"] for row in rows} == acknowledged
    assert Counter(row["comment"] for row in rows).most_common(1)[0][1] == 1
    assert all(len(row["boxes"]) == 2 and len(row["outlines"]) == 2 for row in rows)
