"""Figures over the folds of a cross-validation: every patient is judged once, by the model that never saw
them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchclip.data.findings import NIH_BOXED
from patchclip.errors import DataError
from patchclip.evaluate.bootstrap import Figure, PatientBootstrap
from patchclip.evaluate.image_metrics import Floats, auroc
from trainer.data.states import absent
from trainer.folds.held_out import HeldOut, Localisation

MIN_IMAGES = 5
"""Images of either kind below which a figure of a finding is not given."""
MEAN, NIH_EIGHT = "mean", "mean of NIH's eight"
TABLES = ("auroc", "auroc_read", "pointing", "patch_auroc", "shortcuts")
"""The fields of `FoldFigures` that hold figures."""
Figures = dict[str, Figure]
"""Finding, or a mean over findings -> figure."""


@dataclass(frozen=True, slots=True)
class FoldFigures:
    """All figures, each with its bootstrap interval by patient.

    Attributes:
        folds, images, patients: how many.
        auroc: cohort -> finding -> AUROC; "not mentioned" counts as absent.
        auroc_read: the same of images that somebody outlined the finding on, against those that it is known
            to be absent from: what labels mined from reports call present or pass over is left out. Of
            cohorts that have such labels.
        pointing: source of the boxes -> finding -> share of the boxed images whose brightest patch lies in a
            box.
        patch_auroc: source of the boxes -> finding -> mean over images of P(a patch under a box is brighter).
        shortcuts: cue -> finding -> AUROC of the finding's score for the cue, among images free of the
            finding; .5 says that the cue does not move it.
    """

    folds: int
    images: int
    patients: int
    auroc: Mapping[str, Figures]
    auroc_read: Mapping[str, Figures]
    pointing: Mapping[str, Figures]
    patch_auroc: Mapping[str, Figures]
    shortcuts: Mapping[str, Figures]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types: figures as {"value", "ci", "n"}."""
        return {"folds": self.folds, "images": self.images, "patients": self.patients} | {
            name: {
                group: {label: figure.to_json() for label, figure in figures.items()}
                for group, figures in getattr(self, name).items()
            }
            for name in TABLES
        }


@dataclass(frozen=True, slots=True)
class _Pool:
    """All folds together; scores are compared within a fold alone, for each model has a scale of its own."""

    labels: tuple[str, ...]
    fold: NDArray[np.int64]
    cohort: NDArray[np.str_]
    view: NDArray[np.str_]
    states: NDArray[np.int8]
    scores: NDArray[np.float64]
    places: tuple[Localisation, ...]
    bootstrap: PatientBootstrap

    @property
    def read(self) -> NDArray[np.bool_]:
        """[N, K], where a finding is outlined, or known to be absent."""
        result: NDArray[np.bool_] = self.states == 0
        for place in self.places:
            result[place.image, self.labels.index(place.label)] = True
        return result

    def auroc(self, images: NDArray[np.int64], truth: NDArray[np.bool_], k: int) -> Figure | None:
        """P(a positive outranks a negative of its own fold); None with too few images of either kind."""
        if min(truth.sum(), (~truth).sum()) < MIN_IMAGES:
            return None
        weights = self.bootstrap.weights(images)
        wins, pairs = np.zeros(len(weights)), np.zeros(len(weights))
        for fold in np.unique(self.fold[images]):
            inside = self.fold[images] == fold
            drawn = weights[:, inside]
            count = (drawn * truth[inside]).sum(axis=1) * (drawn * ~truth[inside]).sum(axis=1)
            area = auroc(self.scores[images[inside], k], truth[inside], drawn)
            wins += np.where(count > 0, np.nan_to_num(area) * count, 0.0)
            pairs += count
        values = np.divide(wins, pairs, out=np.full(len(wins), np.nan), where=pairs > 0)
        return Figure.of(values, len(images))


def fold_figures(folds: Sequence[HeldOut], replicates: int = 1000, seed: int = 0) -> FoldFigures:
    """The figures of some or all folds of one cross-validation.

    Raises:
        DataError: there is none, or they are of different recipes or findings.
    """
    if not folds:
        raise DataError("No fold has been predicted yet; run python -m trainer folds without --report.")
    first = folds[0]
    for fold in folds[1:]:
        if fold.recipe != first.recipe or fold.labels != first.labels:
            raise DataError(
                "The folds are of different recipes or findings; train them again into an empty folder."
            )
    pool = _pool(folds, replicates, seed)
    cohorts = sorted(set(pool.cohort.tolist()))
    return FoldFigures(
        folds=len(folds),
        images=len(pool.fold),
        patients=len({(number, patient) for number, fold in enumerate(folds) for patient in fold.patients}),
        auroc={cohort: _aurocs(pool, pool.cohort == cohort, pool.states >= 0) for cohort in cohorts},
        auroc_read={
            cohort: figures
            for cohort in cohorts
            if (pool.states[pool.cohort == cohort] == 2).any()
            and (figures := _aurocs(pool, pool.cohort == cohort, pool.read))
        },
        pointing=_localisation(pool, [float(place.hit) for place in pool.places]),
        patch_auroc=_localisation(
            pool, [np.nan if place.patch_auroc is None else place.patch_auroc for place in pool.places]
        ),
        shortcuts=_shortcuts(pool, cohorts),
    )


def differences(new: Sequence[HeldOut], old: Sequence[HeldOut], replicates: int = 1000) -> FoldFigures:
    """Figures of one model less those of another on the same images, drawn together: their intervals say
    whether the two can be told apart by these patients, which the two models' own intervals do not.

    Raises:
        DataError: they were judged on other images, or there is none.
    """
    if len(new) != len(old) or any(
        one.patients != other.patients
        or one.cohorts != other.cohorts
        or one.labels != other.labels
        or not np.array_equal(one.states, other.states)
        for one, other in zip(new, old, strict=False)
    ):
        raise DataError(
            "The two were judged on other images; train both on the same data, by the same folds."
        )
    mine, theirs = fold_figures(new, replicates), fold_figures(old, replicates)

    def less(name: str) -> dict[str, Figures]:
        table, other = getattr(mine, name), getattr(theirs, name)
        return {
            group: {
                label: Figure.of(figure.replicates - other[group][label].replicates, figure.n)
                for label, figure in figures.items()
            }
            for group, figures in table.items()
        }

    return replace(
        mine,
        auroc=less("auroc"),
        auroc_read=less("auroc_read"),
        pointing=less("pointing"),
        patch_auroc=less("patch_auroc"),
        shortcuts=less("shortcuts"),
    )


def _pool(folds: Sequence[HeldOut], replicates: int, seed: int) -> _Pool:
    starts = np.cumsum([0, *(len(fold.patients) for fold in folds)])
    patients = [f"{number}/{patient}" for number, fold in enumerate(folds) for patient in fold.patients]
    places = tuple(
        Localisation(int(start) + place.image, place.label, place.source, place.hit, place.patch_auroc)
        for start, fold in zip(starts, folds, strict=False)
        for place in fold.localisations
    )
    return _Pool(
        folds[0].labels,
        np.repeat(np.arange(len(folds)), [len(fold.patients) for fold in folds]),
        np.array([cohort for fold in folds for cohort in fold.cohorts]),
        np.array([view for fold in folds for view in fold.views]),
        np.concatenate([fold.states for fold in folds]),
        np.concatenate([fold.scores for fold in folds]).astype(np.float64),
        places,
        PatientBootstrap(patients, replicates, seed),
    )


def _aurocs(pool: _Pool, chosen: NDArray[np.bool_], known: NDArray[np.bool_]) -> Figures:
    """Of the chosen images [N], by what is known [N, K] of them."""
    figures: Figures = {}
    for k, label in enumerate(pool.labels):
        images = np.flatnonzero(chosen & known[:, k])
        figure = pool.auroc(images, pool.states[images, k] == 1, k)
        if figure is not None:
            figures[label] = figure
    return figures | _means(figures)


def _localisation(pool: _Pool, values: Sequence[float]) -> dict[str, Figures]:
    """Source -> finding -> mean over its boxed images of one value per `pool.places`."""
    groups: dict[str, dict[str, list[int]]] = {}
    for number, place in enumerate(pool.places):
        groups.setdefault(place.source, {}).setdefault(place.label, []).append(number)
    tables: dict[str, Figures] = {}
    for source, findings in sorted(groups.items()):
        figures: Figures = {}
        for label, numbers in sorted(findings.items()):
            if len(numbers) < MIN_IMAGES:
                continue
            images = np.array([pool.places[number].image for number in numbers])
            figures[label] = pool.bootstrap.mean(images, np.array([values[number] for number in numbers]))
        tables[source] = figures | _means(figures)
    return tables


def _shortcuts(pool: _Pool, cohorts: Sequence[str]) -> dict[str, Figures]:
    """Whether a finding's score tells a cohort from the others, or, within one, a view from the other."""
    everything = np.ones(len(pool.fold), np.bool_)
    seen = (pool.view == "AP") | (pool.view == "PA")
    cues = {f"is of {cohort}": (everything, pool.cohort == cohort) for cohort in cohorts[1:]}
    cues |= {
        f"view AP rather than PA, {cohort}": (seen & (pool.cohort == cohort), pool.view == "AP")
        for cohort in cohorts
    }
    tables: dict[str, Figures] = {}
    for cue, (known, marked) in cues.items():
        figures: Figures = {}
        for k, label in enumerate(pool.labels):
            images = np.flatnonzero(absent(pool.states[:, k]) & known)
            figure = pool.auroc(images, marked[images], k)
            if figure is not None:
                figures[label] = figure
        if figures:
            tables[cue] = figures
    return tables


def _means(figures: Figures) -> Figures:
    """Means over all findings, and over the eight of which NIH has boxes, where all of these are there."""
    means = {MEAN: _mean_of(figures.values())} if figures else {}
    if set(NIH_BOXED) <= figures.keys():
        means[NIH_EIGHT] = _mean_of(figures[label] for label in NIH_BOXED)
    return means


def _mean_of(figures: Iterable[Figure]) -> Figure:
    """Of replicates that were drawn together; one in which a finding is undefined is the mean of the
    others."""
    chosen = list(figures)
    rows: Floats = np.stack([figure.replicates for figure in chosen], axis=1)
    defined = np.isfinite(rows)
    sums = np.where(defined, rows, 0.0).sum(axis=1)
    values = np.divide(sums, defined.sum(axis=1), out=np.full(len(rows), np.nan), where=defined.any(axis=1))
    return Figure.of(values, max(figure.n for figure in chosen))
