"""What is known of many images as one table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainer.data.loaded import Loaded
from trainer.data.sample import State

_CODES = {State.PRESENT: 1, State.ABSENT: 0, State.NOT_MENTIONED: 2}


def state_table(items: Sequence[Loaded], labels: Sequence[str]) -> NDArray[np.int8]:
    """int8 [N, K]: 1 present, 0 absent, 2 not mentioned, -1 unknown."""
    table = np.full((len(items), len(labels)), -1, np.int8)
    for row, item in enumerate(items):
        for label, state in item.sample.states.items():
            table[row, list(labels).index(label)] = _CODES[state]
    return table


def absent(states: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Where a finding counts as absent: explicitly, or not mentioned. Of the shape of `states`."""
    return np.isin(states, (0, 2))
