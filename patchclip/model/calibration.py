"""From logits to probabilities: what was fitted on data never trained on, and travels in the checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from scipy.special import expit

from patchclip.errors import CheckpointError
from patchclip.model.branches import Branch
from patchclip.types import FloatArray


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
    """

    findings: dict[str, FindingCalibration]
    default: FindingCalibration
    branches: tuple[Branch, ...] = tuple(Branch)
    min_patches: float = 0.0
    mirror: bool = False

    @classmethod
    def identity(cls, labels: Sequence[str]) -> Calibration:
        """No calibration: the softmax over the prompt pair as it is."""
        return cls({label: FindingCalibration() for label in labels}, FindingCalibration())

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
            CheckpointError: a field is missing or unknown, or there is no branch, or an unknown one.
        """
        try:
            _expect(cls, values)
            calibration = cls(
                findings={label: _finding(item) for label, item in values["findings"].items()},
                default=_finding(values["default"]),
                branches=tuple(Branch(name) for name in values["branches"]),
                min_patches=float(values["min_patches"]),
                mirror=bool(values["mirror"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"The checkpoint's calibration cannot be read ({error}); update Patch-CLIP, or "
                "calibrate it again."
            ) from error
        if not calibration.branches:
            raise CheckpointError(
                "The checkpoint's calibration names no image-level branch; calibrate it again."
            )
        return calibration


def _finding(values: dict[str, Any]) -> FindingCalibration:
    _expect(FindingCalibration, values)
    return FindingCalibration(**values)


def _expect(kind: type[Calibration | FindingCalibration], values: dict[str, Any]) -> None:
    """Every field must be there and no other: a default would be a wrong number without a word."""
    names = {item.name for item in fields(kind)}
    if different := sorted(names ^ set(values)):
        raise ValueError(f"missing or unknown: {', '.join(different)}")
