"""Calibration to a site: some of its own labelled images say how probabilities lie there; and how well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from patchclip.errors import DataError
from patchclip.evaluate.image_metrics import expected_calibration_error
from patchclip.model.calibration import Calibration
from patchclip.model.prevalence import Prevalence, at_prevalence, shifted
from trainer.fit.validation import DevLogits

SPREAD = 1.0
"""Standard deviation, in logits, of how far a finding's shift is expected to lie from the common one."""
FEWEST = 20
"""Labelled images below which nothing is fitted."""
FEWEST_EACH = 10
"""Images with a finding, and without, below which its error is not measured."""

Scores = NDArray[np.float64]
States = NDArray[np.int8]


def prevalence_of(table: States, labels: Sequence[str]) -> dict[str, Prevalence]:
    """How often each finding is present among the images of which it is known, if it is of any.

    table: int8 [N, K] of `state_table`; "not mentioned" counts as absent, as it does in calibration.
    """
    return {
        label: Prevalence(int((table[:, k] == 1).sum()), int((table[:, k] >= 0).sum()))
        for k, label in enumerate(labels)
        if (table[:, k] >= 0).any()
    }


def image_logits(logits: DevLogits, calibration: Calibration, labels: Sequence[str]) -> Scores:
    """The image's logit of each finding before calibration, less what its source adds, float64 [N, K].

    labels: of the K columns.
    """
    mean = np.mean([logits.image[branch] for branch in calibration.branches], axis=0)
    sources = calibration.sources
    return np.asarray(sources.corrected(mean, labels) if sources else mean, np.float64)


def site_calibration(
    image: Scores, table: States, labels: Sequence[str], calibration: Calibration
) -> Calibration:
    """The calibration with every image probability moved to where a site's labelled images put it.

    One shift in logits for all findings and one more for each, which is drawn to 0 as a normal variable with
    standard deviation `SPREAD`; the slopes stay, for some hundred images do not tell them. Thresholds move
    along, which keeps sensitivity and specificity, and maps stay as they are.

    Args:
        image: of `image_logits`.
        table: int8 [N, K] of `state_table`.
        labels: of the K columns.
        calibration: the checkpoint's.

    Raises:
        DataError: there are fewer than 20 images.
    """
    if len(image) < FEWEST:
        raise DataError(f"{len(image)} labelled images tell too little; give {FEWEST} at least, better 100.")
    seen = table >= 0
    shifts = _shifts(_logits(image, labels, calibration), table == 1, seen)
    findings = dict(calibration.findings)
    for k, label in enumerate(labels):
        if seen[:, k].any():
            findings[label] = shifted(findings[label], float(shifts[k]))
    return replace(calibration, findings=findings)


def _shifts(logits: Scores, present: NDArray[np.bool_], seen: NDArray[np.bool_]) -> Scores:
    """[K], by the greatest posterior probability; the penalised likelihood is convex."""
    signs = np.where(present, 1.0, -1.0)

    def loss(parameters: Scores) -> tuple[float, Scores]:
        common, own = parameters[0], parameters[1:]
        margin = signs * (logits + common + own)
        value = np.logaddexp(0, -margin)[seen].sum() + (own**2).sum() / (2 * SPREAD**2)
        pull = np.where(seen, -signs * expit(-margin), 0.0).sum(axis=0)
        return float(value), np.concatenate([[pull.sum()], pull + own / SPREAD**2])

    fitted = minimize(loss, np.zeros(1 + logits.shape[1]), jac=True, method="L-BFGS-B")
    return np.asarray(fitted.x[0] + fitted.x[1:], np.float64)


def _logits(image: Scores, labels: Sequence[str], calibration: Calibration) -> Scores:
    """Of the calibrated probabilities, [N, K]."""
    items = [calibration.of(label) for label in labels]
    return np.stack(
        [item.image_scale * image[:, k] + item.image_bias for k, item in enumerate(items)], axis=1
    )


@dataclass(frozen=True, slots=True)
class SiteErrors:
    """Expected calibration errors of one finding at a site, over draws of some of its images to calibrate on.

    Attributes:
        images: on which each error is measured, those that were not drawn and have a known state.
        present: of these, on average.
        as_it_is, at_prior, calibrated: error of each draw, [D]: of the checkpoint as it is, at the prevalence
            of the drawn images, and calibrated on the drawn images.
    """

    images: int
    present: float
    as_it_is: Scores
    at_prior: Scores
    calibrated: Scores


def site_errors(
    image: Scores,
    table: States,
    labels: Sequence[str],
    calibration: Calibration,
    fitted: Mapping[str, Prevalence],
    drawn: int,
    draws: int,
    seed: int = 0,
) -> dict[str, SiteErrors]:
    """How well a site's own images calibrate, for each finding with enough images of either kind.

    Args:
        image: of `image_logits`, float64 [N, K].
        table: int8 [N, K] of `state_table`.
        labels: of the K columns.
        calibration: the checkpoint's.
        fitted: the checkpoint's prevalence.
        drawn: images to calibrate on, at random; the others are measured on.
        draws: how many times.
        seed: of the draws.

    Raises:
        DataError: there are not as many images left to measure on as are drawn.
    """
    if len(image) < 2 * drawn:
        raise DataError(f"There are {len(image)} images; to draw {drawn}, give {2 * drawn} at least.")
    rng = np.random.default_rng(seed)
    errors: dict[str, list[list[float]]] = {}
    sizes: dict[str, list[tuple[int, int]]] = {}
    for _ in range(draws):
        order = rng.permutation(len(image))
        own, rest = order[:drawn], order[drawn:]
        counts = prevalence_of(table[own], labels)
        wanted = {label: item.share for label, item in counts.items() if label in fitted}
        versions = (
            calibration,
            at_prevalence(calibration, fitted, wanted),
            site_calibration(image[own], table[own], labels, calibration),
        )
        for k, label in enumerate(labels):
            known = rest[table[rest, k] >= 0]
            truth = table[known, k] == 1
            if min(truth.sum(), (~truth).sum()) < FEWEST_EACH:
                continue
            errors.setdefault(label, []).append(
                [_error(version.of(label).image_probability(image[known, k]), truth) for version in versions]
            )
            sizes.setdefault(label, []).append((len(truth), int(truth.sum())))
    measured: dict[str, SiteErrors] = {}
    for label, rows in errors.items():
        images, present = np.mean(sizes[label], axis=0)
        as_it_is, at_prior, calibrated = np.array(rows).T
        measured[label] = SiteErrors(round(float(images)), float(present), as_it_is, at_prior, calibrated)
    return measured


def _error(probabilities: NDArray[np.floating[Any]], truth: NDArray[np.bool_]) -> float:
    weights = np.ones((1, len(truth)))
    return float(expected_calibration_error(np.asarray(probabilities, np.float64), truth, weights)[0])
