"""Parts of teaching, each against an oracle of its own: comparison, verdict, holding out, keeping."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from patchclip.evaluate.bootstrap import Figure
from patchclip.image.geometry import Letterbox
from patchclip.model.branches import Branch
from patchclip.model.calibration import Calibration, FindingCalibration
from trainer.batches.dataset import Batch
from trainer.data.loaded import Loaded
from trainer.data.sample import Sample, Shape, State
from trainer.fit.validation import DevLogits
from trainer.teach.compare import HEADLINES, Answers, Compared, Comparison, compare
from trainer.teach.keep import Logits, drawn_radiographs, keeping_loss
from trainer.teach.material import is_held_out
from trainer.teach.recalibrate import carried_over
from trainer.teach.verdict import NOTHING, judge

LABELS = ["Effusion", "Nodule"]
SAME = FindingCalibration(image_scale=1.0, patch_scale=1.0)
CALIBRATION = Calibration(dict.fromkeys(LABELS, SAME), SAME)


def items(count: int) -> list[Loaded]:
    """Of which every second has an effusion, in the upper left quarter; of nodules nobody spoke."""
    box = (Shape.box("Effusion", 0.0, 0.0, 0.5, 0.5),)
    return [
        Loaded(
            np.zeros((8, 8), np.uint8),
            Letterbox(8, 8, 8),
            Sample(
                Path(f"{n}.png"),
                None,
                "x",
                {"Effusion": State.PRESENT if n % 2 else State.ABSENT},
                box if n % 2 else (),
            ),
            f"{n:064x}",
        )
        for n in range(count)
    ]


def logits(image: np.ndarray, patches: np.ndarray) -> DevLogits:
    """The same of every branch."""
    return DevLogits(dict.fromkeys(Branch, image.astype(np.float32)), patches.astype(np.float32))


def test_the_comparison_is_that_of_plain_definitions() -> None:
    rng = np.random.default_rng(0)
    films = items(24)
    truth = np.array([n % 2 for n in range(24)])
    sets = [
        (rng.normal(size=(24, 2)) + truth[:, None] * pull, rng.normal(size=(24, 2, 4, 4))) for pull in (0, 2)
    ]
    old, new = (Answers(logits(*part), CALIBRATION) for part in sets)
    comparison = compare(old, new, films, LABELS, 500, 0, by_readers=True)
    assert list(comparison.findings) == ["Effusion"] and comparison.cases == 24
    for part, name in zip(sets, ("old", "new"), strict=True):
        image, patches = part
        figures = {key: getattr(row, name).value for key, row in comparison.headlines.items()}
        assert figures["auroc"] == pytest.approx(roc_auc_score(truth, image[:, 0]))
        inside = np.zeros((4, 4), bool)
        inside[:2, :2] = True
        maps = patches[truth == 1, 0]
        assert figures["pointing"] == pytest.approx(np.mean([inside.ravel()[part.argmax()] for part in maps]))
        assert figures["patch_auroc"] == pytest.approx(
            np.mean([roc_auc_score(inside.ravel(), part.ravel()) for part in maps])
        )
        assert figures["agreement"] == pytest.approx(((image[:, 0] >= 0) == truth).mean())
    row = comparison.headlines["auroc"]
    assert row.new.value is not None and row.old.value is not None
    assert row.difference.value == pytest.approx(row.new.value - row.old.value)
    assert row.difference.ci[0] is not None and row.difference.ci[0] > 0  # pairs that are far apart
    same = compare(old, old, films, LABELS, 50, 0, by_readers=True).headlines["pointing"].difference
    assert same.value == 0 and same.ci == (0, 0)


def figure(value: float, low: float, high: float) -> Compared:
    """A difference."""
    plain = Figure(value, (low, high), 10, np.empty(0))
    return Compared(plain, plain, plain)


UNDEFINED = Compared(*[Figure.undefined(0)] * 3)


@pytest.mark.parametrize(
    ("headline", "finding", "word", "reason"),
    [
        (figure(0.01, -0.02, 0.04), figure(-0.02, -0.2, 0.1), "accepted", ""),
        (figure(-0.02, -0.04, -0.001), UNDEFINED, "refused", "pointing on x is lower by 0.020"),
        (figure(-0.04, -0.2, 0.1), UNDEFINED, "refused", "pointing on x is lower by 0.040"),
        (figure(-0.03, -0.2, 0.1), UNDEFINED, "accepted", ""),
        (figure(0.0, 0.0, 0.0), figure(-0.2, -0.3, -0.1), "refused", "AUROC of Nodule on x is lower"),
        (UNDEFINED, UNDEFINED, "refused", NOTHING),
    ],
)
def test_the_rule_of_refusal(headline: Compared, finding: Compared, word: str, reason: str) -> None:
    headlines = dict.fromkeys(HEADLINES, UNDEFINED) | {"pointing": headline}
    comparison = Comparison(10, 10, headlines, {"Nodule": {"auroc": finding}})
    verdict = judge({"x": comparison}, 0.03, None)
    assert verdict.word == word and (not reason or verdict.reasons[0].startswith(reason))
    overridden = judge({"x": comparison}, 0.03, "because")
    assert overridden.accepted and (overridden.override == "because") == (word == "refused")


def test_a_case_that_is_held_out_stays_held_out() -> None:
    hashes = [f"{n:064x}" for n in range(4000)]
    quarter = {sha for sha in hashes if is_held_out(sha, 0.25, 0)}
    assert 900 < len(quarter) < 1100
    assert quarter < {sha for sha in hashes if is_held_out(sha, 0.5, 0)}
    assert not any(is_held_out(sha, 0.0, 0) for sha in hashes)


def test_nothing_holds_the_model_to_its_parent_where_somebody_spoke() -> None:
    image_targets = torch.tensor([[1, -1]], dtype=torch.int8)
    patch_targets = torch.full((1, 4, 2), -1, dtype=torch.int8)
    patch_targets[0, :, 0] = 0
    batch = Batch(
        pixels=torch.zeros(1, 1, 8, 8),
        valid=torch.ones(1, 2, 2, dtype=torch.bool),
        image_targets=image_targets,
        image_weights=torch.ones(1, 2),
        patch_targets=patch_targets,
        negative_weights=torch.ones(1, 2),
        positive_weights=torch.ones(1, 4, 2),
        mined=torch.zeros(1, 2, dtype=torch.bool),
    )
    valid = torch.tensor([[True, True, True, False]])
    old = Logits(torch.zeros(3, 1, 2), torch.zeros(1, 4, 2))
    image, patches = old.image.clone(), old.patches.clone()
    image[..., 0], patches[..., 0], patches[0, 3] = 5.0, 5.0, 5.0  # told, told, and beside the image
    assert keeping_loss(Logits(image, patches), old, batch, valid) == 0
    image[..., 1], patches[0, 0, 1] = 2.0, 3.0
    expected = (2.0**2 + 3.0**2 / 3) / 2
    assert float(keeping_loss(Logits(image, patches), old, batch, valid)) == pytest.approx(expected)


def test_a_calibration_moves_with_the_logits() -> None:
    rng = np.random.default_rng(1)
    silent = [replace(item, sample=replace(item.sample, states={}, shapes=())) for item in items(40)]
    image = rng.normal(size=(40, 2)).astype(np.float32)
    patches = rng.normal(size=(40, 2, 4, 4))
    old, new = logits(image, patches), logits(image - 1.5, patches - 2.0)
    moved = carried_over(new, old, silent, LABELS, CALIBRATION).calibration.of("Nodule")
    before = CALIBRATION.of("Nodule").image_probability(image[:, 1])
    after = moved.image_probability(image[:, 1] - 1.5)
    assert np.abs(after - before).mean() < 0.05 < np.abs(expit(image[:, 1] - 1.5) - before).mean()
    assert moved.patch_bias == pytest.approx(2.0, abs=1e-5)
    assert moved.image_threshold == CALIBRATION.of("Nodule").image_threshold


def test_drawn_radiographs_say_what_was_drawn() -> None:
    drawn = drawn_radiographs(LABELS, 2, 64, 5)
    assert len(drawn) == 12
    by_kind = {item.sample.path.name.split()[0]: item.sample for item in drawn}
    assert by_kind["effusion"].states == {"Effusion": State.PRESENT, "Nodule": State.ABSENT}
    assert {shape.label for shape in by_kind["nodule"].shapes} == {"Nodule"}
    assert by_kind["cardiomegaly"].states == dict.fromkeys(LABELS, State.ABSENT)
    assert by_kind["cardiomegaly"].shapes == ()
