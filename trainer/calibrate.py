"""Calibration and operating points, fitted on held-out training patients and written into a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from patchclip.errors import DataError
from patchclip.localize import smooth
from patchclip.model.calibration import Calibration, FindingCalibration
from trainer.config import LossConfig
from trainer.data.dataset import Loaded, state_table
from trainer.targets import NEGATIVE, POSITIVE, patch_targets
from trainer.validate import DevLogits


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Choices of calibration that are not fitted."""

    normals_lit: float = 0.0125
    """Share of finding-free held-out images on which one finding's map may reach 0.5."""
    smoothing: float = 0.6
    """Standard deviation of the Gaussian over patch logits, in patches."""
    min_patches: float = 0.5
    """Smallest region, in patches."""


def trained_branches(loss: LossConfig) -> tuple[str, ...]:
    """The image-level branches that a recipe trains; only those may answer."""
    weights = {"global": loss.global_, "pooled": loss.pooled, "mil": loss.mil}
    return tuple(name for name, weight in weights.items() if weight > 0)


def fit_calibration(
    logits: DevLogits, items: Sequence[Loaded], labels: Sequence[str], branches: tuple[str, ...], point: OperatingPoint
) -> Calibration:
    """Fits everything.

    Image: one slope shared by all findings and one bias each, by logistic regression on the states (Platt 1999; "not mentioned"
    counts as absent, as in the labels' own use). Patch: slopes of patch and image logit shared by all findings, by logistic
    regression on outlined and finding-free patches; then each finding's bias is set so that `point.normals_lit` of the
    finding-free images have a patch at 0.5 or above.

    Raises:
        DataError: there are no held-out images, or no finding-free ones among them.
    """
    if not items:
        raise DataError("No held-out images to calibrate on; set data.dev_fraction above 0.")
    table = state_table(items, labels)
    image = np.mean([logits.image[name] for name in branches], axis=0)
    scale, biases = _image_fit(image, table)
    smoothed = _smoothed(logits.patches, point.smoothing)
    patch_scale, patch_image = _patch_fit(smoothed, image, items, labels, table)
    normal = np.array([bool((row != 1).all() and (row == 0).any()) for row in table])
    if normal.sum() < 10:
        raise DataError(
            f"Only {int(normal.sum())} held-out images are free of every finding; at least 10 are needed to set operating points."
        )
    scores = patch_scale * smoothed.reshape(*smoothed.shape[:2], -1).max(axis=2) + patch_image * image
    findings: dict[str, FindingCalibration] = {}
    for k, label in enumerate(labels):
        findings[label] = FindingCalibration(
            image_scale=scale,
            image_bias=biases[k],
            patch_scale=patch_scale,
            patch_image=patch_image,
            patch_bias=-float(np.quantile(scores[normal, k], 1 - point.normals_lit)),
            image_threshold=_youden(scale * image[:, k] + biases[k], table[:, k]),
        )
    middle = FindingCalibration(
        image_scale=scale,
        image_bias=float(np.median(biases)),
        patch_scale=patch_scale,
        patch_image=patch_image,
        patch_bias=float(np.median([item.patch_bias for item in findings.values()])),
        image_threshold=float(np.median([item.image_threshold for item in findings.values()])),
    )
    return Calibration(findings, middle, branches, point.smoothing, point.min_patches)


def _image_fit(image: NDArray[np.float32], table: NDArray[np.int8]) -> tuple[float, list[float]]:
    """Shared slope, one bias a finding; biases are drawn gently towards each other where a finding has few cases."""
    rows, columns = np.nonzero(table >= 0)
    design = np.zeros((len(rows), 1 + table.shape[1]))
    design[:, 0] = image[rows, columns]
    design[np.arange(len(rows)), 1 + columns] = 1.0
    fitted = LogisticRegression(C=10.0, max_iter=500).fit(design, table[rows, columns] == 1)
    weights = fitted.coef_[0]
    return max(float(weights[0]), 1e-3), [float(weights[1 + k] + fitted.intercept_[0]) for k in range(table.shape[1])]


def _smoothed(patches: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Padding holds -inf, which would spread; it is filled with the map's minimum while smoothing and set back after."""
    out = np.empty_like(patches)
    for n in range(patches.shape[0]):
        for k in range(patches.shape[1]):
            grid = patches[n, k]
            inside = np.isfinite(grid)
            filled = np.where(inside, grid, grid[inside].min()).astype(np.float32)
            out[n, k] = np.where(inside, smooth(filled, sigma), -np.inf)
    return out


def _patch_fit(
    smoothed: NDArray[np.float32], image: NDArray[np.float32], items: Sequence[Loaded], labels: Sequence[str], table: NDArray[np.int8]
) -> tuple[float, float]:
    """Slopes of patch and image logit, from outlined images and from the brightest patch of finding-free ones."""
    rows, cols = smoothed.shape[-2:]
    features: list[tuple[float, float]] = []
    targets: list[int] = []
    for n, item in enumerate(items):
        size = np.array([item.box.width, item.box.height], np.float64)
        outlined = {shape.label for shape in item.sample.shapes}
        for k, label in enumerate(labels):
            scores = smoothed[n, k]
            inside = np.isfinite(scores)
            if label in outlined:
                polygons = [
                    item.box.to_model(np.array(shape.points, np.float64) * size) / item.box.side * cols
                    for shape in item.sample.shapes
                    if shape.label == label
                ]
                wanted = patch_targets(polygons, rows, cols)
                for value, code in ((POSITIVE, 1), (NEGATIVE, 0)):
                    chosen = scores[(wanted == value) & inside]
                    if chosen.size:  # the peak inside and the peak outside: what decides whether a region is right
                        features.append((float(chosen.max()), float(image[n, k])))
                        targets.append(code)
            elif table[n, k] == 0:
                features.append((float(scores[inside].max()), float(image[n, k])))
                targets.append(0)
    if len(set(targets)) < 2:
        return 1.0, 0.0
    fitted = LogisticRegression(C=10.0, max_iter=500, class_weight="balanced").fit(np.array(features), targets)
    return max(float(fitted.coef_[0, 0]), 0.1), max(float(fitted.coef_[0, 1]), 0.0)


def _youden(scores: NDArray[np.float64], states: NDArray[np.int8]) -> float:
    """Probability at which sensitivity + specificity - 1 is largest (Youden 1950); 0.5 without both classes."""
    known = states >= 0
    present = states[known] == 1
    if not present.any() or present.all():
        return 0.5
    values = scores[known]
    cuts = np.unique(values)
    gain = [(values[present] >= cut).mean() - (values[~present] >= cut).mean() for cut in cuts]
    return float(1 / (1 + np.exp(-cuts[int(np.argmax(gain))])))
