"""Probabilities and maps of a taught model: fitted on held-out original images, or carried over from its
parent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit

from patchclip.accuracy import DiagnosticAccuracy
from patchclip.data.normal import free_of_all
from patchclip.model.calibration import Calibration, FindingCalibration
from patchclip.model.prevalence import Prevalence
from trainer.calibrate.accuracy import cross_validated, patients_of
from trainer.calibrate.calibration import OperatingPoint, fit_calibration
from trainer.calibrate.joint import lit_maps
from trainer.calibrate.reference import reference_states
from trainer.calibrate.regions import smoothed_maps
from trainer.calibrate.site import SPREAD, image_logits, prevalence_of
from trainer.data.checks import MIN_NORMALS
from trainer.data.loaded import Loaded
from trainer.data.states import state_table
from trainer.fit.validation import DevLogits

LIT = 0.9
"""Quantile of the peaks of uncorrected images that is kept: as many of them light as before."""
FARTHEST = 6.0  # logits that a finding's probability is moved at most


@dataclass(frozen=True, slots=True)
class Recalibrated:
    """What a taught model's answers are made with.

    Attributes:
        calibration: of its logits.
        how: in a sentence.
        prevalence, accuracy: measured on the held-out original images; None where there were too few.
    """

    calibration: Calibration
    how: str
    prevalence: dict[str, Prevalence] | None = None
    accuracy: dict[str, DiagnosticAccuracy] | None = None


def can_be_fitted(items: Sequence[Loaded], labels: Sequence[str]) -> bool:
    """Whether held-out images are enough for a calibration of their own."""
    if not items:
        return False
    table = state_table(items, labels)
    return bool((table == 1).any()) and int(free_of_all(table).sum()) >= MIN_NORMALS


def fitted(
    logits: DevLogits,
    items: Sequence[Loaded],
    learnt_from: Sequence[Loaded],
    labels: Sequence[str],
    before: Calibration,
) -> Recalibrated:
    """As after a training, on held-out original images; by the branches that the parent answers by.

    Args:
        logits: of the new model on the held-out images `items`.
        learnt_from: images whose outlines tell with theirs how large findings are.
        labels: of the vocabulary.
        before: the parent's calibration.
    """
    point = OperatingPoint(min_patches=before.min_patches, mirror=before.mirror)
    calibration = fit_calibration(logits, items, labels, before.branches, point, learnt_from, before.sources)
    table = reference_states(state_table(items, labels), [item.sample.patients for item in items])
    image = image_logits(logits, calibration, labels)
    maps = lit_maps(logits.patches, image, labels, calibration)
    return Recalibrated(
        calibration,
        f"fitted on {len(items)} held-out original images",
        prevalence_of(table, labels),
        cross_validated(image, maps, table, patients_of(items), labels, calibration).accuracy,
    )


def carried_over(
    new: DevLogits, old: DevLogits, items: Sequence[Loaded], labels: Sequence[str], before: Calibration
) -> Recalibrated:
    """The parent's calibration, moved along with the logits; thresholds of probabilities stay.

    One shift for each finding, by penalised likelihood (a normal prior with standard deviation 1 logit around
    no shift): towards what readers said of the images, and towards the parent's probability of those of which
    nobody spoke. The map's shift is such that of these, as many light as before.

    Args:
        new, old: of both models on the images.
        items: images that were learnt from.
        labels: of the vocabulary.
        before: the parent's calibration.
    """
    table = state_table(items, labels)
    images = image_logits(new, before, labels), image_logits(old, before, labels)
    sigmas = np.array([before.of(label).smoothing for label in labels])
    maps = smoothed_maps(new.patches, sigmas), smoothed_maps(old.patches, sigmas)
    findings = dict(before.findings)
    for k, label in enumerate(labels):
        item = before.of(label)
        is_logit, was_logit = (item.image_scale * part[:, k] + item.image_bias for part in images)
        told = table[:, k]
        wanted = np.where(told < 0, expit(was_logit), (told == 1).astype(np.float64))
        silent = told < 0
        lit = 0.0
        if silent.any():
            now, then = (
                np.quantile(_peaks(part[silent, k], image[silent, k], item), LIT)
                for part, image in zip(maps, images, strict=True)
            )
            lit = float(then - now)
        findings[label] = replace(
            item,
            image_bias=item.image_bias + _shift(is_logit, wanted),
            patch_bias=item.patch_bias + lit,
        )
    shift, lit = (
        float(
            np.median([getattr(findings[label], name) - getattr(before.of(label), name) for label in labels])
        )
        for name in ("image_bias", "patch_bias")
    )
    middle = replace(
        before.default,
        image_bias=before.default.image_bias + shift,
        patch_bias=before.default.patch_bias + lit,
    )
    return Recalibrated(
        replace(before, findings=findings, default=middle),
        f"carried over from the parent and shifted on {len(items)} images that were learnt from",
    )


def _shift(logits: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    """The shift of the greatest posterior probability; the penalised loss is convex."""

    def loss(shift: float) -> float:
        moved = logits + shift
        return float((np.logaddexp(0, moved) - wanted * moved).sum() + shift**2 / (2 * SPREAD**2))

    return float(minimize_scalar(loss, bounds=(-FARTHEST, FARTHEST), method="bounded").x)


def _peaks(
    maps: NDArray[np.float32], image: NDArray[np.float64], item: FindingCalibration
) -> NDArray[np.float64]:
    """[N], the highest patch logit after calibration, but for its bias; maps [N, R, C], -inf in the
    padding."""
    return np.asarray(
        item.patch_scale * maps.reshape(len(maps), -1).max(axis=1) + item.patch_image * image, np.float64
    )
