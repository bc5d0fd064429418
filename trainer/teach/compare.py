"""Two models on the same images, in pairs: AUROC, pointing, AUROC of patches, agreement with readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from patchclip.evaluate.bootstrap import Figure, PatientBootstrap
from patchclip.evaluate.image_metrics import Floats, auroc, mean
from patchclip.evaluate.map_metrics import auroc_within
from patchclip.model.calibration import Calibration
from trainer.batches.targets import IGNORED, POSITIVE
from trainer.calibrate.accuracy import patients_of
from trainer.calibrate.regions import outlined_targets, smoothed_maps
from trainer.calibrate.site import image_logits
from trainer.data.loaded import Loaded
from trainer.data.states import state_table
from trainer.fit.validation import DevLogits

LEAST = 5
"""Images with a finding, and without it, below which it has no AUROC; outlined images below which it has no
figure of places."""
HEADLINES = ("auroc", "pointing", "patch_auroc", "agreement")
Pairs = dict[tuple[int, int], float]  # (image, finding) -> value


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model says of a set of images.

    Attributes:
        logits: before calibration.
        calibration: of the model.
        items: the images as the model gets them; None where both models get them alike.
    """

    logits: DevLogits
    calibration: Calibration
    items: Sequence[Loaded] | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """One measure of both models, and what the new one has more; undefined where too few images tell."""

    old: Figure
    new: Figure
    difference: Figure


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both models on one set of images.

    Attributes:
        images, cases: how many images, of how many cases or patients.
        headlines: a key of `HEADLINES` -> means over findings, and agreement over all that was said.
        findings: label -> measure -> the same of one finding.
    """

    images: int
    cases: int
    headlines: Mapping[str, Compared]
    findings: Mapping[str, Mapping[str, Compared]]


def compare(
    old: Answers,
    new: Answers,
    items: Sequence[Loaded],
    labels: Sequence[str],
    replicates: int,
    seed: int,
    *,
    by_readers: bool,
) -> Comparison:
    """Measures both models on images that neither learnt from.

    AUROC ranks images by probability. Pointing: the brightest patch's centre lies in the bounding box of an
    outline. AUROC of patches: a patch under an outline is brighter than one of the same image that no outline
    touches. All three are means over the findings that enough images tell of. Agreement: the share of what
    was said (present or absent) that the model says too, at its operating points. Intervals are the
    percentiles of a bootstrap of whole cases, drawn alike for both (Efron and Tibshirani 1993).

    Args:
        old, new: both models.
        items: the N images.
        labels: of the K findings.
        replicates, seed: of the bootstrap.
        by_readers: whether readers said what is there, so that agreement with them is measured.
    """
    table = state_table(items, labels)
    cases = _cases(items)
    bootstrap = PatientBootstrap(cases, replicates, seed)
    measured = [
        _measured(part, part.items or items, labels, table, bootstrap, by_readers) for part in (old, new)
    ]
    headlines: dict[str, Compared] = {}
    findings: dict[str, dict[str, Compared]] = {}
    for name in HEADLINES:
        before, after = (part[name] for part in measured)
        headlines[name] = _compared(_over_findings(before), _over_findings(after), len(items))
        for k, label in enumerate(labels):
            if k in before.by_finding:
                row = _compared(before.by_finding[k], after.by_finding[k], before.counts[k])
                findings.setdefault(label, {})[name] = row
    return Comparison(len(items), len(set(cases)), headlines, findings)


@dataclass(frozen=True, slots=True)
class _Measure:
    """Replicates [B + 1] of one measure: by finding, and over all where that is no mean over findings."""

    by_finding: Mapping[int, Floats]
    counts: Mapping[int, int]
    overall: Floats | None = None


def _cases(items: Sequence[Loaded]) -> list[str]:
    """The patient of each image, or its pixels where nobody knows the patient."""
    return [
        patient if item.sample.patient else item.sha256
        for patient, item in zip(patients_of(items), items, strict=True)
    ]


def _measured(
    answers: Answers,
    items: Sequence[Loaded],
    labels: Sequence[str],
    table: NDArray[np.int8],
    bootstrap: PatientBootstrap,
    by_readers: bool,
) -> dict[str, _Measure]:
    image = image_logits(answers.logits, answers.calibration, labels)
    calibrations = [answers.calibration.of(label) for label in labels]
    maps = smoothed_maps(answers.logits.patches, np.array([item.smoothing for item in calibrations]))
    pointing, patches = _places(maps, items, labels)
    agreement: Pairs = {}
    if by_readers:
        for n, k in zip(*np.nonzero((table == 0) | (table == 1)), strict=True):
            called = calibrations[k].image_probability(float(image[n, k])) >= calibrations[k].image_threshold
            agreement[int(n), int(k)] = float(bool(called) == bool(table[n, k] == 1))
    return {
        "auroc": _ranking(image, table, bootstrap),
        "pointing": _means(pointing, bootstrap),
        "patch_auroc": _means(patches, bootstrap),
        "agreement": _shares(agreement, bootstrap),
    }


def _ranking(image: Floats, table: NDArray[np.int8], bootstrap: PatientBootstrap) -> _Measure:
    """ "Not mentioned" counts as absent, as it does in the published figures of such labels."""
    values: dict[int, Floats] = {}
    counts: dict[int, int] = {}
    for k in range(table.shape[1]):
        (index,) = np.nonzero(table[:, k] >= 0)
        present = table[index, k] == 1
        if min(present.sum(), (~present).sum()) >= LEAST:
            values[k] = auroc(image[index, k], present, bootstrap.weights(index))
            counts[k] = len(index)
    return _Measure(values, counts)


def _places(maps: NDArray[np.float32], items: Sequence[Loaded], labels: Sequence[str]) -> tuple[Pairs, Pairs]:
    """Pointing, and AUROC of patches, of every outlined (image, finding)."""
    rows, cols = maps.shape[-2:]
    pointing: Pairs = {}
    patches: Pairs = {}
    for (n, k), targets in outlined_targets(items, labels, rows, cols).items():
        values, outlines = maps[n, k], [shape for shape in items[n].sample.shapes if shape.label == labels[k]]
        row, col = np.unravel_index(int(values.argmax()), values.shape)
        point = np.array([(col + 0.5) / cols, (row + 0.5) / rows])
        corners = [items[n].placed(shape.points) for shape in outlines]
        inside = any(
            (part.min(axis=0) <= point).all() and (point <= part.max(axis=0)).all() for part in corners
        )
        pointing[n, k] = float(inside)
        counted = np.isfinite(values) & (targets != IGNORED)
        patches[n, k] = auroc_within(values[counted], targets[counted] == POSITIVE)
    return pointing, patches


def _means(pairs: Pairs, bootstrap: PatientBootstrap) -> _Measure:
    """Of each finding with enough images that have a value."""
    values: dict[int, Floats] = {}
    counts: dict[int, int] = {}
    for k in sorted({k for _, k in pairs}):
        chosen = {n: value for (n, finding), value in pairs.items() if finding == k and np.isfinite(value)}
        if len(chosen) >= LEAST:
            index = np.array(list(chosen), np.int64)
            values[k] = mean(np.array(list(chosen.values())), bootstrap.weights(index))
            counts[k] = len(chosen)
    return _Measure(values, counts)


def _shares(pairs: Pairs, bootstrap: PatientBootstrap) -> _Measure:
    """Of each finding, and over all pairs."""
    if not pairs:
        return _Measure({}, {})
    by_finding = _means(pairs, bootstrap)
    index = np.array([n for n, _ in pairs], np.int64)
    overall = mean(np.array(list(pairs.values())), bootstrap.weights(index))
    return _Measure(by_finding.by_finding, by_finding.counts, overall)


def _over_findings(measure: _Measure) -> Floats | None:
    """A replicate in which a finding is undefined is the mean of the others."""
    if measure.overall is not None:
        return measure.overall
    if not measure.by_finding:
        return None
    stacked = np.stack(list(measure.by_finding.values()))
    defined = np.isfinite(stacked)
    total = np.where(defined, stacked, 0.0).sum(axis=0)
    mean_of: Floats = np.where(defined.any(axis=0), total / np.maximum(defined.sum(axis=0), 1), np.nan)
    return mean_of


def _compared(before: Floats | None, after: Floats | None, n: int) -> Compared:
    if before is None or after is None:
        nothing = Figure.undefined(n)
        return Compared(nothing, nothing, nothing)
    return Compared(Figure.of(before, n), Figure.of(after, n), Figure.of(after - before, n))
