"""Calibration and operating points, fitted on held-out training patients and written into a checkpoint."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from patchclip.data.normal import free_of_all
from patchclip.errors import DataError
from patchclip.model.branches import Branch
from patchclip.model.calibration import Calibration, FindingCalibration
from patchclip.model.sources import Sources
from patchclip.operating_threshold import OPERATING_THRESHOLD
from trainer.batches.targets import NEGATIVE, POSITIVE
from trainer.calibrate.joint import lit_maps, operating_point
from trainer.calibrate.reference import reference_states
from trainer.calibrate.regions import choose, outline_widths, outlined_targets
from trainer.calibrate.sources import fit_sources
from trainer.config import LossConfig
from trainer.data.checks import check_held_out
from trainer.data.loaded import Loaded
from trainer.data.states import state_table
from trainer.fit.validation import DevLogits, mean_auroc

QUANTILES = 16  # so many evenly spaced quantiles stand for the scores of a set of patches, small or large


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Choices of calibration that are not fitted."""

    normals_lit: float = 0.1
    """Share of finding-free held-out images on which one finding's map may reach 0.5."""
    smoothing: float | None = None
    """Standard deviation of the Gaussian over patch logits, as a share of the typical width of a finding's
    outlines; None chooses among `trainer.calibrate.regions.SMOOTHINGS`."""
    min_patches: float = 0.5
    """Smallest region, in patches."""
    mirror: bool = False
    """Whether images are encoded together with their mirror images, as the logits were."""


def trained_branches(loss: LossConfig) -> tuple[Branch, ...]:
    """The image-level branches that a recipe trains; only those may answer."""
    weights = {Branch.GLOBAL: loss.global_, Branch.POOLED: loss.pooled, Branch.MIL: loss.mil}
    return tuple(branch for branch, weight in weights.items() if weight > 0)


def best_branches(
    image: dict[Branch, NDArray[np.float32]], table: NDArray[np.int8], trained: tuple[Branch, ...]
) -> tuple[Branch, ...]:
    """The trained branches whose mean logit ranks the held-out images best: highest mean AUROC over the
    findings that have one.

    image: branch -> [N, K]; table: states [N, K]; of equals the most branches, for a mean over more of them
    is the steadier.
    """
    choices = [
        chosen for size in range(len(trained), 0, -1) for chosen in itertools.combinations(trained, size)
    ]
    return max(
        choices, key=lambda chosen: mean_auroc(np.mean([image[name] for name in chosen], axis=0), table)
    )


def fit_calibration(
    logits: DevLogits,
    items: Sequence[Loaded],
    labels: Sequence[str],
    branches: tuple[Branch, ...],
    point: OperatingPoint,
    outlined: Sequence[Loaded] = (),
    sources: Sources | None = None,
) -> Calibration:
    """Fits everything, on held-out images `items`; `outlined`, of any images, tell with them how large
    findings are.

    Branches: see `best_branches`. Sources: see `trainer.calibrate.sources`; `sources`, if any, are kept where
    the held-out images are all of one. Image: one slope shared by all findings and one bias each, by logistic
    regression on the states (Platt 1999; "not mentioned" counts as absent, as in the labels' own use) of the
    cohort that `trainer.calibrate.reference` names. Patch:
    smoothing and the image logit's share are those under which the brightest regions are most often right,
    see `trainer.calibrate.regions`; the slope comes from logistic regression on outlined and finding-free
    patches; then each finding's bias is set so that `point.normals_lit` of the finding-free images have a
    patch at the operating threshold or above. Last, the image's operating points are chosen so that decision
    and map agree, see `trainer.calibrate.joint`.

    Raises:
        DataError: there are no held-out images, none with a finding, or too few that are free of all.
    """
    if not items:
        raise DataError("No held-out images to calibrate on; set data.dev_fraction above 0.")
    table = state_table(items, labels)
    check_held_out(table)
    branches = best_branches(logits.image, table, branches)
    image = np.mean([logits.image[name] for name in branches], axis=0)
    cohorts = [item.sample.patients for item in items]
    sources = fit_sources(image, table, cohorts, labels) or sources
    image = sources.corrected(image, labels) if sources else image
    reference = reference_states(table, cohorts)
    scale, biases = _image_fit(image, reference)
    normal = free_of_all(table)
    widths = outline_widths([*items, *outlined], labels, logits.patches.shape[-1])
    sigmas, share, smoothed = choose(logits.patches, image, items, labels, normal, widths, point.smoothing)
    scores = smoothed + share * image[:, :, None, None]
    patch_scale = _patch_fit(scores, items, labels, table)
    peaks = patch_scale * scores.reshape(*scores.shape[:2], -1).max(axis=2)
    findings: dict[str, FindingCalibration] = {}
    for k, label in enumerate(labels):
        peak = np.quantile(peaks[normal, k], 1 - point.normals_lit)
        findings[label] = FindingCalibration(
            image_scale=scale,
            image_bias=biases[k],
            patch_scale=patch_scale,
            patch_image=patch_scale * share,
            patch_bias=float(logit(OPERATING_THRESHOLD) - peak),
            smoothing=float(sigmas[k]),
        )
    lit = lit_maps(logits.patches, image, labels, Calibration(findings, FindingCalibration()))
    for k, label in enumerate(labels):
        probabilities = findings[label].image_probability(image[:, k])
        threshold = operating_point(probabilities, reference[:, k], lit[:, k])
        findings[label] = replace(findings[label], image_threshold=threshold)
    overlap = _overlap_thresholds(smoothed, image, findings, items, labels)
    findings = {label: replace(item, overlap_threshold=overlap[label]) for label, item in findings.items()}
    middle = FindingCalibration(
        image_scale=scale,
        image_bias=float(np.median(biases)),
        patch_scale=patch_scale,
        patch_image=patch_scale * share,
        patch_bias=float(np.median([item.patch_bias for item in findings.values()])),
        image_threshold=float(np.median([item.image_threshold for item in findings.values()])),
        overlap_threshold=float(np.median(list(overlap.values()))),
        smoothing=float(np.median(sigmas)),
    )
    return Calibration(findings, middle, branches, point.min_patches, point.mirror, sources)


def _image_fit(image: NDArray[np.float32], table: NDArray[np.int8]) -> tuple[float, list[float]]:
    """Shared slope, one bias per finding; biases are drawn gently towards each other where a finding has few
    cases."""
    rows, columns = np.nonzero(table >= 0)
    design = np.zeros((len(rows), 1 + table.shape[1]))
    design[:, 0] = image[rows, columns]
    design[np.arange(len(rows)), 1 + columns] = 1.0
    fitted = LogisticRegression(C=10.0, max_iter=500).fit(design, table[rows, columns] == 1)
    weights = fitted.coef_[0]
    return max(float(weights[0]), 1e-3), [
        float(weights[1 + k] + fitted.intercept_[0]) for k in range(table.shape[1])
    ]


def _patch_fit(
    scores: NDArray[np.float32], items: Sequence[Loaded], labels: Sequence[str], table: NDArray[np.int8]
) -> float:
    """Slope of the scores, from the patches inside and outside outlines and those of finding-free images.

    An outlined image weighs as much inside its outlines as outside, and finding-free images as much as all
    outlined ones together.
    """
    wanted = outlined_targets(items, labels, *scores.shape[-2:])
    features: list[NDArray[np.float64]] = []
    targets: list[int] = []
    outlined: list[bool] = []
    for n, k in np.ndindex(*scores.shape[:2]):
        inside = np.isfinite(scores[n, k])
        sets = (
            [(POSITIVE, (wanted[n, k] == POSITIVE) & inside), (NEGATIVE, (wanted[n, k] == NEGATIVE) & inside)]
            if (n, k) in wanted
            else [(NEGATIVE, inside)]
            if table[n, k] == 0
            else []
        )
        for target, chosen in sets:
            if chosen.any():
                features.append(np.quantile(scores[n, k][chosen], np.linspace(0, 1, QUANTILES)))
                targets.append(int(target == POSITIVE))
                outlined.append((n, k) in wanted)
    if len(set(targets)) < 2:
        return 1.0
    part = np.array(outlined)
    weights = np.where(part, 1.0, part.sum() / max(1, (~part).sum())).repeat(QUANTILES)
    fitted = LogisticRegression(C=10.0, max_iter=500).fit(
        np.concatenate(features)[:, None], np.repeat(targets, QUANTILES), sample_weight=weights
    )
    return max(float(fitted.coef_[0, 0]), 0.1)


def _overlap_thresholds(
    smoothed: NDArray[np.float32],
    image: NDArray[np.float32],
    findings: dict[str, FindingCalibration],
    items: Sequence[Loaded],
    labels: Sequence[str],
) -> dict[str, float]:
    """For each finding the map value with the best mean IoU, patch by patch, on its outlined images; all
    findings' own best where it has fewer than five."""
    cuts = np.concatenate([np.geomspace(0.002, 0.1, 15), np.linspace(0.125, 0.95, 34)])
    overlaps: dict[str, list[NDArray[np.float64]]] = {}
    for (n, k), targets in outlined_targets(items, labels, *smoothed.shape[-2:]).items():
        values = findings[labels[k]].patch_probability(smoothed[n, k], float(image[n, k]))
        lit, wanted = values[None] >= cuts[:, None, None], targets == POSITIVE
        shared = (lit & wanted).sum(axis=(1, 2))
        overlaps.setdefault(labels[k], []).append(shared / (lit | wanted).sum(axis=(1, 2)))
    everything = [row for rows in overlaps.values() for row in rows]
    common = float(cuts[int(np.mean(everything, axis=0).argmax())]) if everything else 0.5
    return {
        label: float(cuts[int(np.mean(overlaps[label], axis=0).argmax())])
        if len(overlaps.get(label, [])) >= 5
        else common
        for label in labels
    }
