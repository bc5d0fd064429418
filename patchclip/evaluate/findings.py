"""The figures of one finding: of its probabilities, and of its maps against one reader's boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from patchclip.evaluate import image_metrics
from patchclip.evaluate.bootstrap import Figure, PatientBootstrap
from patchclip.evaluate.case import Case
from patchclip.evaluate.froc import RATES, match, sensitivity_at
from patchclip.evaluate.image_metrics import Floats
from patchclip.evaluate.map_metrics import (
    auroc_within,
    box_mask,
    chexlocalize_iou,
    cnr,
    dice,
    iobb,
    iou,
    oracle_overlap,
    pointing,
    threshold_overlap,
)
from patchclip.evaluate.report import CalibrationBin, Figures, FindingFigures, Localisation
from patchclip.evaluate.truth import ImageTruth, Reader, reader_of, truth_of
from patchclip.localize import find_regions

FLOOR = 0.05
"""FROC candidates are components above this; the threshold then moves over their scores."""
IOBB = (0.1, 0.25, 0.5)
"""Shares of a region that must lie in a box for it to count as found."""


def finding_figures(
    label: str, cases: Sequence[Case], bootstrap: PatientBootstrap, *, calibrated: bool = True
) -> FindingFigures:
    """All figures of one finding by its first reader; without calibration its figures are undefined."""
    truth = truth_of(label, [case.image for case in cases])
    scores = probabilities(label, cases, truth.index)
    image = image_figures(scores, truth, bootstrap)
    if not calibrated:
        image |= dict.fromkeys(("brier", "ece", "ece_by_chance"), Figure.undefined(len(scores)))
    negated = None
    if all(case.prediction.negated for case in cases):
        absent = np.array([cases[k].prediction.negated[label] for k in truth.index], np.float64)
        auroc = image_metrics.auroc(1 - absent, truth.present, bootstrap.weights(truth.index))
        negated = Figure.of(auroc, len(scores))
    return FindingFigures(
        image=image,
        location=location_figures(cases, reader_of(label), bootstrap),
        reliability=reliability(scores, truth.present) if calibrated else [],
        auroc_negated=negated,
    )


def probabilities(label: str, cases: Sequence[Case], index: NDArray[np.int64]) -> Floats:
    """P(present) of the cases at these positions, float [N] in [0, 1]."""
    return np.array([cases[k].prediction.probability[label] for k in index], np.float64)


def image_figures(scores: Floats, truth: ImageTruth, bootstrap: PatientBootstrap) -> Figures:
    """Ranking and calibration, and the calibration error by chance alone; undefined with one class only.

    scores: [N], probabilities of the images in `truth`.
    """
    statistics: dict[str, Callable[[Floats, NDArray[np.bool_], Floats], Floats]] = {
        "auroc": image_metrics.auroc,
        "average_precision": image_metrics.average_precision,
        "brier": image_metrics.brier,
        "ece": image_metrics.expected_calibration_error,
        "sensitivity_at_95_specificity": image_metrics.sensitivity_at_specificity,
    }
    images = len(truth.index)
    if not truth.present.any() or truth.present.all():
        return {name: Figure.undefined(images) for name in (*statistics, "ece_by_chance")}
    weights = bootstrap.weights(truth.index)
    figures = {
        name: Figure.of(statistic(scores, truth.present, weights), images)
        for name, statistic in statistics.items()
    }
    chance = image_metrics.calibration_error_by_chance(scores, bootstrap.replicates, seed=bootstrap.seed)
    return figures | {"ece_by_chance": Figure.of(chance, images)}


def reliability(scores: Floats, present: NDArray[np.bool_], bins: int = 8) -> list[CalibrationBin]:
    """Points of a calibration plot: equal-mass bins of probability with the observed frequency in each."""
    if not len(scores):
        return []
    parts = np.array_split(np.argsort(scores, kind="stable"), min(bins, len(scores)))
    return [
        CalibrationBin(float(scores[part].mean()), float(present[part].mean()), len(part)) for part in parts
    ]


def location_figures(cases: Sequence[Case], reader: Reader, bootstrap: PatientBootstrap) -> Localisation:
    """All figures of one finding's maps, on images with a box of the reader and on those normal to him."""
    boxed = [k for k, case in enumerate(cases) if reader.boxed(case.image)]
    normal = [k for k, case in enumerate(cases) if reader.normal(case.image) and not reader.boxed(case.image)]
    located = _Located(cases, reader, np.array(boxed, np.int64), np.array(normal, np.int64), bootstrap)
    return Localisation(
        boxed=located.boxed_figures() | located.chexlocalize_figures(),
        froc={
            "froc": located.froc(),
            "froc_iou_0.1": located.froc(least_iou=0.1),
            "froc_iou_0.25": located.froc(least_iou=0.25),
        },
        regions=located.region_figures(),
    )


PER_IMAGE = (
    "pointing",
    "cnr",
    "patch_auroc_within",
    "miou_thresholds",
    "miou_thresholds_skipping_empty",
    "mdice_thresholds",
    "mdice_thresholds_skipping_empty",
    "miou_tuned",
    "mdice_tuned",
    "miou_oracle",
    "mdice_oracle",
    *(f"acc_iobb_{least:g}" for least in IOBB),
)
CHEXLOCALIZE = ("chexlocalize_miou_true_positives", "chexlocalize_miou_all", "chexlocalize_hit_rate")


@dataclass(frozen=True, slots=True)
class _Located:
    """Cases as one reader sees them: positions of those with a box, and of the normal ones."""

    cases: Sequence[Case]
    reader: Reader
    boxed: NDArray[np.int64]
    normal: NDArray[np.int64]
    bootstrap: PatientBootstrap

    @property
    def scored(self) -> NDArray[np.int64]:
        """Both."""
        return np.concatenate([self.boxed, self.normal])

    def boxed_figures(self) -> Figures:
        """Means over images with a box; `n` counts those on which the metric is defined."""
        rows = [_on_boxes(self.cases[k], self.reader) for k in self.boxed]
        figures: Figures = {}
        for name in PER_IMAGE:
            values = np.array([row[name] for row in rows], np.float64)
            mean = self.bootstrap.mean(self.boxed, values)
            figures[name] = replace(mean, n=int(np.isfinite(values).sum()))
        return figures

    def chexlocalize_figures(self) -> Figures:
        """CheXlocalize's IoU on true positives and on all images, and hit rate; cut-offs are needed."""
        label = self.reader.label
        if any(label not in case.prediction.cutoffs for case in self.cases):
            return dict.fromkeys(CHEXLOCALIZE, Figure.undefined(0))
        called = np.zeros(len(self.scored), bool)
        overlaps = np.zeros(len(self.scored))
        hits = np.zeros(len(self.boxed))
        for position, k in enumerate(self.scored):
            prediction = self.cases[k].prediction
            called[position] = prediction.probability[label] >= prediction.cutoffs[label]
            upsampled = prediction.upsampled(label)
            boxes = self.cases[k].boxes(self.reader)
            mask = box_mask(boxes, prediction.size)
            overlaps[position] = chexlocalize_iou(upsampled, mask, called=bool(called[position]))
            if boxes and called[position]:
                hits[position] = pointing(upsampled, mask)

        true_positive = np.flatnonzero(called[: len(self.boxed)])
        defined = np.isfinite(overlaps)
        figures = (
            self.bootstrap.mean(self.boxed[true_positive], overlaps[true_positive]),
            self.bootstrap.mean(self.scored[defined], overlaps[defined]),
            self.bootstrap.mean(self.boxed, hits),
        )
        return dict(zip(CHEXLOCALIZE, figures, strict=True))

    def froc(self, least_iou: float | None = None) -> Figures:
        """Sensitivity of components at each of `RATES`, and the mean; see `patchclip.evaluate.froc.match`."""
        images = len(self.scored)
        names = [*(f"{rate:g}" for rate in RATES), "mean"]
        if not len(self.boxed):
            return {name: Figure.undefined(images) for name in names}
        cases = [self.cases[k] for k in self.scored]
        predictions = [case.prediction for case in cases]
        regions = [find_regions(item.maps[self.reader.label], FLOOR, item.size) for item in predictions]
        candidates = match(regions, [case.boxes(self.reader) for case in cases], least_iou)
        sensitivity = sensitivity_at(candidates, self.bootstrap.weights(self.scored))
        columns = [*sensitivity.T, sensitivity.mean(axis=1)]
        return {name: Figure.of(column, images) for name, column in zip(names, columns, strict=True)}

    def region_figures(self) -> Figures:
        """At the operating threshold: regions per image that hit no box, normal images with any region."""
        label = self.reader.label
        regions = [self.cases[k].prediction.regions(label) for k in self.scored]
        boxes = [self.cases[k].boxes(self.reader) for k in self.scored]
        figures: Figures = {}
        for least in IOBB:
            alarms = [iobb(drawn, truth, least).alarms for drawn, truth in zip(regions, boxes, strict=True)]
            figures[f"afp_iobb_{least:g}"] = self.bootstrap.mean(self.scored, np.array(alarms, np.float64))
        lit = np.array([bool(drawn) for drawn in regions[len(self.boxed) :]], np.float64)
        return figures | {"normals_lit": self.bootstrap.mean(self.normal, lit)}


def _on_boxes(case: Case, reader: Reader) -> dict[str, float]:
    """The metrics of `PER_IMAGE`; NaN where one is undefined."""
    prediction = case.prediction
    boxes = case.boxes(reader)
    upsampled = prediction.upsampled(reader.label)
    mask = box_mask(boxes, prediction.size)
    over_thresholds = threshold_overlap(upsampled, mask)
    best = oracle_overlap(upsampled, mask)
    tuned = prediction.overlap_thresholds.get(reader.label)
    regions = prediction.regions(reader.label)
    return {
        "pointing": pointing(upsampled, mask),
        "cnr": cnr(upsampled, mask),
        "patch_auroc_within": auroc_within(upsampled, mask),
        "miou_thresholds": over_thresholds.iou,
        "miou_thresholds_skipping_empty": over_thresholds.iou_skipping_empty,
        "mdice_thresholds": over_thresholds.dice,
        "mdice_thresholds_skipping_empty": over_thresholds.dice_skipping_empty,
        "miou_tuned": np.nan if tuned is None else iou(upsampled >= tuned, mask),
        "mdice_tuned": np.nan if tuned is None else dice(upsampled >= tuned, mask),
        "miou_oracle": best.iou,
        "mdice_oracle": best.dice,
    } | {f"acc_iobb_{least:g}": iobb(regions, boxes, least).accuracy for least in IOBB}
