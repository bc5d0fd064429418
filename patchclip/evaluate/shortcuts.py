"""Shortcuts: where a finding is absent, does its probability tell how or where an image was taken?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from patchclip.evaluate.bootstrap import Figure, PatientBootstrap
from patchclip.evaluate.case import Case
from patchclip.evaluate.dataset import EvaluationImage
from patchclip.evaluate.findings import probabilities
from patchclip.evaluate.image_metrics import auroc
from patchclip.evaluate.report import Figures
from patchclip.evaluate.truth import truth_of

FEWEST = 10
"""Images of either kind below which nothing is said."""
VIEW_CUE = "view AP rather than PA"
CUES: dict[str, Callable[[EvaluationImage], bool | None]] = {
    VIEW_CUE: lambda image: {"AP": True, "PA": False}.get(image.view),
    "read for RSNA": lambda image: image.rsna_class != "",
}
"""Cue -> whether an image has it; None where that is unknown."""


def shortcuts(
    labels: Sequence[str], cases: Sequence[Case], bootstrap: PatientBootstrap
) -> dict[str, Figures]:
    """AUROC of P(finding) for each cue, among images without the finding: cue -> finding -> figure.

    .5 says that the cue does not move the answer. AP films are of sicker patients, so some of a value above
    .5 can be disease that the finding's label leaves out; a value near the finding's own AUROC says that the
    cue could have been learnt instead.
    """
    images = [case.image for case in cases]
    figures: dict[str, Figures] = {}
    for cue, tell in CUES.items():
        for label in labels:
            truth = truth_of(label, images)
            absent = [int(k) for k in truth.index[~truth.present] if tell(images[k]) is not None]
            index = np.array(absent, np.int64)
            marked = np.array([tell(images[k]) for k in absent], bool)
            if min(marked.sum(), (~marked).sum()) < FEWEST:
                continue
            area = auroc(probabilities(label, cases, index), marked, bootstrap.weights(index))
            figures.setdefault(cue, {})[label] = Figure.of(area, len(absent))
    return figures
