"""A case: one image of a dataset together with what a model says of it."""

from __future__ import annotations

from dataclasses import dataclass

from patchclip.evaluate.dataset import EvaluationImage
from patchclip.evaluate.truth import Reader
from patchclip.localize import find_regions
from patchclip.types import Box, FloatArray, PatchMap, Region


@dataclass(frozen=True, slots=True)
class Reaction:
    """To a query that no chest radiograph answers: whether any patch lights up, and the model warns."""

    lit: bool
    warned: bool


@dataclass(frozen=True, slots=True)
class Prediction:
    """One model on one image.

    Attributes:
        size: (H, W) in pixels.
        radiograph_sha256: of the pixels.
        probability: label -> P(present), in [0, 1].
        maps: label -> patch map.
        thresholds: label -> value from which a patch counts as lit.
        overlap_thresholds: label -> map value at which overlap with outlines was best on held-out training
            images; only where that is known.
        min_patches: smaller regions are not reported.
        cutoffs: label -> probability from which the finding counts as present; only where that is known.
        negated: label -> P("no X") as the model answers that query; empty where the model takes no queries.
        off_topic: phrase -> reaction to it; empty where the model takes no queries.
        saliency: (method, label) -> relative map; only those that were asked for.
    """

    size: tuple[int, int]
    radiograph_sha256: str
    probability: dict[str, float]
    maps: dict[str, PatchMap]
    thresholds: dict[str, float]
    overlap_thresholds: dict[str, float]
    min_patches: float
    cutoffs: dict[str, float]
    negated: dict[str, float]
    off_topic: dict[str, Reaction]
    saliency: dict[tuple[str, str], PatchMap]

    def upsampled(self, label: str) -> FloatArray:
        """The map of a finding on the image's pixels, float32 [H, W] in [0, 1]."""
        return self.maps[label].upsample(*self.size)

    def regions(self, label: str) -> tuple[Region, ...]:
        """The regions of a finding as a user sees them: at the operating threshold, without fragments."""
        return find_regions(self.maps[label], self.thresholds[label], self.size, self.min_patches)


@dataclass(frozen=True, slots=True)
class Case:
    """An image and the prediction on it."""

    image: EvaluationImage
    prediction: Prediction

    def boxes(self, reader: Reader) -> tuple[Box, ...]:
        """What the reader drew, in pixels."""
        drawn = self.image.boxes.get((reader.source, reader.label), ())
        return tuple(box.in_pixels(*self.prediction.size) for box in drawn)
