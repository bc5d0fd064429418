"""How regions are drawn from patch logits: smoothing and the image logit's share, chosen on held-out training
patients and then frozen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from patchclip.evaluate.sweep import sweep
from patchclip.localize import smooth
from patchclip.types import Box, PatchMap
from trainer.batches.targets import NEGATIVE, patch_targets
from trainer.data.loaded import Loaded

SMOOTHINGS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3)
"""Standard deviations of the Gaussian that are tried, as shares of the typical width of a finding's outlines:
a heart bears more smoothing than a nodule."""
SHARES = (0.0, 0.1, 0.3, 0.6)
"""Weights of the image's logit beside the patch's that are tried."""
RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
"""False positives per image at which sensitivity counts: also the higher ones, or a smoothing would win that
merges neighbouring findings."""
MIN_OUTLINED = 3  # outlined images below which a finding has no say


def outline_widths(items: Sequence[Loaded], labels: Sequence[str], cols: int) -> NDArray[np.float64]:
    """Typical width of each finding's outlines in patches, [K]: the median over outlines of sqrt(width x
    height) of their bounding boxes.

    A finding with too few outlines has the median of the others; 0 where nothing is outlined.
    """
    spans: list[list[float]] = [[] for _ in labels]
    for item in items:
        for shape in item.sample.shapes:
            corners = item.placed(shape.points) * cols
            spans[list(labels).index(shape.label)].append(float(np.sqrt(np.prod(np.ptp(corners, axis=0)))))
    widths = np.array([np.median(values) if len(values) >= MIN_OUTLINED else np.nan for values in spans])
    return np.where(np.isnan(widths), np.nanmedian(widths) if np.isfinite(widths).any() else 0.0, widths)


def smoothed_maps(patches: NDArray[np.float32], sigmas: NDArray[np.float64]) -> NDArray[np.float32]:
    """Smooths every finding's maps by its own Gaussian, sigmas [K] in patches; padding, which holds -inf,
    lends nothing and stays."""
    out = np.empty_like(patches)
    for n, k in np.ndindex(*patches.shape[:2]):
        inside = np.isfinite(patches[n, k])
        out[n, k] = smooth(patches[n, k], float(sigmas[k]), inside)
    return out


def choose(
    patches: NDArray[np.float32],
    image: NDArray[np.float32],
    items: Sequence[Loaded],
    labels: Sequence[str],
    normal: NDArray[np.bool_],
    widths: NDArray[np.float64],
    smoothing: float | None,
) -> tuple[NDArray[np.float64], float, NDArray[np.float32]]:
    """Each finding's Gaussian in patches [K], the image logit's share, and the smoothed patches; the first of
    equals.

    widths: [K], see `outline_widths`. smoothing: a share of them that is given; None tries `SMOOTHINGS`.
    """
    wanted = outlined_targets(items, labels, *patches.shape[-2:])
    best: tuple[float, NDArray[np.float64], float, NDArray[np.float32]] | None = None
    for part in SMOOTHINGS if smoothing is None else (smoothing,):
        sigmas = part * widths
        smoothed = smoothed_maps(patches, sigmas)
        for share in SHARES:
            scores = smoothed + share * image[:, :, None, None]
            value = localisation(scores, wanted, normal) + free_response(scores, items, labels, normal)
            if best is None or value > best[0] + 1e-9:
                best = (value, sigmas, share, smoothed)
    assert best is not None
    return best[1], best[2], best[3]


def outlined_targets(
    items: Sequence[Loaded], labels: Sequence[str], rows: int, cols: int
) -> dict[tuple[int, int], NDArray[np.int8]]:
    """(image, finding) -> patch targets, of every outlined pair."""
    targets: dict[tuple[int, int], NDArray[np.int8]] = {}
    for n, item in enumerate(items):
        for label in dict.fromkeys(shape.label for shape in item.sample.shapes):
            polygons = [
                item.placed(shape.points) * cols for shape in item.sample.shapes if shape.label == label
            ]
            targets[n, list(labels).index(label)] = patch_targets(polygons, rows, cols)
    return targets


def localisation(
    scores: NDArray[np.float32], wanted: dict[tuple[int, int], NDArray[np.int8]], normal: NDArray[np.bool_]
) -> float:
    """Area under the localisation ROC curve (Swensson, Medical Physics 1996), mean over findings with three
    outlined images.

    P(the brightest patch of an outlined image lies under an outline and is brighter than every patch of a
    normal image). scores [N, K, R, C]; wanted: patch targets of outlined (image, finding) pairs; normal: bool
    [N] -> [0, 1]; 0 with nothing to score.
    """
    peaks = scores.reshape(*scores.shape[:2], -1).max(axis=2)
    wins: dict[int, list[float]] = {}
    for (n, k), targets in wanted.items():
        hit = targets.ravel()[int(scores[n, k].argmax())] != NEGATIVE
        wins.setdefault(k, []).append(float(hit) * float((peaks[normal, k] < peaks[n, k]).mean()))
    means = [float(np.mean(values)) for values in wins.values() if len(values) >= MIN_OUTLINED]
    return float(np.mean(means)) if means else 0.0


def free_response(
    scores: NDArray[np.float32], items: Sequence[Loaded], labels: Sequence[str], normal: NDArray[np.bool_]
) -> float:
    """Mean FROC sensitivity at `RATES` false positives per image, mean over findings with three outlined
    images, in [0, 1].

    Regions and hits are those of `patchclip.evaluate.sweep`, on outlined and finding-free images; a box is an
    outline's bounding box.
    """
    rows, cols = scores.shape[-2:]
    means: list[float] = []
    for k, label in enumerate(labels):
        boxed = [
            n for n, item in enumerate(items) if any(shape.label == label for shape in item.sample.shapes)
        ]
        if len(boxed) < MIN_OUTLINED:
            continue
        index: list[int] = boxed + [int(n) for n in np.nonzero(normal)[0] if n not in boxed]
        maps = [PatchMap(_probability(scores[n, k]), (0.0, 0.0, float(cols), float(rows))) for n in index]
        boxes = [_boxes(items[n], label, rows, cols) for n in index]
        swept = sweep(maps, boxes, [not truth for truth in boxes])
        sensitivity = swept.hits.sum(axis=1) / swept.boxes.sum()
        alarms = swept.alarms.sum(axis=1) / len(index)
        means.append(float(np.mean([sensitivity[alarms <= rate].max() for rate in RATES])))
    return float(np.mean(means)) if means else 0.0


def _probability(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    values = np.where(np.isfinite(scores), scores, scores[np.isfinite(scores)].min())
    return np.asarray(expit(values), np.float32)


def _boxes(item: Loaded, label: str, rows: int, cols: int) -> tuple[Box, ...]:
    """Bounding boxes of the outlines, in patches."""
    boxes: list[Box] = []
    for shape in item.sample.shapes:
        if shape.label == label:
            corners = item.placed(shape.points) * (cols, rows)
            (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
            boxes.append(Box(float(x0), float(y0), float(x1 - x0), float(y1 - y0)))
    return tuple(boxes)
