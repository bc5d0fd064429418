"""Figures on parts of the data: subgroups by view, sex and age, and what a second group of readers read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from patchclip.evaluate.bootstrap import Figure, PatientBootstrap
from patchclip.evaluate.case import Case
from patchclip.evaluate.dataset import CHESTX_DET, LUNG_OPACITY, EvaluationImage
from patchclip.evaluate.findings import image_figures, location_figures, probabilities
from patchclip.evaluate.image_metrics import auroc
from patchclip.evaluate.report import Figures, FindingFigures, Subgroup
from patchclip.evaluate.truth import ImageTruth, Reader, reader_of, truth_of

FEWEST = 5
"""Images of either class, and images with a box, below which a subgroup has no figure."""
MEMBERS: dict[str, Callable[[EvaluationImage], bool]] = {
    "view PA": lambda image: image.view == "PA",
    "view AP": lambda image: image.view == "AP",
    "sex F": lambda image: image.sex == "F",
    "sex M": lambda image: image.sex == "M",
    "age under 40": lambda image: image.age is not None and image.age < 40,
    "age 40 to 64": lambda image: image.age is not None and 40 <= image.age < 65,
    "age 65 and over": lambda image: image.age is not None and image.age >= 65,
}


def subgroups(
    labels: Sequence[str], cases: Sequence[Case], bootstrap: PatientBootstrap
) -> dict[str, Subgroup]:
    """AUROC and pointing by view, sex and age band, of the findings with enough images in the group."""
    groups: dict[str, Subgroup] = {}
    for group, belongs in MEMBERS.items():
        inside = np.array([belongs(case.image) for case in cases], bool)
        rows: dict[str, Figures] = {}
        for label in labels:
            truth = truth_of(label, [case.image for case in cases])
            index = truth.index[inside[truth.index]]
            present = truth.present[inside[truth.index]]
            if min(present.sum(), (~present).sum()) < FEWEST:
                continue
            scores = probabilities(label, cases, index)
            area = auroc(scores, present, bootstrap.weights(index))
            rows[label] = {"auroc": Figure.of(area, len(index))}
            reader = reader_of(label)
            boxed = [case for case in cases if belongs(case.image) and reader.boxed(case.image)]
            if len(boxed) >= FEWEST:
                located = location_figures(boxed, reader, _alike(boxed, bootstrap))
                rows[label]["pointing"] = located.boxed["pointing"]
        if rows:
            groups[group] = Subgroup(int(inside.sum()), rows)
    return groups


def second_reader(
    labels: Sequence[str], cases: Sequence[Case], bootstrap: PatientBootstrap
) -> dict[str, FindingFigures]:
    """ChestX-Det's boxes, on the images that its readers read; a finding without a box there is absent."""
    read = [case for case in cases if case.image.chestx_det_read]
    everything = np.arange(len(read))
    findings: dict[str, FindingFigures] = {}
    for label in labels:
        reader = Reader(CHESTX_DET, label)
        present = np.array([reader.boxed(case.image) for case in read], bool)
        if label == LUNG_OPACITY or not present.any():
            continue
        of_read = _alike(read, bootstrap)
        scores = probabilities(label, read, everything)
        findings[label] = FindingFigures(
            image=image_figures(scores, ImageTruth(everything, present), of_read),
            location=location_figures(read, reader, of_read),
        )
    return findings


def _alike(cases: Sequence[Case], bootstrap: PatientBootstrap) -> PatientBootstrap:
    """Of these cases alone, with the same seed and number of replicates."""
    return PatientBootstrap([case.image.patient for case in cases], bootstrap.replicates, bootstrap.seed)
