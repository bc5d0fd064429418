"""The operating point of each finding on held-out images, and how sensitive and specific it is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from patchclip.accuracy import DiagnosticAccuracy
from patchclip.model.calibration import Calibration
from trainer.calibrate.joint import AGREEMENT, Disagreement, disagreement, operating_point
from trainer.data.loaded import Loaded

FOLDS = 5
"""Parts of the patients; also the fewest patients with a finding, and without, for it to be measured."""

Probabilities = NDArray[np.float32]
States = NDArray[np.int8]


def patients_of(items: Sequence[Loaded]) -> list[str]:
    """A name for each image's patient; an image whose patient is unknown stands for one."""
    return [f"{item.sample.patients}/{item.sample.patient or item.sample.path.name}" for item in items]


@dataclass(frozen=True, slots=True)
class Measured:
    """What operating points are worth on images that they were not chosen on.

    Attributes:
        accuracy: label -> sensitivity and specificity.
        disagreement: how often decision and map contradict each other, over those findings.
    """

    accuracy: dict[str, DiagnosticAccuracy]
    disagreement: Disagreement


def cross_validated(
    image: NDArray[np.floating],
    lit: NDArray[np.bool_],
    table: States,
    patients: Sequence[str],
    labels: Sequence[str],
    of: Calibration,
    agreement: float = AGREEMENT,
) -> Measured:
    """Sensitivity and specificity of each finding's operating point, on the images that it was chosen on.

    A threshold looks better on the images that it was chosen on than on others. So each fifth of the patients
    is judged by the threshold that the others would have chosen, and the decisions are counted together. A
    finding that fewer than 5 patients have, or lack, is left out.

    Args:
        image: the image's logits before calibration, [N, K].
        lit: whether each map is lit, [N, K] of `trainer.calibrate.joint.lit_maps`.
        table: int8 [N, K] of `state_table`; "not mentioned" counts as absent.
        patients: of the N images.
        labels: of the K findings.
        of: the calibration of those logits.
        agreement: see `trainer.calibrate.joint.operating_point`.
    """
    measured: dict[str, DiagnosticAccuracy] = {}
    disagreements = Disagreement(0, 0, 0)
    groups = np.array(patients)
    for k, label in enumerate(labels):
        has_state = table[:, k] >= 0
        present, names = table[has_state, k] == 1, groups[has_state]
        if min(len(set(names[present])), len(set(names[~present]))) < FOLDS:
            continue
        values = of.of(label).image_probability(np.asarray(image[has_state, k], np.float32))
        maps, states = lit[has_state, k], present.astype(np.int8)
        called = np.zeros(len(values), np.bool_)
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
        for others, fold in folds.split(values, present, names):
            called[fold] = values[fold] >= operating_point(
                values[others], states[others], maps[others], agreement
            )
        measured[label] = _count(called, present)
        disagreements += disagreement(called, maps)
    return Measured(measured, disagreements)


def at_thresholds(
    image: NDArray[np.floating], table: States, labels: Sequence[str], of: Calibration
) -> dict[str, DiagnosticAccuracy]:
    """The same at the thresholds that a calibration has, on images that they were not chosen on."""
    measured: dict[str, DiagnosticAccuracy] = {}
    for k, label in enumerate(labels):
        has_state = table[:, k] >= 0
        present = table[has_state, k] == 1
        if not present.any() or present.all():
            continue
        item = of.of(label)
        values = item.image_probability(np.asarray(image[has_state, k], np.float32))
        measured[label] = _count(values >= item.image_threshold, present)
    return measured


def _count(called: NDArray[np.bool_], present: NDArray[np.bool_]) -> DiagnosticAccuracy:
    return DiagnosticAccuracy(
        true_positives=int((called & present).sum()),
        present=int(present.sum()),
        true_negatives=int((~called & ~present).sum()),
        absent=int((~present).sum()),
    )


def lines(accuracy: dict[str, DiagnosticAccuracy], of: Calibration) -> list[str]:
    """One for each finding, with its threshold, both shares, their 95 % confidence intervals and n."""
    return [
        f"  {label}: from P {of.of(label).image_threshold:.3f}, "
        + ", ".join(
            f"{name} {share.value:.2f} (95 % CI {share.interval[0]:.2f} to {share.interval[1]:.2f}, "
            f"n = {share.total})"
            for name, share in (("sensitivity", item.sensitivity), ("specificity", item.specificity))
        )
        for label, item in accuracy.items()
    ]
