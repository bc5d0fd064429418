"""Multi-reader multi-case analysis: whether readers tell diseased from normal cases better in one arm of a
study than in another, over readers and cases like these (Obuchowski and Rockette)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from patchclip.errors import DataError

Floats = NDArray[np.float64]
CONFIDENCE = 0.95
FEWEST_OF_EACH = 2
"""Diseased cases, and normal ones, below which leaving one out leaves none to compare with."""


@dataclass(frozen=True, slots=True)
class Ratings:
    """Every reader's rating of every case in every arm; the higher, the more diseased.

    Attributes:
        values: float64 [I, J, N] by arm, reader and case.
        diseased: bool [N].
        arms, readers: their names, I and J of them.
    """

    values: Floats
    diseased: NDArray[np.bool_]
    arms: tuple[str, ...]
    readers: tuple[str, ...]

    def __post_init__(self) -> None:
        of_each = (int(self.diseased.sum()), int((~self.diseased).sum()))
        if min(of_each) < FEWEST_OF_EACH:
            raise DataError(
                f"The study has {of_each[0]} diseased and {of_each[1]} normal cases; "
                f"an analysis needs {FEWEST_OF_EACH} of each."
            )


@dataclass(frozen=True, slots=True)
class Covariances:
    """Of the errors of two areas under the curve, the mean over all pairs of a kind; by the jackknife over
    cases.

    Attributes:
        variance: of one area.
        other_arm: same reader, another arm (Cov1).
        other_reader: another reader, same arm (Cov2).
        other_both: another reader in another arm (Cov3).
    """

    variance: float
    other_arm: float
    other_reader: float
    other_both: float


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Test:
    """Of the hypothesis that the arms do not differ: an F statistic, its degrees of freedom, and P."""

    f: float
    df1: float
    df2: float
    p: float


@dataclass(frozen=True, slots=True)
class Difference:
    """The reader-averaged area in one arm less that in another, and P that it is none."""

    arms: tuple[str, str]
    area: Interval
    p: float


@dataclass(frozen=True, slots=True)
class Analysis:
    """What one view of readers and cases yields.

    Attributes:
        readers, cases: "random" (a sample of others like them) or "fixed" (these alone).
        test: that no arm differs from another.
        differences: of each pair of arms.
    """

    readers: str
    cases: str
    test: Test
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class StudyResult:
    """A whole study.

    Attributes:
        areas: area under the curve of each arm and reader, float64 [I, J].
        arms: reader-averaged area of each arm, for readers and cases like these.
        covariances: see `Covariances`.
        analyses: random readers and random cases first; then fixed readers, then fixed cases.
    """

    areas: Floats
    arms: tuple[Interval, ...]
    covariances: Covariances
    analyses: tuple[Analysis, ...]


def area_under_curve(ratings: Floats, diseased: NDArray[np.bool_]) -> float:
    """The empirical area: the share of pairs of a diseased and a normal case that are rated in their order,
    ties for a half (Bamber, J Math Psychol 1975). ratings: [N]."""
    from scipy import stats  # here and below: half a second of a start that may never analyse anything

    ranks = stats.rankdata(ratings)
    present, absent = int(diseased.sum()), int((~diseased).sum())
    return float((ranks[diseased].sum() - present * (present + 1) / 2) / (present * absent))


def analyse(ratings: Ratings) -> StudyResult:
    """The analysis of Obuchowski and Rockette (Communications in Statistics 1995) with jackknife covariances
    and the degrees of freedom of Hillis (Statistics in Medicine 2007).

    Raises:
        DataError: there are fewer than two arms or two readers.
    """
    arms, readers = ratings.values.shape[:2]
    if arms < 2 or readers < 2:
        raise DataError(
            f"The study has {arms} arm{'s' * (arms != 1)} and {readers} reader{'s' * (readers != 1)}; "
            "an analysis compares two arms at least, read by two readers at least."
        )
    areas = np.array([[area_under_curve(row, ratings.diseased) for row in arm] for arm in ratings.values])
    every = _jackknife(ratings)
    covariances = _pooled(every, np.ones((arms, arms), bool))
    return StudyResult(
        areas=areas,
        arms=tuple(_arm(areas, every, arm) for arm in range(arms)),
        covariances=covariances,
        analyses=(
            _random(ratings, areas, covariances),
            _fixed_readers(ratings, areas, covariances),
            _fixed_cases(ratings, areas),
        ),
    )


def _jackknife(ratings: Ratings) -> Floats:
    """Covariances of all areas, [I, J, I, J]: (N - 1)² / N times that of the areas without one case each."""
    arms, readers, cases = ratings.values.shape
    without = np.empty((cases, arms, readers))
    for case in range(cases):
        kept = np.arange(cases) != case
        for arm, reader in np.ndindex(arms, readers):
            without[case, arm, reader] = area_under_curve(
                ratings.values[arm, reader, kept], ratings.diseased[kept]
            )
    deviations = (without - without.mean(axis=0)).reshape(cases, -1)
    scaled = deviations.T @ deviations * (cases - 1) / cases
    return np.asarray(scaled.reshape(arms, readers, arms, readers), np.float64)


def _pooled(every: Floats, among: NDArray[np.bool_]) -> Covariances:
    """The mean of each kind, over the pairs of arms [I, I] that are meant; 0 where there is no such pair."""
    arms, readers = every.shape[:2]
    kinds: dict[tuple[bool, bool], list[float]] = {}
    for arm, reader, other_arm, other_reader in np.ndindex(arms, readers, arms, readers):
        if among[arm, other_arm]:
            kind = (arm == other_arm, reader == other_reader)
            kinds.setdefault(kind, []).append(float(every[arm, reader, other_arm, other_reader]))
    mean = {kind: float(np.mean(values)) for kind, values in kinds.items()}
    return Covariances(
        variance=mean[True, True],
        other_arm=mean.get((False, True), 0.0),
        other_reader=mean.get((True, False), 0.0),
        other_both=mean.get((False, False), 0.0),
    )


def _mean_squares(areas: Floats) -> tuple[float, float]:
    """(of arms, of the interaction of arms and readers)."""
    arms, readers = areas.shape
    by_arm, by_reader = areas.mean(axis=1, keepdims=True), areas.mean(axis=0, keepdims=True)
    of_arms = readers * float(((by_arm - areas.mean()) ** 2).sum()) / (arms - 1)
    interaction = float(((areas - by_arm - by_reader + areas.mean()) ** 2).sum())
    return of_arms, interaction / ((arms - 1) * (readers - 1))


def _random(ratings: Ratings, areas: Floats, covariances: Covariances) -> Analysis:
    """Readers and cases are both samples."""
    arms, readers = areas.shape
    of_arms, interaction = _mean_squares(areas)
    shared = max(readers * (covariances.other_reader - covariances.other_both), 0.0)
    error = interaction + shared
    freedom = (arms - 1) * (readers - 1)
    df2 = error**2 / (interaction**2 / freedom) if interaction > 0 else np.inf
    return _analysis("random", "random", ratings, areas, of_arms, error, df2)


def _fixed_readers(ratings: Ratings, areas: Floats, covariances: Covariances) -> Analysis:
    """These readers alone, on cases like these."""
    of_arms, _ = _mean_squares(areas)
    readers = areas.shape[1]
    shared = max(covariances.other_reader - covariances.other_both, 0.0)
    error = covariances.variance - covariances.other_arm + (readers - 1) * shared
    return _analysis("fixed", "random", ratings, areas, of_arms, error, np.inf)


def _fixed_cases(ratings: Ratings, areas: Floats) -> Analysis:
    """Readers like these, on these cases alone."""
    of_arms, interaction = _mean_squares(areas)
    arms, readers = areas.shape
    return _analysis("random", "fixed", ratings, areas, of_arms, interaction, (arms - 1) * (readers - 1))


def _analysis(
    readers: str, cases: str, ratings: Ratings, areas: Floats, of_arms: float, error: float, df2: float
) -> Analysis:
    """From the mean square of the arms and what it is to be held against."""
    from scipy import stats

    spread = float(np.sqrt(max(2 * error / areas.shape[1], 0.0)))
    df1 = areas.shape[0] - 1
    f = of_arms / error if error > 0 else np.inf
    upper: Callable[[float], float] = (
        (lambda value: float(stats.f.sf(value, df1, df2)))
        if np.isfinite(df2)
        else (lambda value: float(stats.chi2.sf(value * df1, df1)))
    )
    return Analysis(
        readers,
        cases,
        Test(f=f, df1=df1, df2=df2, p=upper(f)),
        tuple(
            _difference(ratings.arms, areas, pair, spread, df2) for pair in combinations(range(len(areas)), 2)
        ),
    )


def _difference(
    names: tuple[str, ...], areas: Floats, pair: tuple[int, int], spread: float, df2: float
) -> Difference:
    from scipy import stats

    value = float(areas[pair[0]].mean() - areas[pair[1]].mean())
    if spread == 0:
        return Difference((names[pair[0]], names[pair[1]]), Interval(value, value, value), float(value == 0))
    half = _critical(df2) * spread
    p = 2 * float(stats.t.sf(abs(value) / spread, df2))
    return Difference((names[pair[0]], names[pair[1]]), Interval(value, value - half, value + half), p)


def _arm(areas: Floats, every: Floats, arm: int) -> Interval:
    """One arm's reader-averaged area with the interval of Hillis (2007) from that arm's readings alone."""
    readers = areas.shape[1]
    only = np.zeros((len(areas), len(areas)), bool)
    only[arm, arm] = True
    between = float(areas[arm].var(ddof=1))
    error = between + max(readers * _pooled(every, only).other_reader, 0.0)
    value = float(areas[arm].mean())
    df2 = (readers - 1) * (error / between) ** 2 if between > 0 else np.inf
    half = _critical(df2) * float(np.sqrt(error / readers))
    return Interval(value, value - half, value + half)


def _critical(df: float) -> float:
    """Student's t of the 95 % interval; the normal distribution's where `df` is infinite."""
    from scipy import stats

    return float(stats.t.ppf((1 + CONFIDENCE) / 2, df))
