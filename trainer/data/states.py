"""What is known of many images as one table, and which of them are free of every finding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from patchclip.errors import DataError
from trainer.data.loaded import Loaded
from trainer.data.sample import State

MIN_NORMALS = 10  # finding-free images below which a share of them says nothing
_CODES = {State.PRESENT: 1, State.ABSENT: 0, State.NOT_MENTIONED: 2}


def state_table(items: Sequence[Loaded], labels: Sequence[str]) -> NDArray[np.int8]:
    """int8 [N, K]: 1 present, 0 absent, 2 not mentioned, -1 unknown."""
    table = np.full((len(items), len(labels)), -1, np.int8)
    for row, item in enumerate(items):
        for label, state in item.sample.states.items():
            table[row, list(labels).index(label)] = _CODES[state]
    return table


def free_of_all(table: NDArray[np.int8]) -> NDArray[np.bool_]:
    """bool [N]: images that are known free of every finding, from the states [N, K] of `state_table`.

    None is present, and at least half are explicitly absent: an image that was read for one finding, or whose
    report is only silent, may show any other.

    Raises:
        DataError: there are fewer than ten of them, too few to set operating points.
    """
    normal = np.asarray((table != 1).all(axis=1) & (2 * (table == 0).sum(axis=1) >= table.shape[1]), np.bool_)
    if normal.sum() < MIN_NORMALS:
        raise DataError(
            f"Only {int(normal.sum())} held-out images are free of every finding (none present, at least "
            "half explicitly absent), and "
            f"operating points need {MIN_NORMALS}; raise data.dev_fraction, set it to 0 to leave the model "
            "uncalibrated, or add such images."
        )
    return normal
