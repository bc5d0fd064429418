"""From logits to probabilities: what was fitted on data never trained on, and travels in the checkpoint."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from scipy.special import expit

from patchclip.errors import CheckpointError
from patchclip.model.branches import Branch
from patchclip.model.sources import Sources
from patchclip.records import typed
from patchclip.types import FloatArray

WIDEST = 64  # patches of smoothing: more than any grid
_WHAT, _REMEDY = "The checkpoint's calibration", "update Patch-CLIP, or calibrate it again"


@dataclass(frozen=True, slots=True)
class FindingCalibration:
    """Logistic calibration (Platt 1999) of the image and of a patch; see the two methods for the formulas.

    Attributes:
        image_scale, image_bias: of the image's logit.
        patch_scale, patch_image, patch_bias: of a patch's logit; the bias is set so that the operating
            threshold is the operating point of the map.
        image_threshold: image probability from which the finding is called present, in [0, 1].
        overlap_threshold: map value at which the lit part overlapped outlines best, in [0, 1]; for measures
            of overlap alone.
        smoothing: standard deviation, in patches, of the Gaussian over the patch logits before the sigmoid; 0
            for none.
    """

    image_scale: float = 1.0
    image_bias: float = 0.0
    patch_scale: float = 1.0
    patch_image: float = 0.0
    patch_bias: float = 0.0
    image_threshold: float = 0.5
    overlap_threshold: float = 0.5
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not all(math.isfinite(getattr(self, item.name)) for item in fields(self)):
            raise CheckpointError(f"{_WHAT} has a number that is not finite; {_REMEDY}.")
        if not (0 <= self.image_threshold <= 1 and 0 <= self.overlap_threshold <= 1):
            raise CheckpointError(f"{_WHAT} has a threshold outside [0, 1]; {_REMEDY}.")
        if not 0 <= self.smoothing <= WIDEST:
            raise CheckpointError(f"{_WHAT} has a smoothing outside [0, {WIDEST}] patches; {_REMEDY}.")

    def image_probability(self, logit: FloatArray | float) -> FloatArray:
        """P(image) = sigmoid(image_scale * logit + image_bias), float32 in [0, 1], of the logit's shape."""
        return _sigmoid(self.image_scale * logit + self.image_bias)

    def patch_probability(self, patch_logits: FloatArray, image_logit: float) -> FloatArray:
        """P(patch) = sigmoid(patch_scale * patch_logit + patch_image * image_logit + patch_bias).

        A patch is believed the more, the more the whole image speaks for the finding, so a map stays dark
        where the finding is absent. The order of an image's patches is that of their logits.

        patch_logits: float32 [...], smoothed already -> float32 in [0, 1], of the same shape.
        """
        return _sigmoid(self.patch_scale * patch_logits + self.patch_image * image_logit + self.patch_bias)


def _sigmoid(values: FloatArray | float) -> FloatArray:
    return np.asarray(expit(np.asarray(values, np.float32)))


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibration of a whole model.

    Attributes:
        findings: by label.
        default: for a free-text query that matches no label; the median over the labels.
        branches: the image-level logits whose mean is the image's logit, at least one.
        min_patches: a region of fewer lit patches is not reported.
        mirror: every image is encoded together with its mirror image and the two are averaged; for models
            trained on mirror images.
        sources: what an image's likeness to a training source adds to the image's logits, which is subtracted
            before all else; None for nothing.
    """

    findings: dict[str, FindingCalibration]
    default: FindingCalibration
    branches: tuple[Branch, ...] = tuple(Branch)
    min_patches: float = 0.0
    mirror: bool = False
    sources: Sources | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.min_patches) and self.min_patches >= 0):
            raise CheckpointError(f"{_WHAT} has a smallest region of {self.min_patches} patches; {_REMEDY}.")

    @classmethod
    def identity(cls, labels: Sequence[str]) -> Calibration:
        """No calibration: the softmax over the prompt pair as it is."""
        return cls({label: FindingCalibration() for label in labels}, FindingCalibration())

    @property
    def is_identity(self) -> bool:
        """Whether nothing was ever fitted, see `identity`."""
        return all(item == FindingCalibration() for item in (self.default, *self.findings.values()))

    def of(self, label: str | None) -> FindingCalibration:
        """For a label, or the default when the query has none."""
        return self.findings.get(label, self.default) if label else self.default

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types only."""
        return {**asdict(self), "branches": [str(branch) for branch in self.branches]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Calibration:
        """Inverse of `to_dict`.

        Raises:
            CheckpointError: a field is missing, unknown, of another type or out of its range; or there is no
                branch, or an unknown one.
        """
        _expect(cls, values)
        for item in (values["default"], *_objects(values["findings"])):
            _expect(FindingCalibration, item)
        if values["sources"] is not None:
            _expect(Sources, values["sources"])
        calibration = typed(cls, values, _WHAT, _REMEDY)
        if not calibration.branches:
            raise CheckpointError(
                "The checkpoint's calibration names no image-level branch; calibrate it again."
            )
        return calibration


def _objects(values: object) -> list[object]:
    return list(values.values()) if isinstance(values, dict) else [values]


def _expect(kind: type[Calibration | FindingCalibration | Sources], values: object) -> None:
    """Every field must be there and no other: a default for a fitted number would be a wrong answer."""
    if not isinstance(values, dict):
        raise CheckpointError(f"{_WHAT} cannot be read (a part is no JSON object); {_REMEDY}.")
    names = {item.name for item in fields(kind)}
    if different := sorted(names ^ set(values)):
        listed = ", ".join(different)[:200]
        raise CheckpointError(f"{_WHAT} cannot be read (missing or unknown: {listed}); {_REMEDY}.")
