"""From predictions and boxes to the figures of one finding, each with its confidence interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchclip.data.normal import is_normal
from patchclip.evaluate import metrics
from patchclip.evaluate.bootstrap import Figure, PatientBootstrap, figure
from patchclip.evaluate.dataset import LUNG_OPACITY, EvaluationImage, first_reader
from patchclip.evaluate.froc import RATES, Candidates, match, sensitivity_at
from patchclip.evaluate.maps import (
    Box,
    auroc_within,
    box_mask,
    chexlocalize_iou,
    cnr,
    dice,
    habit_overlap,
    iobb,
    iou,
    oracle_overlap,
    pointing,
)
from patchclip.evaluate.predictions import Prediction
from patchclip.localize import find_regions
from patchclip.types import Region

FLOOR = 0.05  # FROC candidates are components above this; the threshold then sweeps over their scores
IOBB = (0.1, 0.25, 0.5)
Pair = tuple[EvaluationImage, Prediction]


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose boxes are the truth.

    Attributes:
        source: as in boxes.csv.
        label: the finding.
    """

    source: str
    label: str

    def boxes(self, image: EvaluationImage, size: tuple[int, int]) -> tuple[Box, ...]:
        """In pixels."""
        height, width = size
        return tuple(
            (box.x * width, box.y * height, box.w * width, box.h * height)
            for box in image.boxes.get((self.source, self.label), ())
        )

    def normal(self, image: EvaluationImage) -> bool:
        """Whether an image is normal by this reader's protocol."""
        return is_normal(image, self.source)


def reader_of(label: str) -> Reader:
    """The first reader of a finding."""
    return Reader(first_reader(label), label)


def truth_of(label: str, images: Sequence[EvaluationImage]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Images that have an image-level truth for a finding, and that truth."""
    if label == LUNG_OPACITY:
        known = np.array([k for k, image in enumerate(images) if image.rsna_class], np.int64)
        return known, np.array([images[k].rsna_class == LUNG_OPACITY for k in known], bool)
    known = np.array([k for k, image in enumerate(images) if image.labels], np.int64)
    return known, np.array([label in images[k].labels for k in known], bool)


def image_figures(
    scores: NDArray[np.float64],
    known: NDArray[np.int64],
    truth: NDArray[np.bool_],
    bootstrap: PatientBootstrap,
) -> dict[str, Figure]:
    """AUROC, average precision, Brier score, ECE, the ECE that chance alone would give, and sensitivity at 95 % specificity; null with one
    class only."""
    statistics: dict[str, Callable[..., NDArray[np.float64]]] = {
        "auroc": metrics.auroc,
        "average_precision": metrics.average_precision,
        "brier": metrics.brier,
        "ece": metrics.expected_calibration_error,
        "sensitivity_at_95_specificity": metrics.sensitivity_at_specificity,
    }
    if not truth.any() or truth.all():
        return {name: figure(np.full(1, np.nan), len(known)) for name in (*statistics, "ece_by_chance")}
    chance = figure(
        metrics.calibration_error_by_chance(scores, draws=bootstrap.replicates, seed=bootstrap.seed),
        len(known),
    )
    found = {
        name: bootstrap.figure(known, lambda w, s=statistic: s(scores, truth, w))  # type: ignore[misc]
        for name, statistic in statistics.items()
    }
    return found | {"ece_by_chance": chance}


def reliability(
    scores: NDArray[np.float64], truth: NDArray[np.bool_], bins: int = 8
) -> list[dict[str, float]]:
    """Points of a calibration plot: equal-mass bins of probability with the observed frequency in each."""
    if not len(scores):
        return []
    order = np.argsort(scores, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    return [
        {"probability": float(scores[part].mean()), "frequency": float(truth[part].mean()), "n": len(part)}
        for part in parts
    ]


def location_figures(
    pairs: Sequence[Pair], reader: Reader, bootstrap: PatientBootstrap
) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
    """All localisation figures of one finding by one reader, and the replicates behind some of them, for means over findings."""
    label = reader.label
    boxed = [
        (k, reader.boxes(image, prediction.size))
        for k, (image, prediction) in enumerate(pairs)
        if (reader.source, label) in image.boxes
    ]
    normals = [
        k
        for k, (image, _) in enumerate(pairs)
        if reader.normal(image) and (reader.source, label) not in image.boxes
    ]
    rows = [_one_image(pairs[k][1], label, boxes) for k, boxes in boxed]
    index = np.array([k for k, _ in boxed], np.int64)
    figures: dict[str, Any] = {}
    replicates: dict[str, NDArray[np.float64]] = {}
    weights = bootstrap.weights(index) if len(index) else np.ones((1, 0))
    for name in PER_IMAGE:
        values = np.array([row[name] for row in rows], np.float64)
        replicates[name] = metrics.mean(values, weights) if len(index) else np.full(1, np.nan)
        figures[name] = figure(replicates[name], int(np.isfinite(values).sum()))
    scored = np.array([*index, *normals], np.int64)
    everything = bootstrap.weights(scored) if len(scored) else np.ones((1, 0))
    figures |= _chexlocalize(pairs, reader, boxed, normals, bootstrap)
    for least, name in ((None, "froc"), (0.1, "froc_iou_0.1"), (0.25, "froc_iou_0.25")):
        found = _candidates(pairs, reader, scored, least)
        rates = sensitivity_at(found, everything) if len(index) else np.full((1, len(RATES)), np.nan)
        figures[name] = {f"{rate:g}": figure(rates[:, k], len(scored)) for k, rate in enumerate(RATES)}
        figures[name]["mean"] = figure(rates.mean(axis=1), len(scored))
        if name == "froc":
            replicates["froc_0.5"] = rates[:, RATES.index(0.5)]
    alarms = [_alarms(pairs[k][1], reader, pairs[k][0]) for k in scored]
    for position, least in enumerate(IOBB):
        values = np.array([row[position] for row in alarms], np.float64)
        replicates[f"afp_iobb_{least:g}"] = (
            metrics.mean(values, everything) if len(scored) else np.full(1, np.nan)
        )
        figures[f"afp_iobb_{least:g}"] = figure(replicates[f"afp_iobb_{least:g}"], len(scored))
    lit = np.array([float(bool(shown_regions(pairs[k][1], label))) for k in normals], np.float64)
    figures["normals_lit"] = bootstrap.figure(np.array(normals, np.int64), lambda w: metrics.mean(lit, w))
    return figures, replicates


CHEXLOCALIZE = ("chexlocalize_miou_true_positives", "chexlocalize_miou_all", "chexlocalize_hit_rate")


def _chexlocalize(
    pairs: Sequence[Pair],
    reader: Reader,
    boxed: Sequence[tuple[int, tuple[Box, ...]]],
    normals: Sequence[int],
    bootstrap: PatientBootstrap,
) -> dict[str, Figure]:
    """The CheXlocalize habit, with the model's own probability cut-off (null without one): IoU on true positives, IoU on all, and the hit rate."""
    label = reader.label
    if any(label not in prediction.cutoffs for _, prediction in pairs):
        return {name: figure(np.full(1, np.nan), 0) for name in CHEXLOCALIZE}
    called = {
        k: pairs[k][1].probability[label] >= pairs[k][1].cutoffs[label]
        for k in (*(k for k, _ in boxed), *normals)
    }
    overlaps: dict[int, float] = {}
    hits: dict[int, float] = {}
    for k, boxes in (*boxed, *((k, ()) for k in normals)):
        prediction = pairs[k][1]
        upsampled, mask = prediction.maps[label].upsample(*prediction.size), box_mask(boxes, prediction.size)
        overlaps[k] = chexlocalize_iou(upsampled, mask, called=called[k])
        if boxes:
            hits[k] = pointing(upsampled, mask) if called[k] else 0.0

    def mean_over(values: dict[int, float]) -> Figure:
        index = np.array(list(values), np.int64)
        numbers = np.array(list(values.values()), np.float64)
        return bootstrap.figure(index, lambda weights: metrics.mean(numbers, weights))

    on_true_positives = {k: overlaps[k] for k, _ in boxed if called[k]}
    on_all = {k: value for k, value in overlaps.items() if np.isfinite(value)}
    return dict(
        zip(CHEXLOCALIZE, (mean_over(on_true_positives), mean_over(on_all), mean_over(hits)), strict=True)
    )


PER_IMAGE = (
    "pointing", "cnr", "patch_auroc_within", "miou_thresholds", "miou_thresholds_skipping_empty", "mdice_thresholds",
    "mdice_thresholds_skipping_empty", "miou_tuned", "mdice_tuned", "miou_oracle", "mdice_oracle", "acc_iobb_0.1", "acc_iobb_0.25", "acc_iobb_0.5",
)  # fmt: skip


def _one_image(prediction: Prediction, label: str, boxes: tuple[Box, ...]) -> dict[str, float]:
    upsampled = prediction.maps[label].upsample(*prediction.size)
    mask = box_mask(boxes, prediction.size)
    threshold = prediction.overlap_thresholds.get(label)
    habit = habit_overlap(upsampled, mask)
    best_iou, best_dice = oracle_overlap(upsampled, mask)
    regions = shown_regions(prediction, label)
    values = {
        "pointing": pointing(upsampled, mask),
        "cnr": cnr(upsampled, mask),
        "patch_auroc_within": auroc_within(upsampled, mask),
        "miou_thresholds": habit.iou,
        "miou_thresholds_skipping_empty": habit.iou_skipping_empty,
        "mdice_thresholds": habit.dice,
        "mdice_thresholds_skipping_empty": habit.dice_skipping_empty,
        "miou_tuned": iou(upsampled >= threshold, mask) if threshold is not None else float("nan"),
        "mdice_tuned": dice(upsampled >= threshold, mask) if threshold is not None else float("nan"),
        "miou_oracle": best_iou,
        "mdice_oracle": best_dice,
    }
    return values | {f"acc_iobb_{least:g}": iobb(regions, boxes, least)[0] for least in IOBB}


def shown_regions(prediction: Prediction, label: str) -> tuple[Region, ...]:
    """The regions of a finding as a reader is shown them: at the operating threshold, fragments left out."""
    return find_regions(
        prediction.maps[label], prediction.thresholds[label], prediction.size, prediction.min_patches
    )


def _candidates(
    pairs: Sequence[Pair], reader: Reader, scored: NDArray[np.int64], least_iou: float | None
) -> Candidates:
    regions = [find_regions(pairs[k][1].maps[reader.label], FLOOR, pairs[k][1].size) for k in scored]
    return match(regions, [reader.boxes(pairs[k][0], pairs[k][1].size) for k in scored], least_iou)


def _alarms(prediction: Prediction, reader: Reader, image: EvaluationImage) -> list[float]:
    regions = shown_regions(prediction, reader.label)
    boxes = reader.boxes(image, prediction.size)
    return [iobb(regions, boxes, least)[1] for least in IOBB]
