"""ROC curves of readers, and AFROC curves of their boxes.

AFROC: the free-response analysis of a reader's boxes, each rated as its reading is (`Mark.score`). Of normal
cases the highest-rated box counts, of diseased ones each box of the truth, with the highest rating of a box
whose centre lies in it; a case or a true box without a mark is rated below all marks. The area is the chance
that a true box is rated above a normal case, ties for a half. In the weighted curve (wAFROC) every diseased
case counts the same, however many true boxes it has. Chakraborty & Zhai, Medical Physics 2016, 43(5), 2548;
both with the straight line from the last point to (1, 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.insights.agreement import case_bootstrap, ratio
from app.insights.opinions import Opinions, Readings
from app.insights.overlap import hits
from app.study.data import CaseTruth, Mark
from patchclip.evaluate.bootstrap import Figure
from patchclip.evaluate.image_metrics import Floats, auroc

UNMARKED = -1.0
"""Below every rating."""


@dataclass(frozen=True, slots=True)
class Point:
    """Of a curve: both axes in [0, 1], and the rating from which a case or box is called positive.

    Attributes:
        cases: those rated just so, to which the point leads.
    """

    x: float
    y: float
    rating: float
    cases: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """Of one reader, finding and condition.

    Attributes:
        kind: "ROC", "AFROC" or "wAFROC".
        area: in [0, 1]; interval over cases like these.
        points: from (0, 0) on; of an AFROC the line to (1, 1) is left to be drawn.
        present, absent: cases with and without the finding that it stands on.
    """

    kind: str
    finding: str
    condition: str
    reader: str
    area: Figure
    points: tuple[Point, ...]
    present: int
    absent: int


@dataclass(frozen=True, slots=True)
class Rated:
    """Normal cases and true boxes with their ratings, for an AFROC.

    Attributes:
        normal: [K] highest rating on each normal case.
        lesion: [L] rating of each true box.
        weight: [L] what a true box counts; they sum to the number of diseased cases in a wAFROC.
        normal_place, lesion_place: [K] and [L] place of the case among all cases.
    """

    normal: Floats
    lesion: Floats
    weight: Floats
    normal_place: NDArray[np.int64]
    lesion_place: NDArray[np.int64]


def roc(readings: Readings, opinions: Opinions, reader: str) -> Curve | None:
    """One reader's ROC curve; None where the truth of two cases, one of each kind, is not there."""
    cases, present = readings.truth(opinions.finding, _read_by(opinions, reader))
    if not present.any() or present.all():
        return None
    scores = np.array([mark.score for mark in opinions.of_reader(reader, cases)])
    area = case_bootstrap(cases).figure(
        np.arange(len(cases)), lambda weights: auroc(scores, present, weights)
    )
    from sklearn.metrics import roc_curve  # a second of a start that may never draw a curve

    x, y, ratings = roc_curve(present, scores, drop_intermediate=False)
    points = tuple(
        Point(float(a), float(b), float(rating), _rated(cases, scores, rating))
        for a, b, rating in zip(x, y, ratings, strict=True)
    )
    return Curve(
        "ROC",
        opinions.finding,
        opinions.condition,
        reader,
        area,
        points,
        int(present.sum()),
        int((~present).sum()),
    )


def afroc(readings: Readings, opinions: Opinions, reader: str, *, weighted: bool) -> Curve | None:
    """One reader's AFROC, or wAFROC; None where no true box, or no normal case, was read.

    Diseased cases whose truth has no box are left out: where their disease lies is not said.
    """
    truths = [
        readings.truths[case, opinions.finding]
        for case in _read_by(opinions, reader)
        if (case, opinions.finding) in readings.truths
    ]
    truths = [truth for truth in truths if truth.boxes or not truth.present]
    cases = tuple(truth.case for truth in truths)
    rated = rate(truths, opinions.of_reader(reader, cases), weighted=weighted)
    if not len(rated.normal) or not len(rated.lesion):
        return None
    area = case_bootstrap(cases).figure(np.arange(len(cases)), lambda weights: afroc_area(rated, weights))
    return Curve(
        "wAFROC" if weighted else "AFROC",
        opinions.finding,
        opinions.condition,
        reader,
        area,
        _afroc_points(rated, cases),
        sum(truth.present for truth in truths),
        len(rated.normal),
    )


def rate(truths: Sequence[CaseTruth], marks: Sequence[Mark], *, weighted: bool) -> Rated:
    """Ratings of normal cases and true boxes, from one mark for each truth, in its order."""
    normal, lesion, weight = [], [], []
    normal_place, lesion_place = [], []
    for place, (truth, mark) in enumerate(zip(truths, marks, strict=True)):
        if not truth.present:
            normal.append(mark.score if mark.boxes else UNMARKED)
            normal_place.append(place)
            continue
        for lesion_box in truth.boxes:
            hit = any(hits(box, lesion_box) for box in mark.boxes)
            lesion.append(mark.score if hit else UNMARKED)
            weight.append(1 / len(truth.boxes) if weighted else 1.0)
            lesion_place.append(place)
    return Rated(
        np.array(normal, np.float64),
        np.array(lesion, np.float64),
        np.array(weight, np.float64),
        np.array(normal_place, np.int64),
        np.array(lesion_place, np.int64),
    )


def afroc_area(rated: Rated, weights: Floats) -> Floats:
    """weights [B, N] over cases -> area [B]; NaN where no normal case or no true box is drawn."""
    above = rated.lesion[:, None] > rated.normal[None, :]
    wins = above + 0.5 * (rated.lesion[:, None] == rated.normal[None, :])
    of_lesions = weights[:, rated.lesion_place] * rated.weight
    of_normals = weights[:, rated.normal_place]
    total = of_lesions.sum(axis=1) * of_normals.sum(axis=1)
    won = ((of_lesions @ wins) * of_normals).sum(axis=1)
    return ratio(won, total)


def _afroc_points(rated: Rated, cases: Sequence[int]) -> tuple[Point, ...]:
    points = [Point(0.0, 0.0, float("inf"), ())]
    ratings = np.concatenate([rated.normal, rated.lesion])
    places = np.concatenate([rated.normal_place, rated.lesion_place])
    for rating in sorted(set(ratings[ratings > UNMARKED].tolist()), reverse=True):
        found = rated.weight[rated.lesion >= rating].sum() / rated.weight.sum()
        alarms = float((rated.normal >= rating).mean())
        just_so = sorted({cases[place] for place in places[ratings == rating]})
        points.append(Point(alarms, float(found), float(rating), tuple(just_so)))
    return tuple(points)


def _read_by(opinions: Opinions, reader: str) -> tuple[int, ...]:
    return tuple(case for case in opinions.cases if (reader, case) in opinions.marks)


def _rated(cases: Sequence[int], scores: Floats, rating: float) -> tuple[int, ...]:
    return tuple(case for case, score in zip(cases, scores, strict=True) if score == rating)
