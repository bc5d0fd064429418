"""All regions of a map at all thresholds: every peak, and between which values it has its own region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import minimum_spanning_tree

from patchclip.evaluate.image_metrics import Floats
from patchclip.types import PatchMap


@dataclass(frozen=True, slots=True)
class Peaks:
    """The local maxima of one map.

    At a threshold t, the connected regions of {map >= t} and the peaks with death < t <= birth are one to
    one: a region's peak is its highest point (the elder rule of persistent homology, Edelsbrunner, Letscher &
    Zomorodian, DCG 2002).

    Attributes:
        x, y: float [P], position in original image pixels.
        birth: float [P], the peak's value.
        death: float [P], the value at which its region joins that of a higher peak; -inf for the highest.
    """

    x: Floats
    y: Floats
    birth: Floats
    death: Floats


def find_peaks(patch_map: PatchMap) -> Peaks:
    """Peaks of the bilinearly interpolated map, exactly, from its patches alone.

    A bilinear surface has its maxima at patch centres. Two neighbours in a row or column are connected at the
    lower of their values; two on a diagonal at the saddle inside their cell, (a d - b c) / (a + d - b - c),
    where both exceed the other two. Equal values count as one peak.
    """
    values = patch_map.values.astype(np.float64)
    rows, cols = values.shape
    x0, y0, x1, y1 = patch_map.extent
    if values.size == 1:  # no neighbours to part from
        centre = np.array([(x0 + x1) / 2]), np.array([(y0 + y1) / 2])
        return Peaks(*centre, values.ravel(), np.array([-np.inf]))
    first, second, level = _edges(values)
    roots, birth, death = _merge(values.ravel(), first, second, level)
    row, column = np.divmod(roots, cols)
    return Peaks(x0 + (column + 0.5) / cols * (x1 - x0), y0 + (row + 0.5) / rows * (y1 - y0), birth, death)


def _edges(values: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    number = np.arange(values.size).reshape(values.shape)
    parts = [
        (number[:, :-1], number[:, 1:], np.minimum(values[:, :-1], values[:, 1:])),
        (number[:-1], number[1:], np.minimum(values[:-1], values[1:])),
    ]
    a, b, c, d = values[:-1, :-1], values[:-1, 1:], values[1:, :-1], values[1:, 1:]
    for low, high, ends, others in (
        (number[:-1, :-1], number[1:, 1:], (a, d), (b, c)),
        (number[:-1, 1:], number[1:, :-1], (b, c), (a, d)),
    ):
        crossed = np.minimum(*ends) > np.maximum(*others)
        below = np.where(crossed, ends[0] + ends[1] - others[0] - others[1], 1.0)
        saddle = (ends[0] * ends[1] - others[0] * others[1]) / below
        parts.append((low[crossed], high[crossed], saddle[crossed]))
    joined = [np.concatenate([part[k].ravel() for part in parts]) for k in range(3)]
    return joined[0], joined[1], joined[2]


def _merge(
    values: Floats, first: NDArray[np.int64], second: NDArray[np.int64], level: Floats
) -> tuple[NDArray[np.int64], Floats, Floats]:
    # Only the edges of a maximum spanning tree can join two regions; scipy sees positive weights alone.
    cost = level.max() - level + 1.0
    tree = minimum_spanning_tree(
        coo_matrix((cost, (first, second)), shape=(values.size, values.size))
    ).tocoo()
    order = np.argsort(tree.data, kind="stable")
    joins = level.max() + 1.0 - tree.data[order]
    parent = list(range(values.size))
    death = np.full(values.size, np.nan)

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    edges = zip(tree.row[order].tolist(), tree.col[order].tolist(), joins.tolist(), strict=True)
    for one, two, joined in edges:
        elder = root(one)
        younger = root(two)
        if values[younger] > values[elder]:
            elder, younger = younger, elder
        parent[younger] = elder
        # A patch that is lower than its neighbour joins it the moment it appears, and was never a peak.
        death[younger] = min(joined, values[younger])
    last = root(0)
    death[last] = -np.inf
    peaks = np.nonzero(values - death > 1e-9)[0]
    return peaks, values[peaks], death[peaks]
