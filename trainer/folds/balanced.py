"""Folds whose scores are corrected for the source of an image, as calibration corrects a model's logits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from patchclip.errors import DataError
from trainer.calibrate.sources import fit_sources
from trainer.folds.held_out import HeldOut


def balanced(folds: Mapping[int, HeldOut]) -> dict[int, HeldOut]:
    """Each fold's scores corrected by what the other folds' models say of their own held-out patients.

    So neither the patients nor the model of a fold have a part in its correction: it must hold from one
    training to another by the same recipe, as that of a model that learnt from everybody has to.

    Raises:
        DataError: the others of a fold have no two sources of 50 images.
    """
    corrected: dict[int, HeldOut] = {}
    for number, fold in folds.items():
        others = [other for key, other in folds.items() if key != number]
        sources = others and fit_sources(
            np.concatenate([other.scores for other in others]),
            np.concatenate([other.states for other in others]),
            [cohort for other in others for cohort in other.cohorts],
            fold.labels,
        )
        if not sources:
            raise DataError(
                f"Sources cannot be balanced in fold {number}; predict other folds that hold 50 images each "
                "of two sources."
            )
        corrected[number] = replace(fold, scores=sources.corrected(fold.scores, fold.labels))
    return corrected
