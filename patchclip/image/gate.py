"""The image gate: does a picture look like a frontal chest radiograph?"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from patchclip.errors import CheckpointError
from patchclip.types import FloatArray

THUMBNAIL, CELLS, DIRECTIONS = 16, 8, 8
_SIDE = 64  # the picture is looked at in this size
WARNING = (
    "This does not look like an upright frontal chest X-ray: maps and probabilities may mean nothing; "
    "check body part, view, rotation, crop and inversion."
)


def gate_features(square: FloatArray) -> FloatArray:
    """What the gate looks at: where it is bright, and in which directions edges run.

    A 16 x 16 thumbnail, and square roots of gradient energy in 8 x 8 overlapping cells and 8 directions
    (histograms of oriented gradients, Dalal and Triggs 2005, here smoothed across cells rather than
    normalised in blocks), at 64 x 64 pixels: coarse enough to shift with the patient, and far too coarse
    to show one.

    square float32 [S, S] in [0, 1], as `model_input` gives it -> float32 [768].
    """
    small = _sized(square, _SIDE)
    small = (small - small.mean()) / max(float(small.std()), 1e-3)
    thumbnail = cv2.GaussianBlur(_sized(small, THUMBNAIL), (0, 0), 0.7)
    smooth = cv2.GaussianBlur(small, (0, 0), 0.8)
    dx, dy = (
        cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=0.125),
        cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=0.125),
    )
    turn = np.mod(np.arctan2(dy, dx) / np.pi, 1.0) * DIRECTIONS  # a direction and its opposite are one
    first = np.floor(turn).astype(np.int64) % DIRECTIONS
    share = (turn - np.floor(turn)).astype(np.float32)
    energy = np.hypot(dx, dy)
    cells = []
    for direction in range(DIRECTIONS):
        part = energy * ((first == direction) * (1 - share) + ((first + 1) % DIRECTIONS == direction) * share)
        cells.append(_sized(cv2.GaussianBlur(part, (0, 0), _SIDE / CELLS / 2), CELLS))
    edges = np.sqrt(np.stack(cells))
    edges /= max(float(np.sqrt((edges**2).mean())), 1e-3)
    return np.concatenate([thumbnail.ravel(), edges.ravel()]).astype(np.float32)


@dataclass(frozen=True, slots=True)
class ImageGate:
    """Two tests that nearly every frontal chest radiograph passes: likeness to those, unlikeness to others.

    Attributes:
        mean, scale: [F], of the features of frontal chest radiographs.
        components: [K, F], orthonormal principal components of their standardised features.
        spread: [K], standard deviations along them; `rest` is that of what they leave over.
        weights: [D], of the terms of `describe`, in a logistic regression of frontal chest radiographs
            against other pictures.
        intercept: of the same.
        furthest: distance beyond which a picture is refused.
        lowest: logit below which a picture is refused.
    """

    mean: FloatArray
    scale: FloatArray
    components: FloatArray
    spread: FloatArray
    rest: float
    weights: FloatArray
    intercept: float
    furthest: float
    lowest: float

    def describe(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """[N, F] -> distance [N] from frontal chests, terms [N, D] that decide what else a picture may be.

        The distance is that of probabilistic PCA (Tipping and Bishop 1999): Mahalanobis within the
        components, Euclidean outside them, as a root mean square. The terms are the standardised features,
        products of two coordinates within the components, since a chest is known by how its parts go
        together, and the logarithm of the distance.
        """
        standard = np.clip((features - self.mean) / self.scale, -8, 8)
        within = standard @ self.components.T
        left = (standard**2).sum(axis=1) - (within**2).sum(axis=1)
        free = self.components.shape[1] - self.components.shape[0]
        within = within / self.spread
        distance = np.sqrt(((within**2).mean(axis=1) + np.maximum(left, 0) / (free * self.rest**2)) / 2)
        within = np.clip(within, -4, 4)
        first, second = np.triu_indices(within.shape[1])
        terms = [standard, within[:, first] * within[:, second], np.log(np.maximum(distance, 1e-6))[:, None]]
        return distance.astype(np.float32), np.concatenate(terms, axis=1).astype(np.float32)

    def scores(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """[N, F] -> distance [N], and logit [N] of being a frontal chest radiograph, not another picture."""
        distance, terms = self.describe(features)
        return distance, np.asarray(terms @ self.weights + self.intercept, np.float32)

    def accepts(self, square: FloatArray) -> bool:
        """Whether a model input, float32 [S, S] in [0, 1], looks like a frontal chest radiograph."""
        distance, logit = self.scores(gate_features(square)[None])
        return bool(distance[0] <= self.furthest and logit[0] >= self.lowest)

    def warnings(self, square: FloatArray) -> tuple[str, ...]:
        """One sentence if it does not, none if it does."""
        return () if self.accepts(square) else (WARNING,)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; arrays as base64 of little-endian float16, which keeps the record small."""
        arrays = {
            name: _packed(getattr(self, name))
            for name in ("mean", "scale", "components", "spread", "weights")
        }
        return arrays | {
            name: float(getattr(self, name)) for name in ("rest", "intercept", "furthest", "lowest")
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ImageGate:
        """Inverse of `to_dict`.

        Raises:
            CheckpointError: malformed, or fitted to other features than this version looks at.
        """
        try:
            gate = cls(
                mean=_unpacked(values["mean"]),
                scale=_unpacked(values["scale"]),
                components=_unpacked(values["components"]).reshape(len(_unpacked(values["spread"])), -1),
                spread=_unpacked(values["spread"]),
                rest=float(values["rest"]),
                weights=_unpacked(values["weights"]),
                intercept=float(values["intercept"]),
                furthest=float(values["furthest"]),
                lowest=float(values["lowest"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                "The checkpoint's image gate is malformed; run python -m trainer gates on the checkpoint."
            ) from error
        arrays = (gate.mean, gate.scale, gate.components, gate.spread, gate.weights)
        numbers = (gate.rest, gate.intercept, gate.furthest, gate.lowest)
        if not all(np.isfinite(array).all() for array in (*arrays, np.array(numbers))) or not (
            gate.rest > 0 and (gate.scale > 0).all() and (gate.spread > 0).all()
        ):
            raise CheckpointError(
                "The checkpoint's image gate has numbers that cannot be; run python -m trainer gates on the "
                "checkpoint."
            )
        width, kept = THUMBNAIL**2 + CELLS**2 * DIRECTIONS, len(gate.spread)
        fits = len(gate.mean) == len(gate.scale) == gate.components.shape[1] == width
        if not fits or len(gate.weights) != width + kept * (kept + 1) // 2 + 1:
            raise CheckpointError(
                "The checkpoint's image gate is of another version; "
                "run python -m trainer gates on the checkpoint."
            )
        return gate


def _sized(values: FloatArray, side: int) -> FloatArray:
    """[R, C] -> [side, side]: averages where it shrinks, bilinear where it grows."""
    way = cv2.INTER_AREA if min(values.shape) >= side else cv2.INTER_LINEAR
    return np.asarray(
        cv2.resize(np.ascontiguousarray(values, np.float32), (side, side), interpolation=way), np.float32
    )


def _packed(values: FloatArray) -> str:
    return base64.b64encode(values.astype("<f2").tobytes()).decode("ascii")


def _unpacked(text: str) -> FloatArray:
    return np.frombuffer(base64.b64decode(text, validate=True), "<f2").astype(np.float32)
