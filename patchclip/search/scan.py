"""The images whose embeddings answer a query best, by an exact scan with usearch.

Chosen by `python -m tests.benchmarks.vector_engines` over faiss, LanceDB and numpy: an exact scan needs no
index to be trained, kept and tuned, misses nothing, and takes float16 as it lies on the disk.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from usearch.index import search

from patchclip.types import FloatArray

BLOCK = 2**18
"""Embeddings that are scanned at once: few enough to be copied where a filter leaves some of them out."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """Rows and their scores, highest first: inner products with the query, or what follows from them."""

    rows: NDArray[np.int64]
    scores: FloatArray


def nearest(
    vectors: NDArray[np.float16], query: FloatArray, count: int, chosen: NDArray[np.bool_] | None = None
) -> Nearest:
    """The rows with the highest inner products.

    Args:
        vectors: float16 [N, D].
        query: float32 [D]; rounded to float16, as the vectors are.
        count: how many rows, at most.
        chosen: bool [N], the rows that count; None for all.
    """
    rounded = query.astype(np.float16)
    rows: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    products: list[FloatArray] = [np.empty(0, np.float32)]
    threads = os.cpu_count() or 1
    for start in range(0, len(vectors), BLOCK):
        block = vectors[start : start + BLOCK]
        places = np.arange(start, start + len(block))
        if chosen is not None:
            inside = chosen[start : start + BLOCK]
            block, places = block[inside], places[inside]
        if not len(block):
            continue
        found = search(
            np.ascontiguousarray(block),
            rounded,
            min(count, len(block)),
            "ip",
            exact=True,
            threads=threads,
        )
        rows.append(places[np.asarray(found.keys, np.int64)])
        products.append(1 - np.asarray(found.distances, np.float32))  # usearch's distance is 1 - product
    every_row, every_product = np.concatenate(rows), np.concatenate(products)
    order = np.argsort(-every_product, kind="stable")[:count]
    return Nearest(every_row[order], every_product[order])
