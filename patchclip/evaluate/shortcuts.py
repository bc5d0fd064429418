"""Shortcuts: does a finding's probability tell how or where an image was taken, on images that are free of the finding?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from patchclip.evaluate import metrics
from patchclip.evaluate.bootstrap import PatientBootstrap, figure
from patchclip.evaluate.dataset import EvaluationImage
from patchclip.evaluate.predictions import Prediction
from patchclip.evaluate.score import truth_of

LEAST = 10
"""Images of either kind below which nothing is said."""


def _portable(image: EvaluationImage) -> bool | None:
    return {"AP": True, "PA": False}.get(image.view)


def _read_by_rsna(image: EvaluationImage) -> bool | None:
    return image.rsna_class != ""


CUES: dict[str, Callable[[EvaluationImage], bool | None]] = {
    "view AP rather than PA": _portable,
    "read for RSNA": _read_by_rsna,
}


def shortcuts(
    labels: Sequence[str], pairs: Sequence[tuple[EvaluationImage, Prediction]], bootstrap: PatientBootstrap
) -> dict[str, Any]:
    """AUROC of P(finding) for each cue, among images without the finding.

    .5 says that the cue does not move the answer. AP films are of sicker patients, so some of a value above .5 can be disease that
    the finding's label leaves out; a value near the finding's own AUROC says that the cue could have been learnt instead of it.

    Returns:
        cue -> finding -> figure.
    """
    images = [image for image, _ in pairs]
    found: dict[str, Any] = {}
    for cue, tell in CUES.items():
        for label in labels:
            known, truth = truth_of(label, images)
            free = [
                int(k)
                for k, present in zip(known, truth, strict=True)
                if not present and tell(images[k]) is not None
            ]
            marked = np.array([tell(images[k]) for k in free], bool)
            if min(marked.sum(), (~marked).sum()) < LEAST:
                continue
            scores = np.array([pairs[k][1].probability[label] for k in free], np.float64)
            index = np.array(free, np.int64)
            found.setdefault(cue, {})[label] = figure(
                metrics.auroc(scores, marked, bootstrap.weights(index)), len(free)
            )
    return found
