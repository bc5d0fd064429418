"""What two readers are to say of six films, drawn beforehand, and what follows from it, by plain loops,
statsmodels and scikit-learn: nothing here is computed as the product computes it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from sklearn.metrics import roc_auc_score
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa, fleiss_kappa

CASES = 6
READERS = ("anna", "ben")
FINDINGS = ("Effusion", "Cardiomegaly")
OPINIONS = ("first", "second")
PRESENCES = ("present", "absent", "unsure")
VERDICTS = ("correct", "partly", "wrong")
SURE = 100  # where no confidence is given

Key = tuple[int, str, str]
"""(case, finding, opinion)."""


@dataclass(frozen=True)
class Opinion:
    """What a reader is to say of a finding; `verdicts` of map A and map B."""

    presence: str
    confidence: int | None = None
    verdicts: tuple[str, str] | None = None

    @property
    def score(self) -> float:
        """0 surely absent to 100 surely present, as the README has it."""
        half = (SURE if self.confidence is None else self.confidence) / 2
        return {"present": 50 + half, "absent": 50 - half, "unsure": 50}[self.presence]


def plan_of(reader: str) -> dict[Key, Opinion]:
    """What that reader says: of every kind."""
    draw = random.Random(reader)
    said: dict[Key, Opinion] = {}
    for case in range(1, CASES + 1):
        for finding in FINDINGS:
            presence = draw.choice(PRESENCES)
            confidence = draw.choice((None, 50, 60, 70, 80)) if presence != "unsure" else None
            first = Opinion(presence, confidence)
            said[case, finding, "first"] = first
            verdicts = (draw.choice(VERDICTS), draw.choice(VERDICTS))
            if draw.random() < 0.5 or presence == "unsure":
                first = Opinion("absent" if presence == "present" else "present", 60)
            said[case, finding, "second"] = replace(first, verdicts=verdicts)
    return said


PLANS: Mapping[str, Mapping[Key, Opinion]] = {reader: plan_of(reader) for reader in READERS}


def boxed(reader: str) -> tuple[int, str]:
    """(case, finding) on which that reader draws a box: one that they call present to the end."""
    return next(
        (case, finding)
        for case, finding, opinion in PLANS[reader]
        if all(PLANS[reader][case, finding, opinion].presence == "present" for opinion in OPINIONS)
    )


def disputed() -> set[tuple[int, str]]:
    """(case, finding) of which the readers' last opinions differ."""
    anna, ben = (PLANS[reader] for reader in READERS)
    return {
        (case, finding)
        for case, finding, opinion in anna
        if opinion == "second"
        and anna[case, finding, opinion].presence != ben[case, finding, opinion].presence
    }


def ratings(finding: str, opinion: str) -> np.ndarray:
    """int [CASES, READERS]: which of `PRESENCES` each reader says."""
    return np.array(
        [
            [PRESENCES.index(PLANS[reader][case, finding, opinion].presence) for reader in READERS]
            for case in range(1, CASES + 1)
        ]
    )


def cohen(finding: str, opinion: str) -> float:
    """Cohen's kappa of the two readers, by statsmodels."""
    joint = np.zeros((3, 3))
    for one, other in ratings(finding, opinion):
        joint[one, other] += 1
    return float(cohens_kappa(joint, return_results=False))


def fleiss(finding: str, opinion: str) -> float:
    """Fleiss' kappa, by statsmodels."""
    return float(fleiss_kappa(aggregate_raters(ratings(finding, opinion))[0], method="fleiss"))


def area(reader: str, finding: str, opinion: str, truth: Mapping[int, bool]) -> float:
    """Under the ROC curve, by scikit-learn; truth: case -> whether the finding is there."""
    scores = [PLANS[reader][case, finding, opinion].score for case in truth]
    return float(roc_auc_score(list(truth.values()), scores))


def rate(reader: str, finding: str, opinion: str, truth: Mapping[int, bool], present: bool) -> float:
    """Sensitivity (of cases where it is present), or specificity (where not)."""
    right = total = 0
    for case, there in truth.items():
        if there is present:
            total += 1
            right += (PLANS[reader][case, finding, opinion].presence == "present") is present
    return right / total
