"""Whether readers' confidence is borne out: how often a finding is there that is rated so or so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.insights.agreement import case_bootstrap
from app.insights.opinions import Opinions, Readings
from patchclip.accuracy import Proportion
from patchclip.evaluate.bootstrap import Figure
from patchclip.evaluate.image_metrics import brier, expected_calibration_error

EDGES = (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
"""Of the bins of ratings; each holds its lower edge, the last both."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Readings rated alike: their mean rating as a probability, and how often the finding is there."""

    low: float
    high: float
    stated: float
    observed: Proportion


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of one reader, finding and condition; ratings of 0 to 100 are taken as probabilities in percent.

    Attributes:
        brier: mean squared difference of rating and truth (Brier 1950), in [0, 1].
        error: expected calibration error (Naeini 2015), in [0, 1].
        bins: those with a reading.
    """

    finding: str
    condition: str
    reader: str
    brier: Figure
    error: Figure
    bins: tuple[Bin, ...]


def calibration(readings: Readings, opinions: Opinions, reader: str) -> Calibration | None:
    """One reader's; None without a case whose truth is there."""
    read = [case for case in opinions.cases if (reader, case) in opinions.marks]
    cases, present = readings.truth(opinions.finding, read)
    if not cases:
        return None
    scores = np.array([mark.score for mark in opinions.of_reader(reader, cases)])
    bootstrap, every = case_bootstrap(cases), np.arange(len(cases))
    place = np.minimum(np.searchsorted(EDGES, scores, side="right") - 1, len(EDGES) - 2)
    bins = tuple(
        Bin(
            EDGES[number],
            EDGES[number + 1],
            float(scores[place == number].mean()) / 100,
            Proportion(int(present[place == number].sum()), int((place == number).sum())),
        )
        for number in sorted(set(place.tolist()))
    )
    return Calibration(
        opinions.finding,
        opinions.condition,
        reader,
        bootstrap.figure(every, lambda weights: brier(scores / 100, present, weights)),
        bootstrap.figure(every, lambda weights: expected_calibration_error(scores / 100, present, weights)),
        bins,
    )
