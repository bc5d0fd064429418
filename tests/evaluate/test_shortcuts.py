"""Shortcuts and dark normals, on predictions whose cause is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from patchclip.evaluate.bootstrap import PatientBootstrap
from patchclip.evaluate.dataset import NIH8, EvaluationImage
from patchclip.evaluate.predictions import Prediction
from patchclip.evaluate.run import dark_normals
from patchclip.evaluate.shortcuts import shortcuts
from patchclip.types import PatchMap

Pairs = list[tuple[EvaluationImage, Prediction]]


def pair(number: int, view: str, labels: set[str], probability: float, peak: float = 0.0, normal: bool = False) -> tuple[EvaluationImage, Prediction]:  # fmt: skip
    values = np.zeros((8, 8), np.float32)
    values[3:6, 3:6] = peak
    shown = {
        name: PatchMap(values if name == "Effusion" else np.zeros((8, 8), np.float32), (0.0, 0.0, 64.0, 64.0))
        for name in NIH8
    }
    halves = dict.fromkeys(NIH8, 0.5)
    image = EvaluationImage(f"{number}.png", Path(f"{number}.png"), str(number), frozenset(labels), "Normal" if normal else "", False, view, "F", 50.0)  # fmt: skip
    return image, Prediction(
        (64, 64), "0" * 64, dict.fromkeys(NIH8, probability), shown, halves, halves, 0.5, halves, {}, {}, {}
    )


def found(pairs: Pairs) -> dict[str, float | None]:
    bootstrap = PatientBootstrap([image.patient for image, _ in pairs], 50, 0)
    return {
        label: item["value"]
        for label, item in shortcuts(["Effusion"], pairs, bootstrap).get("view AP rather than PA", {}).items()
    }


def test_a_probability_that_follows_the_view_is_found_out() -> None:
    rng = np.random.default_rng(0)
    views = ["AP" if number % 2 else "PA" for number in range(40)]
    told = [0.6 * (view == "AP") + 0.2 * float(rng.random()) for view in views]
    assert found(
        [
            pair(k, view, {"No Finding"}, value)
            for k, (view, value) in enumerate(zip(views, told, strict=True))
        ]
    ) == {"Effusion": 1.0}
    blind = rng.random(40)
    expected = roc_auc_score([view == "AP" for view in views], blind)
    value = found(
        [
            pair(k, view, {"No Finding"}, float(v))
            for k, (view, v) in enumerate(zip(views, blind, strict=True))
        ]
    )["Effusion"]
    assert value == pytest.approx(expected)


def test_images_with_the_finding_have_no_say_and_few_images_none() -> None:
    pairs = [pair(k, "AP" if k % 2 else "PA", {"No Finding"}, 0.5) for k in range(20)]
    sick = [pair(100 + k, "AP", {"Effusion"}, 0.99) for k in range(30)]
    assert found(pairs + sick) == {"Effusion": 0.5}
    assert found(pairs[:18] + sick) == {}


def test_a_normal_is_dark_only_if_no_map_shows_a_region() -> None:
    peaks = [0.0, 0.4, 0.9, 0.6]
    pairs = [pair(k, "PA", {"No Finding"}, 0.1, peak, normal=True) for k, peak in enumerate(peaks)] + [
        pair(9, "PA", {"Effusion"}, 0.9, 0.9)
    ]
    figure = dark_normals(pairs, PatientBootstrap([image.patient for image, _ in pairs], 50, 0))
    assert figure["value"] == 0.5 and figure["n"] == 4
