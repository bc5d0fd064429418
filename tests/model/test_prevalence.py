"""Probabilities at another prevalence: the formula, what is refused, and what an engine does with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from patchclip import Engine, Radiograph
from patchclip.errors import CheckpointError, DataError
from patchclip.image.synthetic import synthetic_radiograph
from patchclip.model.calibration import Calibration, FindingCalibration
from patchclip.model.checkpoint import load_checkpoint
from patchclip.model.prevalence import (
    PREVALENCE,
    Prevalence,
    at_prevalence,
    load_prevalence,
    read_prevalence,
)
from patchclip.resources import BUNDLED
from tests.tiny import VOCABULARY, tiny_checkpoint

FITTED = {"Effusion": Prevalence(present=20, images=100)}


def test_the_probability_is_bayes_of_the_same_likelihood_ratio() -> None:
    """Against Bayes' theorem with counted patients."""
    item = FindingCalibration(image_scale=0.8, image_bias=-0.7, image_threshold=0.3)
    before = Calibration({"Effusion": item}, item)
    after = at_prevalence(before, FITTED, {"Effusion": 0.6}).of("Effusion")
    share = 20.5 / 101
    for logit in (-3.0, 0.0, 2.5):
        old = float(item.image_probability(logit))
        with_it, without = 0.6 * old / share, 0.4 * (1 - old) / (1 - share)
        assert float(after.image_probability(logit)) == pytest.approx(with_it / (with_it + without), rel=1e-5)


def test_decisions_and_maps_stay_as_they_are() -> None:
    item = FindingCalibration(image_scale=1.3, image_bias=0.2, patch_image=0.4, image_threshold=0.11)
    after = at_prevalence(Calibration({"Effusion": item}, item), FITTED, {"Effusion": 0.03}).of("Effusion")
    logits = np.linspace(-8, 8, 4001, dtype=np.float32)
    before = item.image_probability(logits) >= item.image_threshold
    assert np.array_equal(after.image_probability(logits) >= after.image_threshold, before)
    assert np.array_equal(after.patch_probability(logits, 1.0), item.patch_probability(logits, 1.0))


def test_a_prevalence_that_was_seen_never_or_always_is_none_of_0_and_1() -> None:
    assert Prevalence(0, 99).share == 0.005 and Prevalence(99, 99).share == 0.995


def test_a_site_says_labels_or_names_by_hand_or_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "site.json"
    file.write_text('{"nodule": 0.05, "Lung Opacity": 0.4}')
    shares = read_prevalence(["pleural effusion = 0.3", str(file)], VOCABULARY)
    assert shares == {"Effusion": 0.3, "Nodule": 0.05, "Lung Opacity": 0.4}


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["Efusion=0.3"], 'did you mean "effusion"?'),
        (["Effusion=0"], "above 0 and below 1"),
        (["Effusion=nan"], "above 0 and below 1"),
        (["Effusion=many"], '"many" is no number'),
        (["Effusion=.1", "pleural effusion=.2"], "given twice"),
        (["nowhere.json"], "neither FINDING=SHARE"),
        (["Effusion"], "neither FINDING=SHARE"),
    ],
)
def test_what_is_no_prevalence_is_a_sentence(texts: list[str], words: str) -> None:
    with pytest.raises(DataError) as caught:
        read_prevalence(texts, VOCABULARY)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["[0.3]", '{"Effusion": "much"}', '{"Effusion": true}'])
def test_a_file_of_something_else_is_a_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "site.json"
    file.write_text(text)
    with pytest.raises(DataError, match="must hold one JSON object"):
        read_prevalence([str(file)], VOCABULARY)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"Effusion": 0.3}',
        '{"Effusion": {"present": 5}}',
        '{"Effusion": {"present": 9, "images": 2}}',
    ],
)
def test_a_damaged_record_is_refused_with_the_checkpoint(tmp_path: Path, text: str) -> None:
    (tmp_path / PREVALENCE).write_text(text)
    with pytest.raises(CheckpointError, match=r"fetch the checkpoint again|calibrate the checkpoint again"):
        load_prevalence(tmp_path)


def test_the_bundled_checkpoint_knows_where_it_was_calibrated() -> None:
    counts = load_prevalence(BUNDLED)
    assert counts["Effusion"] == Prevalence(73, 563)
    assert set(counts) == set(load_checkpoint(BUNDLED).vocabulary.labels)


def test_an_engine_answers_for_the_site_and_says_so(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "tiny")
    (folder / PREVALENCE).write_text(json.dumps({"Effusion": {"present": 20, "images": 100}}))
    film = Radiograph.from_array(synthetic_radiograph("effusion", size=96).pixels)
    plain, site = Engine.from_pretrained(folder), Engine.from_pretrained(folder, prevalence=["Effusion=0.6"])
    texts = ["effusion", "no effusion", "cardiomegaly"]
    before, after = (engine.query(engine.encode(film), texts) for engine in (plain, site))
    assert before[0].probability is not None and after[0].probability is not None
    odds = (
        after[0].probability
        / (1 - after[0].probability)
        * (1 - before[0].probability)
        / before[0].probability
    )
    assert odds == pytest.approx((0.6 / 0.4) / (20.5 / 80.5), rel=1e-4)
    assert after[1].probability == pytest.approx(1 - after[0].probability, abs=1e-6)
    assert after[2].probability == before[2].probability
    assert np.array_equal(after[0].map.values, before[0].map.values)
    assert (
        "Probabilities are those for the prevalence that was given (Effusion 0.6)."
        in site.encode(film).warnings
    )
    with pytest.raises(CheckpointError, match="does not say how often Nodule was present"):
        Engine.from_pretrained(folder, prevalence=["Nodule=0.1"])
