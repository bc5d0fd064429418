"""What a model shows where there is nothing to show: on normal images, and for off-topic queries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from patchclip.evaluate.bootstrap import Figure, PatientBootstrap
from patchclip.evaluate.case import Case
from patchclip.evaluate.dataset import LUNG_OPACITY, NIH8
from patchclip.evaluate.report import OffTopic
from patchclip.evaluate.truth import reader_of


def normals_without_region(cases: Sequence[Case], bootstrap: PatientBootstrap) -> Figure:
    """Share of RSNA's normal images on which none of NIH's eight boxed findings has a region."""
    reader = reader_of(LUNG_OPACITY)
    normal = [k for k, case in enumerate(cases) if reader.normal(case.image)]
    predictions = [cases[k].prediction for k in normal]
    dark = [not any(item.regions(label) for label in NIH8 if label in item.maps) for item in predictions]
    return bootstrap.mean(np.array(normal, np.int64), np.array(dark, np.float64))


def off_topic(cases: Sequence[Case], bootstrap: PatientBootstrap) -> dict[str, OffTopic]:
    """Queries that no chest radiograph answers: share of images on which each lights anything, or warns.

    Empty where the model takes no queries.
    """
    answers = [case.prediction.off_topic for case in cases]
    if not all(answers):
        return {}

    def share(values: list[bool]) -> Figure:
        return bootstrap.mean(np.arange(len(cases)), np.array(values, np.float64))

    return {
        phrase: OffTopic(
            lit=share([answer[phrase].lit for answer in answers]),
            warned=share([answer[phrase].warned for answer in answers]),
        )
        for phrase in answers[0]
    }
