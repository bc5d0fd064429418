"""What resembling a training source adds to each finding's logit: fitted on held-out images, and measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from patchclip.model.sources import Sources
from patchclip.types import FloatArray
from trainer.data.states import absent

FEWEST = 50
"""Images below which a source is not told from others."""
FEWEST_FREE = 30
"""Images free of a finding, of a source, below which the source does not move it."""
STRENGTH = 1.0
"""C of the logistic regression that tells sources apart; logits are standardised for it."""
TEMPER = 2 / 3
"""Of its logits: shares of images that it was fitted on are otherwise 0 or 1, and those of a hospital that it
never saw with them."""
PARTS = 5
"""Parts of the patients, each judged by what the others say."""

States = NDArray[np.int8]
Shortcuts = dict[str, tuple[float, float]]


def fit_sources(
    image: FloatArray, table: States, cohorts: Sequence[str], labels: Sequence[str]
) -> Sources | None:
    """Shares and shifts under which a finding's logit, among images free of it, is the same in all sources.

    A multinomial logistic regression on all findings' logits, every source weighing alike, tells the sources.
    The shifts of a finding solve: median logit of a source's images without the finding, less the mean of
    what their shares subtract, is one number for all sources; of mean 0 over the sources, so that an image
    between them is hardly moved. The view is no source: patients who cannot stand are ill in fact.

    Args:
        image: the image's logits before calibration, float32 [N, K].
        table: int8 [N, K] of `state_table`; "not mentioned" counts as absent.
        cohorts: [N], whose patient each image is of: the sources.
        labels: of the K findings.

    Returns:
        None where fewer than two sources have 50 images.
    """
    names, counts = np.unique(np.array(cohorts), return_counts=True)
    names = names[counts >= FEWEST]
    told = np.isin(np.array(cohorts), names)
    if len(names) < 2:
        return None
    logits, states = np.asarray(image, np.float64)[told], table[told]
    number = np.searchsorted(names, np.array(cohorts)[told])
    mean, spread = logits.mean(axis=0), np.maximum(logits.std(axis=0), 1e-6)
    regression = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=2000)
    regression.fit((logits - mean) / spread, number)
    weights, biases = regression.coef_, regression.intercept_
    if len(names) == 2:  # scikit-learn gives the second's log odds alone
        weights, biases = np.concatenate([-weights, weights]) / 2, np.concatenate([-biases, biases]) / 2
    weights = TEMPER * weights / spread
    biases = TEMPER * biases - weights @ mean
    shares = softmax(logits @ weights.T + biases, axis=1)
    shifts: dict[str, tuple[float, ...]] = {}
    for k, label in enumerate(labels):
        free = absent(states[:, k])
        groups = [free & (number == c) for c in range(len(names))]
        known = [c for c, group in enumerate(groups) if group.sum() >= FEWEST_FREE]
        if len(known) >= 2:
            shifts[label] = _shifts(logits[:, k], shares, groups, known)
    return Sources(
        tuple(map(str, names)),
        tuple(labels),
        tuple(tuple(map(float, row)) for row in weights),
        tuple(map(float, biases)),
        shifts,
    )


def _shifts(
    logits: NDArray[np.float64],
    shares: NDArray[np.float64],
    groups: Sequence[NDArray[np.bool_]],
    known: Sequence[int],
) -> tuple[float, ...]:
    """Of one finding, [C]; a source with too few images without the finding has 0.

    groups: bool [N] of each source, its images without the finding; known: the sources that have enough.
    """
    size = len(known)
    equations = np.zeros((size + 1, size + 1))
    wanted = np.zeros(size + 1)
    for row, c in enumerate(known):
        equations[row, :size] = shares[groups[c]][:, known].mean(axis=0)
        equations[row, size] = 1.0
        wanted[row] = np.median(logits[groups[c]])
    equations[size, :size] = 1.0
    solved = np.linalg.lstsq(equations, wanted, rcond=None)[0]
    shifts = np.zeros(len(groups))
    shifts[known] = solved[:size]
    return tuple(map(float, shifts))


def cross_fitted(
    image: FloatArray,
    table: States,
    cohorts: Sequence[str],
    patients: Sequence[str],
    labels: Sequence[str],
) -> FloatArray | None:
    """Corrected logits, those of each fifth of the patients by what the others say, float32 [N, K].

    Returns:
        None where four fifths of the patients have fewer than two sources of 50 images.
    """
    corrected = np.array(image, np.float32)
    parts = StratifiedGroupKFold(PARTS, shuffle=True, random_state=0)
    for others, part in parts.split(image, np.array(cohorts), np.array(patients)):
        sources = fit_sources(image[others], table[others], [cohorts[n] for n in others], labels)
        if sources is None:
            return None
        corrected[part] = sources.corrected(image[part], labels)
    return corrected


def shortcuts(
    image: FloatArray,
    corrected: FloatArray,
    table: States,
    cohorts: Sequence[str],
    labels: Sequence[str],
    names: Sequence[str],
) -> Mapping[str, Shortcuts]:
    """Source -> finding -> how well the logit tells the source, among images free of the finding: AUROC
    before and after.

    Sources but the first of `names`; findings with 30 such images of the source and of the others.
    """
    found: dict[str, Shortcuts] = {}
    for name in names[1:]:
        marked = np.array(cohorts) == name
        for k, label in enumerate(labels):
            free = absent(table[:, k])
            if min((free & marked).sum(), (free & ~marked).sum()) >= FEWEST_FREE:
                found.setdefault(name, {})[label] = (
                    float(roc_auc_score(marked[free], image[free, k])),
                    float(roc_auc_score(marked[free], corrected[free, k])),
                )
    return found


def lines(found: Mapping[str, Shortcuts]) -> list[str]:
    """For a report."""
    return [
        f"  {label} tells {name}: AUROC {before:.2f}, corrected {after:.2f}"
        for name, rows in found.items()
        for label, (before, after) in rows.items()
    ]
