"""Calibration to a site: shifts that were put in are found again, and both commands on miniature data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from patchclip.errors import DataError
from patchclip.model.branches import Branch
from patchclip.model.calibration import Calibration, FindingCalibration
from patchclip.model.checkpoint import load_checkpoint
from patchclip.model.prevalence import Prevalence
from tests.tiny import tiny_checkpoint, tiny_dataset
from trainer.__main__ import main
from trainer.calibrate.site import image_logits, prevalence_of, site_calibration, site_errors
from trainer.fit.validation import DevLogits

LABELS = ("Effusion", "Nodule", "Edema")
ITEM = FindingCalibration(image_scale=1.0, image_bias=0.0, image_threshold=0.2)
CALIBRATION = Calibration(dict.fromkeys(LABELS, ITEM), ITEM)


def a_site(
    images: int, shifts: tuple[float, ...], seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Logits [N, K] and states [N, K] of images whose true logits lie `shifts` beside the model's."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-1, 1.5, (images, len(shifts)))
    return logits, (rng.random(logits.shape) < expit(logits + np.array(shifts))).astype(np.int8)


def test_shifts_that_were_put_in_are_found_again() -> None:
    image, table = a_site(4000, (1.5, -1.0, 0.0))
    fitted = site_calibration(image, table, LABELS, CALIBRATION)
    biases = [fitted.of(label).image_bias for label in LABELS]
    assert biases == pytest.approx([1.5, -1.0, 0.0], abs=0.15)
    assert fitted.of("Effusion").image_scale == 1.0  # slopes are no matter of some hundred images


def test_the_fit_is_the_greatest_posterior() -> None:
    """The surplus of each finding over what is expected is the pull of its penalty; pulls add up to 0."""
    image, table = a_site(60, (0.8, 0.8, -0.5))
    shifts = np.array([site_calibration(image, table, LABELS, CALIBRATION).of(x).image_bias for x in LABELS])
    surplus = (table - expit(image + shifts)).sum(axis=0)
    assert surplus == pytest.approx(shifts - shifts.mean(), abs=2e-3)
    assert np.abs(shifts - shifts.mean()).max() > 0.2  # there is something to pull


def test_decisions_and_maps_stay() -> None:
    image, table = a_site(200, (1.5, 1.5, 1.5))
    fitted = site_calibration(image, table, LABELS, CALIBRATION).of("Nodule")
    logits = np.linspace(-6, 6, 999, dtype=np.float32)
    called = ITEM.image_probability(logits) >= ITEM.image_threshold
    assert np.array_equal(fitted.image_probability(logits) >= fitted.image_threshold, called)
    assert (fitted.patch_scale, fitted.patch_bias) == (ITEM.patch_scale, ITEM.patch_bias)


def test_unknown_states_count_for_nothing() -> None:
    image, table = a_site(200, (1.0, 1.0, 1.0))
    table[:, 2] = -1
    fitted = site_calibration(image, table, LABELS, CALIBRATION)
    assert fitted.of("Edema") == ITEM
    known = site_calibration(image[:, :2], table[:, :2], LABELS[:2], CALIBRATION)
    assert fitted.of("Effusion").image_bias == pytest.approx(known.of("Effusion").image_bias, abs=1e-4)
    assert "Edema" not in prevalence_of(table, LABELS)


def test_prevalence_counts_what_is_not_mentioned_as_absent() -> None:
    table = np.array([[1, 2], [0, -1], [2, 1], [1, 0]], np.int8)
    assert prevalence_of(table, LABELS[:2]) == {"Effusion": Prevalence(2, 4), "Nodule": Prevalence(1, 3)}


def test_own_images_mend_what_another_site_spoilt() -> None:
    image, table = a_site(900, (2.0, 2.0, -1.5))
    fitted = prevalence_of(a_site(900, (0.0, 0.0, 0.0), seed=1)[1], LABELS)
    errors = site_errors(image, table, LABELS, CALIBRATION, fitted, drawn=100, draws=10)
    for item in errors.values():
        assert item.as_it_is.mean() > 0.15 and item.images == 800
        assert item.calibrated.mean() < 0.08 < item.as_it_is.mean()
        assert item.at_prior.mean() < item.as_it_is.mean()
    with pytest.raises(DataError, match="to draw 500, give 1000"):
        site_errors(image, table, LABELS, CALIBRATION, fitted, drawn=500, draws=1)
    with pytest.raises(DataError, match="5 labelled images tell too little"):
        site_calibration(image[:5], table[:5], LABELS, CALIBRATION)


def test_the_image_logit_is_the_mean_of_the_answering_branches() -> None:
    rng = np.random.default_rng(0)
    branches = {branch: rng.normal(size=(3, 2)).astype(np.float32) for branch in Branch}
    logits = DevLogits(branches, np.zeros((3, 2, 1, 1), np.float32))
    two = Calibration({}, ITEM, branches=(Branch.MIL, Branch.GLOBAL))
    assert image_logits(logits, two, LABELS) == pytest.approx(
        (branches[Branch.MIL] + branches[Branch.GLOBAL]) / 2
    )


def test_a_checkpoint_is_calibrated_to_a_site_and_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, folder = tiny_dataset(tmp_path / "data", each=20), tiny_checkpoint(tmp_path / "tiny")
    source, out = ["--data", str(data), "--checkpoint", str(folder)], tmp_path / "site"
    assert main(["calibrate-site", *source, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "calibrated on 40 of the 80 images" in said and f"written: {out}" in said
    before, after = load_checkpoint(folder), load_checkpoint(out)
    assert after.prevalence["Effusion"] == Prevalence(20, 80)
    measured = after.accuracy["Effusion"]
    assert (measured.present, measured.absent) == (20, 60) and before.accuracy == {}
    for label in ("Effusion", "Cardiomegaly"):
        old, new = before.calibration.of(label), after.calibration.of(label)
        assert new.image_bias != old.image_bias
        assert (new.patch_scale, new.patch_bias, new.smoothing) == (
            old.patch_scale,
            old.patch_bias,
            old.smoothing,
        )
    assert after.gates == before.gates and after.sha256 != before.sha256

    record = tmp_path / "errors.json"
    small = ["--images", "30", "--draws", "4", "--out", str(record)]
    assert main(["evaluate-site", *source[:3], str(out), *small]) == 0
    figures = json.loads(record.read_text())
    effusion = figures["findings"]["Effusion"]
    assert effusion["calibrated"]["n"] == 50 and 0 <= effusion["calibrated"]["value"] <= 1
    assert figures["model"]["sha256"] == after.sha256
    assert f"| Effusion | 50 | {effusion['present']:.0f} |" in capsys.readouterr().out

    run = tmp_path / "run"
    run.mkdir()
    recipe = {"data": {"dev_fraction": 0.8}}
    (run / "config.json").write_text(json.dumps({"recipe": recipe, "split": "train"}))
    held_out = ["--run", str(run), "--images", "20", "--draws", "1", "--out", str(record)]
    assert main(["evaluate-site", *source, *held_out]) == 0
    assert 30 < json.loads(record.read_text())["findings"]["Effusion"]["calibrated"]["n"] < 70
    (run / "config.json").write_text("{}")
    assert main(["evaluate-site", *source, *held_out]) == 1
    assert "is no record of a run" in capsys.readouterr().err

    few = tiny_dataset(tmp_path / "few", each=11, splits=("val",))
    assert main(["evaluate-site", "--data", str(few), *source[2:], "--images", "20", "--draws", "1"]) == 1
    assert "10 images with it and 10 without" in capsys.readouterr().err
    assert main(["calibrate-site", *source, "--out", str(folder)]) == 1
    assert "name another --out" in capsys.readouterr().err
