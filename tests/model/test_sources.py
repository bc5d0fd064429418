"""Sources that logits tell: what is subtracted, by plain arithmetic, in an answer and under a place."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from patchclip import Engine, load_radiograph
from patchclip.errors import CheckpointError
from patchclip.image.synthetic import synthetic_radiograph
from patchclip.model.calibration import Calibration
from patchclip.model.checkpoint import load_checkpoint, save_checkpoint
from patchclip.model.sources import Sources
from tests.tiny import tiny_checkpoint

SOURCES = Sources(
    names=("a", "b", "c"),
    labels=("Effusion", "Mass"),
    weights=((0.5, -1.0), (0.0, 0.25), (-2.0, 1.5)),
    biases=(0.1, -0.2, 0.3),
    shifts={"Mass": (-1.0, 0.25, 0.75), "Nodule": (2.0, 0.0, -2.0)},
)


def by_hand(logits: list[float], label: str) -> float:
    """The offset of one image in plain arithmetic."""
    scores = [
        math.exp(sum(w * value for w, value in zip(row, logits, strict=True)) + bias)
        for row, bias in zip(SOURCES.weights, SOURCES.biases, strict=True)
    ]
    shifts = SOURCES.shifts.get(label, (0.0, 0.0, 0.0))
    return sum(score / sum(scores) * shift for score, shift in zip(scores, shifts, strict=True))


def test_offsets_are_those_of_plain_arithmetic() -> None:
    logits = np.array([[0.5, -2.0], [3.0, 1.0], [-40.0, 80.0]], np.float32)
    shares = SOURCES.shares(logits)
    assert shares.sum(axis=1) == pytest.approx(1) and (shares >= 0).all()
    found = SOURCES.offsets(logits, ["Nodule", None, "Effusion", "Mass"])
    for n, row in enumerate(logits.tolist()):
        assert found[n, 0] == pytest.approx(by_hand(row, "Nodule"), abs=1e-5)
        assert found[n, 3] == pytest.approx(by_hand(row, "Mass"), abs=1e-5)
    assert (found[:, 1:3] == 0).all()


def test_all_logits_are_corrected_by_those_that_tell() -> None:
    logits = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    corrected = SOURCES.corrected(logits, ["Mass", "Nodule", "Effusion"])
    for n in range(5):
        telling = [float(logits[n, 2]), float(logits[n, 0])]
        assert corrected[n, 0] == pytest.approx(logits[n, 0] - by_hand(telling, "Mass"), abs=1e-5)
        assert corrected[n, 1] == pytest.approx(logits[n, 1] - by_hand(telling, "Nodule"), abs=1e-5)
        assert corrected[n, 2] == logits[n, 2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"biases": (0.1, 0.2)}, "numbers of the wrong count"),
        ({"weights": SOURCES.weights[:2]}, "numbers of the wrong count"),
        ({"shifts": {"Mass": (1.0,)}}, "numbers of the wrong count"),
        ({"biases": (0.1, math.inf, 0.0)}, "not finite"),
    ],
)
def test_sources_that_cannot_be_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(CheckpointError, match=words):
        replace(SOURCES, **change)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> tuple[Engine, Engine]:
    """A tiny model without sources and with them, read from their folders."""
    folder = tmp_path_factory.mktemp("sources")
    plain = load_checkpoint(tiny_checkpoint(folder / "plain"))
    calibration = replace(plain.calibration, sources=SOURCES)
    save_checkpoint(folder / "told", plain.model, plain.vocabulary, calibration, plain.gates)
    told = load_checkpoint(folder / "told")
    assert told.calibration == calibration and not told.prompts
    assert Calibration.from_dict(calibration.to_dict()) == calibration
    return Engine.from_pretrained(folder / "plain", "cpu"), Engine.from_pretrained(folder / "told", "cpu")


def logit(probability: float | None) -> float:
    assert probability is not None
    return math.log(probability / (1 - probability))


def test_an_answer_is_corrected_and_so_is_a_changed_image(
    engines: tuple[Engine, Engine], tmp_path: Path
) -> None:
    """In the whole image, within a place, denied, and for tests of faithfulness; other findings stay."""
    plain, told = engines
    path = tmp_path / "chest.png"
    cv2.imwrite(str(path), np.round(synthetic_radiograph("effusion", size=160, seed=0).pixels * 255))
    encoded = plain.encode(load_radiograph(path))
    texts = ["effusion", "mass", "nodule", "nodule in the left lung", "no nodule"]
    before = [logit(answer.probability) for answer in plain.query(encoded, texts)]
    after = [logit(answer.probability) for answer in told.query(encoded, texts)]
    nodule, mass = (by_hand(before[:2], label) for label in ("Nodule", "Mass"))
    assert abs(nodule) > 0.01
    moved = np.array(after) - np.array(before)
    assert moved == pytest.approx([0, -mass, -nodule, -nodule, nodule], abs=1e-4)
    pixels = encoded.pixels[:, 0].numpy()
    again = told.rescore(encoded, pixels, "nodule")
    assert again == pytest.approx([told.query(encoded, ["nodule"])[0].probability], abs=1e-5)


def test_a_source_told_by_an_unknown_finding_is_refused(tmp_path: Path) -> None:
    plain = load_checkpoint(tiny_checkpoint(tmp_path / "plain"))
    strange = replace(SOURCES, labels=("Effusion", "Gout"))
    calibration = replace(plain.calibration, sources=strange)
    save_checkpoint(tmp_path / "told", plain.model, plain.vocabulary, calibration, plain.gates)
    with pytest.raises(CheckpointError, match="tells its sources by Gout, which its vocabulary lacks"):
        load_checkpoint(tmp_path / "told")
