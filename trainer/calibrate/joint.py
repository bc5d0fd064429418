"""Operating points at which image and map say the same: how to choose them, and how often both disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from patchclip.model.calibration import Calibration
from patchclip.operating_threshold import OPERATING_THRESHOLD
from trainer.calibrate.regions import smoothed_maps

AGREEMENT = 1.0
"""What one more share of images on which image and map agree is worth, in units of Youden's J."""

Probabilities = NDArray[np.float32]
States = NDArray[np.int8]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """How often an answer's probability and its map contradict each other.

    Attributes:
        hints: answers with a lit region under the operating point.
        dark: answers at the operating point or above without a lit region.
        answers: all of them.
    """

    hints: int
    dark: int
    answers: int

    @property
    def share(self) -> float:
        """Of all answers, in [0, 1]; 0 without answers."""
        return (self.hints + self.dark) / self.answers if self.answers else 0.0

    def words(self) -> str:
        """For a report."""
        return (
            f"on {self.share:.1%} of {self.answers} answers: {self.hints} lit under a low probability, "
            f"{self.dark} dark under a high one"
        )

    def __add__(self, other: Disagreement) -> Disagreement:
        return Disagreement(self.hints + other.hints, self.dark + other.dark, self.answers + other.answers)


def lit_maps(
    patches: NDArray[np.float32], image: NDArray[np.floating], labels: Sequence[str], of: Calibration
) -> Flags:
    """Whether each image's map of each finding has a patch at the operating threshold or above, bool [N, K].

    Args:
        patches: patch logits before smoothing, [N, K, R, C], -inf in the padding.
        image: the image's logits before calibration, [N, K].
        labels: of the K findings.
        of: the calibration of those logits.
    """
    smoothed = smoothed_maps(patches, np.array([of.of(label).smoothing for label in labels]))
    lit = np.zeros(patches.shape[:2], np.bool_)
    for n, k in np.ndindex(*lit.shape):
        inside = smoothed[n, k][np.isfinite(smoothed[n, k])]
        values = of.of(labels[k]).patch_probability(inside, float(image[n, k]))
        lit[n, k] = bool((values >= OPERATING_THRESHOLD).any())
    return lit


def operating_point(
    probabilities: Probabilities, states: States, lit: Flags, agreement: float = AGREEMENT
) -> float:
    """Probability at which Youden's J (Cancer 1950), sensitivity + specificity - 1, is largest, less
    `agreement` times the share of images on which the decision and the map disagree; 0.5 without both
    classes.

    Youden's J alone is flat about its largest value, so that the point falls where chance put it; the map,
    which is calibrated to be dark on normal images, then says another thing than the probability beside it.

    Args:
        probabilities: [N].
        states: int8 [N] of `state_table`; images without a state (-1) have no say.
        lit: bool [N] of `lit_maps`.
        agreement: 0 for Youden's J alone.
    """
    has_state = states >= 0
    present = states[has_state] == 1
    if not present.any() or present.all():
        return 0.5
    values, lit = probabilities[has_state], lit[has_state]
    cuts = np.unique(values)
    gain = []
    for cut in cuts:
        called = values >= cut
        youden = called[present].mean() - called[~present].mean()
        gain.append(youden - agreement * (called != lit).mean())
    return float(cuts[int(np.argmax(gain))])


def disagreement(called: Flags, lit: Flags) -> Disagreement:
    """Of decisions and maps of the same images, both bool [N]."""
    return Disagreement(int((lit & ~called).sum()), int((called & ~lit).sum()), called.size)
