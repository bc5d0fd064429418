"""Shortcuts, normal images without a region, and off-topic queries, on predictions whose cause is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from patchclip.evaluate.case import Case, Reaction
from patchclip.evaluate.dataset import NIH8
from patchclip.evaluate.negatives import normals_without_region, off_topic
from patchclip.evaluate.shortcuts import VIEW_CUE, shortcuts
from tests.evaluate.cases import EFFUSION, bootstrap, image, prediction


def case(
    number: int, view: str, label: str, probability: float, peak: float = 0.0, *, normal: bool = False
) -> Case:
    """An image whose map of effusion has one bright square; all other maps are dark."""
    maps = {name: np.zeros((8, 8), np.float32) for name in NIH8}
    maps[EFFUSION][3:6, 3:6] = peak
    taken = image(number, frozenset({label}), view=view, rsna_class="Normal" if normal else "")
    return Case(taken, prediction(number, maps, probability))


def told(cases: list[Case]) -> dict[str, float | None]:
    """Finding -> AUROC of its probability for the view."""
    figures = shortcuts([EFFUSION], cases, bootstrap(cases)).get(VIEW_CUE, {})
    return {label: figure.value for label, figure in figures.items()}


def test_a_probability_that_follows_the_view_is_found_out() -> None:
    rng = np.random.default_rng(0)
    views = ["AP" if number % 2 else "PA" for number in range(40)]
    telling = [0.6 * (view == "AP") + 0.2 * float(rng.random()) for view in views]
    cases = [case(k, views[k], "No Finding", telling[k]) for k in range(40)]
    assert told(cases) == {EFFUSION: 1.0}
    blind = rng.random(40)
    cases = [case(k, views[k], "No Finding", float(blind[k])) for k in range(40)]
    expected = roc_auc_score([view == "AP" for view in views], blind)
    assert told(cases)[EFFUSION] == pytest.approx(expected)


def test_images_with_the_finding_have_no_say_and_few_images_none() -> None:
    free = [case(k, "AP" if k % 2 else "PA", "No Finding", 0.5) for k in range(20)]
    sick = [case(100 + k, "AP", EFFUSION, 0.99) for k in range(30)]
    assert told(free + sick) == {EFFUSION: 0.5}
    assert told(free[:18] + sick) == {}


def test_a_normal_is_dark_only_if_no_map_shows_a_region() -> None:
    peaks = [0.0, 0.4, 0.9, 0.6]
    cases = [case(k, "PA", "No Finding", 0.1, peak, normal=True) for k, peak in enumerate(peaks)]
    cases.append(case(9, "PA", EFFUSION, 0.9, 0.9))
    figure = normals_without_region(cases, bootstrap(cases))
    assert figure.value == 0.5 and figure.n == 4


def test_off_topic_queries_are_counted() -> None:
    dark = {EFFUSION: np.zeros((8, 8), np.float32)}
    cases = [
        Case(
            image(k),
            prediction(
                k, dark, 0.2, {"femur": Reaction(lit=k == 0, warned=True), "cat": Reaction(False, True)}
            ),
        )
        for k in range(10)
    ]
    figures = off_topic(cases, bootstrap(cases))
    assert figures["femur"].lit.value == pytest.approx(0.1) and figures["cat"].lit.value == 0
    assert figures["femur"].warned.value == 1
    silent = [Case(item.image, prediction(0, dark, 0.2)) for item in cases]
    assert off_topic(silent, bootstrap(silent)) == {}
