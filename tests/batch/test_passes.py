"""Passes side by side use the threads that one pass would, and their rows come in the order of the files."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow.parquet as pq
import pytest
import torch

from patchclip import Engine
from patchclip.batch.names import Namer
from patchclip.batch.parts import parts_of
from patchclip.batch.passes import MOST, passes_at_once, threads_shared
from patchclip.batch.units import Unit
from patchclip.batch.work import Task, Worker
from patchclip.batch.writing import Tables
from patchclip.errors import DataError
from tests.batch.archives import films
from tests.tiny import tiny_checkpoint


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize(("threads", "passes", "each"), [(1, 1, 1), (2, 2, 1), (3, 3, 1), (9, 4, 2)])
def test_passes_share_the_threads(
    tmp_path_factory: pytest.TempPathFactory, threads: int, passes: int, each: int
) -> None:
    engine = Engine.from_pretrained(tiny_checkpoint(tmp_path_factory.mktemp("threads")), device="cpu")
    torch.set_num_threads(threads)

    assert passes_at_once(engine) == passes <= MOST
    with threads_shared(passes), ThreadPoolExecutor(passes) as pool:
        assert list(pool.map(lambda _: torch.get_num_threads(), range(passes))) == [each] * passes
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(("device", "backend"), [("cuda", "torch"), ("cpu", "onnxruntime (CPU)")])
def test_what_has_threads_of_its_own_makes_one_pass_at_a_time(device: str, backend: str) -> None:
    torch.set_num_threads(2)
    other = SimpleNamespace(device=torch.device(device), computation=SimpleNamespace(backend=backend))

    assert passes_at_once(cast(Engine, other)) == 1


def test_rows_come_in_the_order_of_the_files_whatever_the_threads(tmp_path: Path) -> None:
    names = sorted(films(tmp_path / "in", 7, size=200))
    (tmp_path / "in" / "a" / "003.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    places = sorted([*names, "a/003.png"])
    units = [Unit(place, "named", str(tmp_path / "in" / place)) for place in places]
    engine = Engine.from_pretrained(tiny_checkpoint(tmp_path / "model"), device="cpu")
    namer = Namer(b"k" * 32, places=True)
    task = Task("", None, (), ("pleural effusion", "pneumothorax"), maps=False, embeddings=True, namer=namer)
    tables: list[dict[str, list[Any]]] = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        out = tmp_path / f"out{threads}"
        (part,) = parts_of(units, namer, (), 100)
        told: list[int] = []

        made = Worker(replace(task, out=str(out)), engine).make(part, told.append)

        assert (made.record.images, made.record.answers, made.record.errors) == (7, 14, 1)
        assert [fault.place for fault in made.faults] == ["a/003.png"] and sum(told) == 8
        tables.append(pq.read_table(Path(made.folder) / "answers.parquet").to_pydict())
    one, three = tables
    assert one["image"] == three["image"] == [name for name in names for _ in range(2)]
    assert three["probability"] == pytest.approx(one["probability"], abs=1e-5)
    assert len(set(one["probability"])) > 2


def test_where_the_tables_cannot_be_written_the_threads_are_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = films(tmp_path / "in", 4, size=96)
    engine = Engine.from_pretrained(tiny_checkpoint(tmp_path / "model"), device="cpu")
    namer = Namer(b"k" * 32, places=True)
    task = Task(str(tmp_path / "out"), None, (), ("pneumothorax",), maps=False, embeddings=False, namer=namer)
    (part,) = parts_of([Unit(place, "named", str(tmp_path / "in" / place)) for place in places], namer, (), 9)
    torch.set_num_threads(3)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Tables, "add", full)
    with pytest.raises(DataError, match="No space left on device") as error:
        Worker(task, engine).make(part)
    assert torch.get_num_threads() == 3 and error.value.__cause__ is not None
