"""From logits to probabilities: the formulas, the branches that answer, and what a checkpoint may say of
them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from patchclip import CheckpointError
from patchclip.model.branches import Branch, branch_logit, image_logit
from patchclip.model.calibration import Calibration, FindingCalibration
from patchclip.model.patchclip import PatchCLIP
from tests.tiny import CONFIG

ITEM = FindingCalibration(
    image_scale=0.9, image_bias=-0.4, patch_scale=1.3, patch_image=0.2, patch_bias=2.5, smoothing=0.6
)


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def test_probabilities_are_the_formulas() -> None:
    logits = np.linspace(-9, 9, 40, dtype=np.float32).reshape(5, 8)
    image = ITEM.image_probability(logits)
    patch = ITEM.patch_probability(logits, 3.0)
    assert image.dtype == patch.dtype == np.float32 and image.shape == patch.shape == (5, 8)
    for place, value in np.ndenumerate(logits):
        assert image[place] == pytest.approx(sigmoid(0.9 * float(value) - 0.4), abs=1e-6)
        assert patch[place] == pytest.approx(sigmoid(1.3 * float(value) + 0.2 * 3.0 + 2.5), abs=1e-6)
    assert float(ITEM.image_probability(2.0)) == pytest.approx(sigmoid(0.9 * 2.0 - 0.4), abs=1e-6)


def test_no_logit_is_too_large() -> None:
    """Padding holds -inf, and an untrained or broken model may say anything."""
    extremes = np.array([-np.inf, -1e30, -200.0, 200.0, 1e30], np.float32)
    values = FindingCalibration().patch_probability(extremes, 0.0)
    assert np.isfinite(values).all() and values.tolist() == [0, 0, 0, 1, 1]


def test_a_calibration_survives_its_checkpoint() -> None:
    calibration = Calibration({"Mass": ITEM}, FindingCalibration(), (Branch.POOLED, Branch.MIL), 0.5, True)
    assert Calibration.from_dict(calibration.to_dict()) == calibration
    assert calibration.to_dict()["branches"] == ["pooled", "mil"]
    assert calibration.of("Mass") is ITEM and calibration.of("Nodule") is calibration.default


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda values: values.update(branches=["global", "glowing"]),
            r'no image-level branch "glowing" \(known: global',
        ),
        (lambda values: values.update(branches=[]), "names no image-level branch; calibrate it again"),
        (lambda values: values.pop("mirror"), "missing or unknown: mirror"),
        (lambda values: values.pop("sources"), "missing or unknown: sources"),
        (
            lambda values: values.update(sources={"names": ["a"]}),
            "missing or unknown: biases, labels, shifts",
        ),
        (lambda values: values["default"].update(temperature=2.0), "missing or unknown: temperature"),
        (lambda values: values["findings"]["Mass"].pop("smoothing"), "missing or unknown: smoothing"),
        (
            lambda values: values.update(min_patches="few"),
            r"cannot be read \(min_patches: Input should be a valid number",
        ),
    ],
)
def test_a_calibration_that_cannot_be_is_refused_in_words(
    change: Callable[[dict[str, Any]], object], words: str
) -> None:
    values = Calibration.identity(["Mass"]).to_dict()
    change(values)
    with pytest.raises(CheckpointError, match=words):
        Calibration.from_dict(values)


def test_the_images_logit_is_the_mean_of_its_branches() -> None:
    torch.manual_seed(0)
    model = PatchCLIP(CONFIG).eval()
    positive, negative = (torch.nn.functional.normalize(torch.randn(3, 32), dim=-1) for _ in range(2))
    with torch.no_grad():
        embeddings = model.encode_image(torch.rand(2, 1, 64, 64))
        parts = {branch: branch_logit(branch, model, embeddings, positive, negative) for branch in Branch}
        patches = model.pair_logits(embeddings.patches, positive, negative)
        for chosen in ((Branch.POOLED,), (Branch.GLOBAL, Branch.MIL), tuple(Branch)):
            logit = image_logit(model, embeddings, positive, negative, chosen)
            torch.testing.assert_close(logit, torch.stack([parts[branch] for branch in chosen]).mean(dim=0))
    torch.testing.assert_close(
        parts[Branch.GLOBAL], model.pair_logits(embeddings.global_, positive, negative)
    )
    smooth_maximum = patches.exp().sum(dim=1).log() - 0.5 * math.log(patches.shape[1])
    torch.testing.assert_close(parts[Branch.MIL], smooth_maximum)
