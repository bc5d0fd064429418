"""Image-level metrics of scores, truth and weights; one row of weights is one bootstrap replicate.

Shapes: scores float [N], truth bool [N], weights float [B, N] >= 0 -> float [B]. A replicate in which a
metric is undefined (one class only) gives NaN. Weights of 1 give the metric itself; patient counts give its
bootstrap distribution in one pass.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Truth = NDArray[np.bool_]


def auroc(scores: Floats, truth: Truth, weights: Floats) -> Floats:
    """Area under the ROC curve: P(a positive scores above a negative), ties half (Hanley & McNeil 1982)."""
    order = np.argsort(scores, kind="stable")
    sorted_scores = scores[order]
    positive = truth[order]
    ordered = weights[:, order]
    negatives = np.cumsum(ordered * ~positive, axis=1)
    first = np.searchsorted(sorted_scores, sorted_scores, side="left")
    last = np.searchsorted(sorted_scores, sorted_scores, side="right") - 1
    padded = np.concatenate([np.zeros((len(weights), 1)), negatives], axis=1)
    wins = ((padded[:, first] + padded[:, last + 1]) / 2 * ordered * positive).sum(axis=1)
    positives = (ordered * positive).sum(axis=1)
    return _divide(wins, positives * negatives[:, -1] if truth.size else np.zeros(len(weights)))


def average_precision(scores: Floats, truth: Truth, weights: Floats) -> Floats:
    """Sum over thresholds of precision times gain in recall, tied scores as one, as in scikit-learn."""
    hits, alarms = _at_thresholds(scores, truth, weights)
    gain = np.diff(hits, axis=1, prepend=0.0)
    return _divide((gain * _divide(hits, hits + alarms, empty=0.0)).sum(axis=1), hits[:, -1])


def sensitivity_at_specificity(
    scores: Floats, truth: Truth, weights: Floats, specificity: float = 0.95
) -> Floats:
    """Highest sensitivity among the thresholds whose specificity is at least the given one.

    A step of the empirical ROC curve (Metz 1978), without interpolation.
    """
    hits, alarms = _at_thresholds(scores, truth, weights)
    total = alarms[:, -1:]
    allowed = alarms <= (1 - specificity) * total + 1e-9
    reached = np.where(allowed, hits, 0.0).max(axis=1)
    return np.where(total[:, 0] > 0, _divide(reached, hits[:, -1]), np.nan)


def brier(probabilities: Floats, truth: Truth, weights: Floats) -> Floats:
    """Mean squared difference of probability and truth (Brier 1950)."""
    return mean((probabilities - truth) ** 2, weights)


def expected_calibration_error(
    probabilities: Floats, truth: Truth, weights: Floats, bins: int = 15
) -> Floats:
    """Mean over equal-mass bins of |probability - observed frequency|, weighed by bin (Naeini et al. 2015).

    The bins are those of the whole sample in every replicate; with fewer values than bins there is one bin
    per value.
    """
    order = np.argsort(probabilities, kind="stable")
    error = np.zeros(len(weights))
    for part in np.array_split(order, min(bins, len(order))):
        gap = (weights[:, part] * (probabilities[part] - truth[part])).sum(axis=1)
        error += np.abs(gap)
    return _divide(error, weights.sum(axis=1))


def calibration_error_by_chance(
    probabilities: Floats, draws: int = 1000, bins: int = 15, seed: int = 0
) -> Floats:
    """What `expected_calibration_error` would be if the probabilities were true, by chance alone.

    Truths are drawn from the probabilities, so the error has nothing but sampling in it (the consistency
    resampling of Broecker & Smith, Weather and Forecasting 2007). probabilities: [N] in [0, 1].

    Returns:
        float [draws + 1]: the mean first, then every draw.
    """
    order = np.argsort(probabilities, kind="stable")
    sorted_probabilities = probabilities[order]
    rng = np.random.default_rng(seed)
    gaps = sorted_probabilities - (rng.random((draws, len(order))) < sorted_probabilities)
    starts = [part[0] for part in np.array_split(np.arange(len(order)), min(bins, len(order)))]
    errors = np.abs(np.add.reduceat(gaps, starts, axis=1)).sum(axis=1) / len(order)
    return np.concatenate([[errors.mean()], errors])


def mean(values: Floats, weights: Floats) -> Floats:
    """Mean over images of one value each, [N]; images whose value is NaN are left out."""
    defined = np.isfinite(values)
    return _divide((weights[:, defined] * values[defined]).sum(axis=1), weights[:, defined].sum(axis=1))


def _at_thresholds(scores: Floats, truth: Truth, weights: Floats) -> tuple[Floats, Floats]:
    """The weights of positives and of negatives at or above each of T different scores, the highest first.

    Each [B, T]; the last column holds all.
    """
    order = np.argsort(-scores, kind="stable")
    positive, ordered = truth[order], weights[:, order]
    ends = np.append(np.nonzero(np.diff(scores[order]))[0], len(scores) - 1)
    hits: Floats = np.cumsum(ordered * positive, axis=1)[:, ends]
    alarms: Floats = np.cumsum(ordered * ~positive, axis=1)[:, ends]
    return hits, alarms


def _divide(above: Floats, below: Floats, empty: float = np.nan) -> Floats:
    return np.divide(above, below, out=np.full(np.shape(above), empty, np.float64), where=below > 0)
