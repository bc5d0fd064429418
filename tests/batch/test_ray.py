"""A real Ray cluster of two nodes on this machine, one of which is killed while it works."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patchclip.__main__ import main
from tests.batch.archives import checkpoint_of, films, rows_of

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-ray.txt")

FILMS = 14


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two nodes of one processor each, and the address of their head."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_DISABLE_IMPORT_WARNING", "1")
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100 * 2**20},
    )
    yield cluster
    ray.shutdown()
    cluster.shutdown()


# Ray leaves sockets, processes and files of its own to the interpreter.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_node_that_dies_costs_nothing(cluster: Any, tmp_path: Path) -> None:
    """Each image once, although a machine went away with the parts that it was making."""
    second = cluster.add_node(num_cpus=1, object_store_memory=100 * 2**20)
    cluster.wait_for_nodes()
    checkpoint = checkpoint_of(tmp_path / "model")
    places = films(tmp_path / "in", FILMS)
    (tmp_path / "in" / "broken.png").write_bytes((tmp_path / "in" / places[0]).read_bytes()[:200])
    queries = tmp_path / "queries.txt"
    queries.write_text("pleural effusion\n")
    out = tmp_path / "out"
    killed = threading.Event()

    def kill() -> None:
        while len(list((out / "work").glob("part-*"))) < 2 or not list((out / "ledger").glob("*.json")):
            time.sleep(0.05)
        cluster.remove_node(second, allow_graceful=False)
        killed.set()

    threading.Thread(target=kill, daemon=True).start()
    flags = ["--queries", str(queries), "--out", str(out), "--checkpoint", str(checkpoint)]
    status = main(
        [
            "batch",
            str(tmp_path / "in"),
            *flags,
            "--ray",
            cluster.address,
            "--part-size",
            "1",
            "--names",
            "place",
        ]
    )
    assert killed.is_set(), "the node was to die while parts were made"
    assert status == 1  # one file failed
    assert sorted(row["image"] for row in rows_of(out)) == sorted(places)
    assert [row["image"] for row in rows_of(out / "errors")] == ["broken.png"]
    assert sorted(row["image"] for row in rows_of(out / "embeddings")) == sorted(places)
    parts = [json.loads(path.read_text()) for path in (out / "ledger").iterdir()]
    assert len(parts) == FILMS + 1 and not list((out / "work").iterdir())
