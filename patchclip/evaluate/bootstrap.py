"""Bootstrap by patient: all replicates from one matrix of patient counts, so that comparisons are paired."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from patchclip.evaluate.image_metrics import Floats, mean

Statistic = Callable[[Floats], Floats]
"""weights [B, N] -> one value per replicate, [B]."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % interval, and the replicates behind it for paired comparisons.

    Attributes:
        value: None where it is undefined.
        ci: lower and upper edge; None where there is none.
        n: images that it stands on.
        replicates: float [B + 1], row 0 is the value itself; empty in a figure that was read from JSON.
    """

    value: float | None
    ci: tuple[float | None, float | None]
    n: int
    replicates: Floats = field(repr=False, compare=False)

    @classmethod
    def of(cls, values: Floats, n: int) -> Self:
        """From replicates [B + 1]: row 0 is the value, the finite others give the percentile interval."""
        value = float(values[0])
        if not math.isfinite(value):
            return cls(None, (None, None), n, values)
        finite = values[1:][np.isfinite(values[1:])]
        if not finite.size:
            return cls(value, (None, None), n, values)
        low, high = np.percentile(finite, [2.5, 97.5])
        return cls(value, (float(low), float(high)), n, values)

    @classmethod
    def undefined(cls, n: int) -> Self:
        """Without a value."""
        return cls.of(np.full(1, np.nan), n)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """From {"value", "ci", "n"}; the replicates are not there."""
        low, high = record["ci"]
        return cls(record["value"], (low, high), record["n"], np.empty(0))

    def to_json(self) -> dict[str, Any]:
        """{"value", "ci": [low, high], "n"}."""
        return {"value": self.value, "ci": list(self.ci), "n": self.n}


class PatientBootstrap:
    """Patients drawn with replacement, with all of their images (Efron & Tibshirani 1993, clustered)."""

    def __init__(self, patients: Sequence[str], replicates: int = 1000, seed: int = 0) -> None:
        """patients: [N], one per image, in the order in which metrics get their arrays."""
        names, self._index = np.unique(np.asarray(patients), return_inverse=True)
        rng = np.random.default_rng(seed)
        counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=replicates)
        self._counts = counts.astype(np.float64)
        self.seed = seed
        self.replicates = replicates

    def weights(self, images: NDArray[np.int64]) -> Floats:
        """How often each of these images is drawn, [replicates + 1, len(images)]; row 0 is all ones."""
        drawn = self._counts[:, self._index[images]]
        return np.concatenate([np.ones((1, len(images))), drawn])

    def figure(self, images: NDArray[np.int64], statistic: Statistic) -> Figure:
        """A statistic of these images, undefined without any; its interval is over the defined replicates."""
        if len(images) == 0:
            return Figure.undefined(0)
        return Figure.of(statistic(self.weights(images)), len(images))

    def mean(self, images: NDArray[np.int64], values: Floats) -> Figure:
        """Mean of one value per image, [len(images)]; NaN is left out."""
        return self.figure(images, lambda weights: mean(values, weights))


def two_sided_p(differences: Floats) -> float:
    """Bootstrap p of "no difference" from replicates: twice the smaller tail, from 1 / replicates to 1."""
    defined = differences[~np.isnan(differences)]
    if not defined.size:
        return 1.0
    tail = min((defined <= 0).mean(), (defined >= 0).mean())
    return float(min(1.0, max(2 * tail, 1 / defined.size)))


def holm(values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979): adjusted p values in the order given."""
    order = np.argsort(values)
    adjusted = np.empty(len(values))
    running = 0.0
    for rank, position in enumerate(order):
        running = max(running, min(1.0, (len(values) - rank) * values[position]))
        adjusted[position] = running
    return [float(value) for value in adjusted]
