"""How fast vector engines find the images whose embeddings answer a query best: usearch, faiss, LanceDB.

    python -m tests.benchmarks.vector_engines [--images 1000000] [--width 257] [--threads 2]

Embeddings are drawn (seed 0): clusters, as those of radiographs with the same finding are, in float16 as a
batch stores them. Each engine is measured if it is installed: millions of embeddings a second by the clock
and of the processor (all threads together, which programs beside it hardly change), milliseconds a query,
recall of the 10 and the 500 best against a product in float32, and the size of what is installed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files, metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUERIES = 10


@dataclass(frozen=True, slots=True)
class Data:
    """Embeddings float16 [N, D], queries float32 [Q, D], and the best rows of each query."""

    vectors: NDArray[np.float16]
    queries: NDArray[np.float32]
    best: list[NDArray[np.int64]]


def drawn(images: int, width: int, count: int) -> Data:
    """Clustered embeddings and queries near some of them."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((64, width)).astype(np.float32)
    vectors = np.empty((images, width), np.float16)
    for start in range(0, images, 100_000):
        size = min(100_000, images - start)
        block = centres[rng.integers(0, 64, size)] + rng.standard_normal((size, width), np.float32)
        vectors[start : start + size] = block
    queries = centres[:QUERIES] + 0.5 * rng.standard_normal((QUERIES, width)).astype(np.float32)
    queries = queries.astype(np.float16).astype(np.float32)
    scores = np.empty((images, QUERIES), np.float32)
    for start in range(0, images, 100_000):
        scores[start : start + 100_000] = vectors[start : start + 100_000].astype(np.float32) @ queries.T
    best = [np.argsort(-scores[:, query], kind="stable")[:count] for query in range(QUERIES)]
    return Data(vectors, queries, best)


Searching = Callable[[NDArray[np.float32]], NDArray[Any]]


def usearch_exact(data: Data, count: int, threads: int) -> Searching:
    """An exact scan of the float16 rows as they lie."""
    from usearch.index import search

    def find(query: NDArray[np.float32]) -> NDArray[Any]:
        found = search(data.vectors, query.astype(np.float16), count, "ip", exact=True, threads=threads)
        return np.asarray(found.keys)

    return find


def usearch_int8(data: Data, count: int, threads: int) -> Searching:
    """The same in 8-bit whole numbers of one scale for all."""
    from usearch.index import search

    largest = float(np.abs(data.vectors).max())
    vectors = np.empty(data.vectors.shape, np.int8)
    for start in range(0, len(vectors), 100_000):
        block = data.vectors[start : start + 100_000].astype(np.float32)
        vectors[start : start + 100_000] = np.round(block * (127 / largest))

    def find(query: NDArray[np.float32]) -> NDArray[Any]:
        rounded = np.round(query * (127 / np.abs(query).max())).astype(np.int8)
        found = search(vectors, rounded, count, "ip", exact=True, threads=threads)
        return np.asarray(found.keys)

    return find


def ours(data: Data, count: int, threads: int) -> Searching:
    """What `patchclip search` does: the same scan, block by block."""
    from patchclip.search.scan import nearest

    return lambda query: nearest(data.vectors, query, count).rows


def usearch_graph(data: Data, count: int, threads: int) -> Searching:
    """HNSW in float16."""
    from usearch.index import Index

    index = Index(ndim=data.vectors.shape[1], metric="ip", dtype="f16")
    index.add(np.arange(len(data.vectors)), data.vectors, threads=threads)
    return lambda query: np.asarray(index.search(query.astype(np.float16), count, threads=threads).keys)


def faiss_flat(data: Data, count: int, threads: int) -> Searching:
    """An exact scan in float32, the only flat index for inner products that is fast."""
    import faiss  # type: ignore[import-not-found]

    faiss.omp_set_num_threads(threads)
    index = faiss.IndexFlatIP(data.vectors.shape[1])
    for start in range(0, len(data.vectors), 100_000):
        index.add(data.vectors[start : start + 100_000].astype(np.float32))
    return lambda query: index.search(query[None], count)[1][0]


def lancedb_flat(data: Data, count: int, threads: int) -> Searching:
    """LanceDB without an index, which is an exact scan of its own file."""
    import lancedb  # type: ignore[import-not-found]
    import pyarrow as pa

    width = data.vectors.shape[1]
    batches = (
        pa.record_batch(
            {
                "row": np.arange(start, min(start + 50_000, len(data.vectors))),
                "vector": pa.FixedSizeListArray.from_arrays(
                    pa.array(data.vectors[start : start + 50_000].ravel()), width
                ),
            }
        )
        for start in range(0, len(data.vectors), 50_000)
    )
    schema = pa.schema([("row", pa.int64()), ("vector", pa.list_(pa.float16(), width))])
    folder = tempfile.mkdtemp()
    table = lancedb.connect(folder).create_table("images", batches, schema=schema)
    return lambda query: (
        table.search(query.astype(np.float16)).distance_type("dot").limit(count).to_arrow()["row"].to_numpy()
    )


def numpy_product(data: Data, count: int, threads: int) -> Searching:
    """A product in float32, block by block."""

    def find(query: NDArray[np.float32]) -> NDArray[Any]:
        blocks = range(0, len(data.vectors), 100_000)
        scores = np.concatenate([data.vectors[at : at + 100_000].astype(np.float32) @ query for at in blocks])
        part = np.argpartition(-scores, count)[:count]
        return part[np.argsort(-scores[part])]

    return find


ENGINES: dict[str, tuple[str, Callable[[Data, int, int], Searching]]] = {
    "patchclip search": ("usearch", ours),
    "usearch, exact": ("usearch", usearch_exact),
    "usearch, int8": ("usearch", usearch_int8),
    "usearch, HNSW": ("usearch", usearch_graph),
    "faiss, flat": ("faiss-cpu", faiss_flat),
    "LanceDB, flat": ("lancedb", lancedb_flat),
    "numpy": ("numpy", numpy_product),
}


def megabytes(package: str) -> float:
    """What a package's files take on the disk, without what it requires."""
    return (
        sum(Path(str(file.locate())).stat().st_size for file in files(package) or () if _is_there(file)) / 1e6
    )


def _is_there(file: Any) -> bool:
    return Path(str(file.locate())).is_file()


def main() -> None:
    """Measures each engine that is installed and prints one line for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=257)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--engine", action="append", choices=list(ENGINES))
    options = parser.parse_args()
    data = drawn(options.images, options.width, 500)
    load = os.getloadavg()[0]
    print(
        f"{options.images} embeddings of {options.width} float16, {options.threads} threads, load {load:.1f}"
    )
    for name in options.engine or ENGINES:
        package, make = ENGINES[name]
        try:
            fields = metadata(package).json
            licence = fields.get("license_expression") or fields.get("license") or "?"
        except PackageNotFoundError:
            print(f"{name:18} {package} is not installed")
            continue
        started = time.perf_counter()
        find = make(data, 500, options.threads)
        ready = time.perf_counter() - started
        find(data.queries[0])
        times, processor, ten, all_ = [], [], [], []
        for query, best in zip(data.queries, data.best, strict=True):
            started, worked = time.perf_counter(), time.process_time()
            rows = find(query)
            times.append(time.perf_counter() - started)
            processor.append(time.process_time() - worked)
            ten.append(len(set(rows[:10].tolist()) & set(best[:10].tolist())) / 10)
            all_.append(len(set(rows.tolist()) & set(best.tolist())) / len(best))
        median, spent = float(np.median(times)), float(np.median(processor))
        print(
            f"{name:18} {options.images / median / 1e6:7.2f} M/s {median * 1000:8.1f} ms; "
            f"{options.images / spent / 1e6:7.2f} M a processor second, {spent * 1000:8.1f} ms; "
            f"recall@10 {np.mean(ten):.3f} recall@500 {np.mean(all_):.3f} made in {ready:6.1f} s, "
            f"{package} {megabytes(package):.0f} MB, {str(licence)[:12]}",
            flush=True,
        )


if __name__ == "__main__":
    main()
