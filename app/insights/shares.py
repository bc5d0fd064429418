"""Shares of readings, with intervals over the cases that they are of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.insights.agreement import case_bootstrap, ratio
from patchclip.evaluate.bootstrap import Figure


def share(cases: Sequence[int], counted: Sequence[float]) -> Figure:
    """Mean of what is counted, one value for each reading: a share of zeros and ones, or a difference.

    Args:
        cases: the case of each reading; one with several readings is drawn with all of them.
        counted: of each reading.

    Returns:
        Its n is that of the readings.
    """
    if not cases:
        return Figure.undefined(0)
    distinct = sorted(set(cases))
    place = {case: number for number, case in enumerate(distinct)}
    above, below = np.zeros(len(distinct)), np.zeros(len(distinct))
    for case, value in zip(cases, counted, strict=True):
        above[place[case]] += value
        below[place[case]] += 1
    weights = case_bootstrap(distinct).weights(np.arange(len(distinct)))
    return Figure.of(ratio(weights @ above, weights @ below), len(cases))
