"""Bootstrap by patient: all replicates of all metrics from one matrix of patient counts, so that every comparison is paired."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""weights [B, N] -> one value a replicate, [B]."""


class Figure(dict[str, Any]):
    """{"value", "ci": [lo, hi], "n"} as it is written to JSON, with the replicates behind it for paired comparisons.

    Attributes:
        replicates: float [B + 1]; row 0 is the value itself.
    """

    def __init__(self, value: float | None, ci: list[float | None], n: int, replicates: Floats) -> None:
        super().__init__(value=value, ci=ci, n=n)
        self.replicates = replicates


class PatientBootstrap:
    """Patients drawn with replacement; every image of a drawn patient comes along (Efron & Tibshirani 1993, clustered)."""

    def __init__(self, patients: Sequence[str], replicates: int = 1000, seed: int = 0) -> None:
        """patients: [N], one a image, in the order in which metrics get their arrays."""
        names, self._index = np.unique(np.asarray(patients), return_inverse=True)
        rng = np.random.default_rng(seed)
        self._counts = rng.multinomial(
            len(names), np.full(len(names), 1 / len(names)), size=replicates
        ).astype(np.float64)
        self.seed, self.replicates = seed, replicates

    def weights(self, images: NDArray[np.int64]) -> Floats:
        """How often each of these images is drawn, [replicates + 1, len(images)]; row 0 is the sample itself, all ones."""
        drawn = self._counts[:, self._index[images]]
        return np.concatenate([np.ones((1, len(images))), drawn])

    def figure(self, images: NDArray[np.int64], statistic: Statistic) -> Figure:
        """{"value", "ci": [lo, hi], "n"}: the sample's value and the percentile 95 % interval over the defined replicates."""
        if len(images) == 0:
            return figure(np.full(1, np.nan), 0)
        return figure(statistic(self.weights(images)), len(images))


def figure(values: Floats, n: int) -> Figure:
    """Value (row 0) and percentile interval (the other rows); null where undefined. `n`: images that it stands on."""
    value, replicates = float(values[0]), values[1:][np.isfinite(values[1:])]
    if not math.isfinite(value):
        return Figure(None, [None, None], n, values)
    low, high = (
        (float(edge) for edge in np.percentile(replicates, [2.5, 97.5])) if replicates.size else (None, None)
    )
    return Figure(value, [low, high], n, values)


def two_sided_p(differences: Floats) -> float:
    """Bootstrap p of "no difference" from replicates of a difference: twice the smaller tail, at least 1 / replicates."""
    known = differences[~np.isnan(differences)]
    if not known.size:
        return 1.0
    tail = min((known <= 0).mean(), (known >= 0).mean())
    return float(min(1.0, max(2 * tail, 1 / known.size)))


def holm(values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979): adjusted p values in the order given."""
    order = np.argsort(values)
    adjusted = np.empty(len(values))
    running = 0.0
    for rank, position in enumerate(order):
        running = max(running, min(1.0, (len(values) - rank) * values[position]))
        adjusted[position] = running
    return [float(value) for value in adjusted]
