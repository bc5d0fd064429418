"""Whose probabilities a checkpoint gives: those of the patients among whom normal images occur."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from patchclip.data.normal import free_of_all
from trainer.data.states import absent


def reference_states(table: NDArray[np.int8], cohorts: Sequence[str]) -> NDArray[np.int8]:
    """States that image probabilities are fitted to: of each finding, those of one cohort's patients.

    Cohorts are collected in different ways: where every image is abnormal, a finding is far more frequent
    than among patients who come for a radiograph, and a probability fitted to both together is true of
    neither. The reference is the cohort with the most images that are free of all findings, of equals the
    first by name. A finding that is not both present and absent in it is fitted to all cohorts.

    Args:
        table: int8 [N, K] of `trainer.data.states.state_table`.
        cohorts: [N], whose patient each image is of.

    Returns:
        int8 [N, K], the same with -1 for what is not fitted to.
    """
    names = np.array(cohorts)
    normal = free_of_all(table)
    reference = max(sorted(set(cohorts)), key=lambda cohort: int((normal & (names == cohort)).sum()))
    others = names != reference
    present, missing = table == 1, absent(table)
    fitted = present[~others].any(axis=0) & missing[~others].any(axis=0)
    return np.where(others[:, None] & fitted, -1, table).astype(np.int8)
