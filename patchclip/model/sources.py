"""Which of its training sources an image resembles, and what that alone adds to the logit of a finding.

Where sources differ in how often a finding is present, a network learns the source along with the finding,
and the logit of an image without the finding tells where it was taken. The remedy is fitted after the
training: a softmax over the findings' logits says how much an image resembles each source, and every finding
has one number per source, which is subtracted in that proportion. An image of a hospital that was never seen
lies between the sources, and so does what is subtracted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from patchclip.errors import CheckpointError
from patchclip.types import FloatArray

_REMEDY = "update Patch-CLIP, or calibrate it again"


@dataclass(frozen=True, slots=True)
class Sources:
    """C sources, told apart by the logits of K findings.

    Attributes:
        names: of the sources.
        labels: the findings whose logits tell them apart.
        weights: [C, K], of the softmax.
        biases: [C], of the softmax.
        shifts: by label, [C] each: what resembling a source adds to the finding's logit; findings that are
            not named are not moved.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    biases: tuple[float, ...]
    shifts: dict[str, tuple[float, ...]]

    def __post_init__(self) -> None:
        count = len(self.names)
        rows = [*self.weights, self.biases, *self.shifts.values()]
        sizes = [len(self.labels)] * len(self.weights) + [count] * (1 + len(self.shifts))
        if len(self.weights) != count or [len(row) for row in rows] != sizes:
            raise CheckpointError(f"The checkpoint's sources have numbers of the wrong count; {_REMEDY}.")
        if not all(math.isfinite(value) for row in rows for value in row):
            raise CheckpointError(f"The checkpoint's sources have a number that is not finite; {_REMEDY}.")

    def shares(self, logits: FloatArray) -> FloatArray:
        """How much images resemble each source: float32 [..., K] -> [..., C] in [0, 1], of sum 1.

        logits: of the image, of each of `labels`, before anything is subtracted.
        """
        values = np.asarray(logits, np.float64) @ np.array(self.weights).T + np.array(self.biases)
        return np.asarray(softmax(values, axis=-1), np.float32)

    def offsets(self, logits: FloatArray, wanted: Sequence[str | None]) -> FloatArray:
        """What is subtracted from the image's logits of W findings: [..., K] -> float32 [..., W].

        Args:
            logits: as for `shares`.
            wanted: their labels; 0 is subtracted for one without shifts, or None.
        """
        still = (0.0,) * len(self.names)
        shifts = np.array([self.shifts.get(label or "", still) for label in wanted]).reshape(len(wanted), -1)
        return np.asarray(self.shares(logits) @ shifts.T, np.float32)

    def corrected(self, logits: FloatArray, labels: Sequence[str]) -> FloatArray:
        """Image logits of all findings less their offsets, float32 [N, len(labels)], of the same shape.

        labels: of the columns, among them all of `self.labels`.
        """
        columns = [list(labels).index(label) for label in self.labels]
        return np.asarray(logits - self.offsets(logits[:, columns], labels), np.float32)
