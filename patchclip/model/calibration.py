"""From logits to probabilities: temperature and operating points, fitted on data never trained on, carried by the checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FindingCalibration:
    """Logistic calibration (Platt 1999) of the image and of a patch.

    P(image) = sigmoid(image_scale * z_image + image_bias);
    P(patch) = sigmoid(patch_scale * z_patch + patch_image * z_image + patch_bias): a patch is believed the more, the more the
    whole image speaks for the finding, so a map stays dark where the finding is absent. The order of an image's patches is that of
    z_patch.

    Attributes:
        image_scale, image_bias: see above.
        patch_scale, patch_image, patch_bias: see above; the bias is set so that 0.5 is the operating point of the map.
        image_threshold: image probability from which the finding is called present, in [0, 1].
        overlap_threshold: map value at which the lit part overlapped outlines best, in [0, 1]; for measures of overlap alone.
        smoothing: standard deviation, in patches, of the Gaussian over the patch logits before the sigmoid; 0 for none.
    """

    image_scale: float = 1.0
    image_bias: float = 0.0
    patch_scale: float = 1.0
    patch_image: float = 0.0
    patch_bias: float = 0.0
    image_threshold: float = 0.5
    overlap_threshold: float = 0.5
    smoothing: float = 0.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibration of a whole model.

    Attributes:
        findings: by label.
        default: for a free-text query that matches no label; the median over the labels.
        branches: the image-level logits whose mean is the image's logit: some of "global", "pooled", "mil".
        min_patches: a region of fewer lit patches is not reported.
        mirror: every image is encoded together with its mirror image and the two are averaged; for models trained on mirror images.
    """

    findings: dict[str, FindingCalibration]
    default: FindingCalibration
    branches: tuple[str, ...] = ("global", "pooled", "mil")
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
        return {**asdict(self), "branches": list(self.branches)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Calibration:
        """Inverse of `to_dict`; reads a smoothing that all findings share, too, as older checkpoints have it."""
        shared = {"smoothing": float(values.get("smoothing", 0.0))}
        return cls(
            findings={
                label: FindingCalibration(**(shared | item)) for label, item in values["findings"].items()
            },
            default=FindingCalibration(**(shared | values["default"])),
            branches=tuple(values["branches"]),
            min_patches=float(values["min_patches"]),
            mirror=bool(values.get("mirror", False)),
        )
