"""Agreement of readers beyond chance: Cohen's and Fleiss' kappa and Gwet's AC1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from app.insights.opinions import Opinions
from patchclip.evaluate.bootstrap import Figure, PatientBootstrap
from patchclip.evaluate.image_metrics import Floats

REPLICATES = 1000
SEED = 0
CATEGORIES = ("absent", "present", "unsure")
"""The third counts as one where a reader used it."""


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Cohen's kappa of two readers on the cases that both read."""

    readers: tuple[str, str]
    kappa: Figure


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far readers agree on one finding in one condition; intervals are over cases like these.

    Attributes:
        observed: share of pairs of readings that agree, in [0, 1].
        fleiss: Fleiss' kappa, -1 to 1.
        ac1: Gwet's AC1, -1 to 1.
        pairs: of each two readers.
    """

    finding: str
    condition: str
    readers: tuple[str, ...]
    observed: Figure
    fleiss: Figure
    ac1: Figure
    pairs: tuple[PairAgreement, ...]


def agreement(opinions: Opinions) -> Agreement:
    """All figures of one finding and condition; undefined ones have no value."""
    used = categories_of(opinions)
    told = np.zeros((len(opinions.readers), len(opinions.cases), len(used)))
    for row, reader in enumerate(opinions.readers):
        for column, case in enumerate(opinions.cases):
            if mark := opinions.marks.get((reader, case)):
                told[row, column, used.index(mark.presence)] = 1
    counts = told.sum(axis=0)
    together = np.nonzero(counts.sum(axis=1) >= 2)[0]
    bootstrap = case_bootstrap(opinions.cases)
    every = np.arange(len(opinions.cases))

    def figure(place: int) -> Figure:
        if not len(together):
            return Figure.undefined(0)
        values = coefficients(counts, bootstrap.weights(every))[place]
        return Figure.of(values, len(together))

    return Agreement(
        opinions.finding,
        opinions.condition,
        opinions.readers,
        figure(0),
        figure(1),
        figure(2),
        tuple(
            PairAgreement(
                (opinions.readers[first], opinions.readers[second]),
                _cohen(told[first], told[second], bootstrap),
            )
            for first, second in combinations(range(len(opinions.readers)), 2)
        ),
    )


def case_bootstrap(cases: Sequence[int]) -> PatientBootstrap:
    """Draws cases with replacement, with all of their readings; the same draws for the same cases."""
    return PatientBootstrap([f"{case:09d}" for case in cases], REPLICATES, SEED)


def categories_of(opinions: Opinions) -> tuple[str, ...]:
    """Absent and present, and unsure where a reader said so."""
    told = {mark.presence for mark in opinions.marks.values()}
    return tuple(name for name in CATEGORIES if name != "unsure" or name in told)


def coefficients(counts: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """(observed agreement, Fleiss' kappa, Gwet's AC1).

    Fleiss (Psychological Bulletin 1971) and Gwet (British Journal of Mathematical and Statistical Psychology
    2008), both with readings that may be missing as in Gwet, Handbook of Inter-Rater Reliability (2014): the
    observed agreement is the mean over cases that two readers or more have read, the share of a category that
    over cases that anybody has.

    Args:
        counts: [N, K], how many readers put a case into a category.
        weights: [B, N], how often each case counts.

    Returns:
        [B] each; NaN where a coefficient is undefined (Fleiss' kappa where all say the same of all cases).
    """
    readers = counts.sum(axis=1)
    read, together = readers >= 1, readers >= 2
    agreeing = (counts[together] * (counts[together] - 1)).sum(axis=1) / (
        readers[together] * (readers[together] - 1)
    )
    observed = ratio(weights[:, together] @ agreeing, weights[:, together].sum(axis=1))
    shares = weights[:, read] @ (counts[read] / readers[read, None])
    shares = ratio(shares, weights[:, read].sum(axis=1)[:, None])
    by_chance_fleiss = (shares**2).sum(axis=1)
    by_chance_gwet = (shares * (1 - shares)).sum(axis=1) / (counts.shape[1] - 1)
    return observed, beyond_chance(observed, by_chance_fleiss), beyond_chance(observed, by_chance_gwet)


def cohen(first: Floats, second: Floats, weights: Floats) -> Floats:
    """Cohen's kappa (Educational and Psychological Measurement 1960), unweighted.

    Args:
        first, second: one-hot [N, K], what each of two readers said.
        weights: [B, N].

    Returns:
        [B]; NaN where both say the same one thing of all cases.
    """
    total = weights.sum(axis=1)
    observed = ratio(weights @ (first * second).sum(axis=1), total)
    shares = [ratio(weights @ told, total[:, None]) for told in (first, second)]
    return beyond_chance(observed, (shares[0] * shares[1]).sum(axis=1))


def beyond_chance(observed: Floats, by_chance: Floats) -> Floats:
    """(observed - by chance) / (1 - by chance); NaN where chance alone agrees always."""
    room = 1 - by_chance
    return ratio(observed - by_chance, np.where(room > 1e-12, room, 0.0))


def _cohen(first: Floats, second: Floats, bootstrap: PatientBootstrap) -> Figure:
    both = np.nonzero(first.any(axis=1) & second.any(axis=1))[0]
    return bootstrap.figure(both, lambda weights: cohen(first[both], second[both], weights))


def ratio(above: Floats, below: Floats) -> Floats:
    """above / below; NaN where below is 0."""
    result = np.full(np.shape(above), np.nan)
    np.divide(above, below, out=result, where=below > 0)
    return result
