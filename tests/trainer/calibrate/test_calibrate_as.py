"""A run that held nobody out is calibrated as its sibling that did."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from patchclip.model.calibration import Calibration, FindingCalibration
from patchclip.model.checkpoint import load_checkpoint, save_checkpoint
from patchclip.model.config import ModelConfig
from patchclip.model.patchclip import PatchCLIP
from patchclip.model.prevalence import Prevalence
from patchclip.text.vocabulary import Vocabulary
from tests.tiny import RECIPE
from tests.trainer.fit.runs import fit, miniature, short_recipe
from trainer.__main__ import main


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that held nobody out, and a calibrated checkpoint by its recipe."""
    folder = miniature(tmp_path_factory.mktemp("as"), short_recipe())
    assert fit(folder, folder / "whole") == 0
    own = load_checkpoint(folder / "whole" / "best")
    torch.manual_seed(1)
    sibling(folder / "sibling", PatchCLIP(own.model.config), own.vocabulary)
    return folder


def sibling(folder: Path, model: PatchCLIP, vocabulary: Vocabulary) -> None:
    findings = {
        label: FindingCalibration(image_scale=1.5, image_bias=-0.25 * number, image_threshold=0.3)
        for number, label in enumerate(vocabulary.labels)
    }
    save_checkpoint(
        folder,
        model,
        vocabulary,
        Calibration(findings, FindingCalibration(), mirror=True),
        {"query": {"of": "the sibling"}},
        {vocabulary.labels[0]: Prevalence(3, 12)},
        {},
    )


def calibrate_as(run: Path, like: Path) -> int:
    return main(["calibrate-as", "--run", str(run), "--like", str(like)])


def test_all_but_the_weights_is_the_siblings(place: Path) -> None:
    before = load_checkpoint(place / "whole" / "best")
    assert before.calibration.is_identity
    assert calibrate_as(place / "whole", place / "sibling") == 0
    after, other = load_checkpoint(place / "whole" / "best"), load_checkpoint(place / "sibling")
    assert after.calibration == other.calibration
    assert after.gates == other.gates
    assert after.prevalence == other.prevalence
    assert after.note is None
    assert set(after.prompts) == set(before.vocabulary.labels)
    for name, value in before.model.state_dict().items():
        torch.testing.assert_close(after.model.state_dict()[name], value, rtol=0, atol=0)


def test_gates_stay_where_a_run_is_calibrated_anew(place: Path) -> None:
    whole, like = place / "whole", place / "like"
    own = load_checkpoint(whole / "best")
    gates = {"query": {"of": "the run itself"}}
    sibling(like, own.model, own.vocabulary)
    other = load_checkpoint(like)
    save_checkpoint(whole / "best", own.model, own.vocabulary, other.calibration, gates)
    assert calibrate_as(whole, like) == 0
    after = load_checkpoint(whole / "best")
    assert after.gates == gates and after.calibration == other.calibration


def test_one_without_calibration_lends_none(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = load_checkpoint(place / "whole" / "best")
    save_checkpoint(place / "raw", own.model, own.vocabulary)
    assert calibrate_as(place / "whole", place / "raw") == 1
    assert "raw is not calibrated" in capsys.readouterr().err


def test_another_architecture_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = load_checkpoint(place / "whole" / "best")
    config = ModelConfig.from_dict(
        {**own.model.config.to_dict(), "embed_dim": own.model.config.embed_dim * 2}
    )
    sibling(place / "wider", PatchCLIP(config), own.vocabulary)
    assert calibrate_as(place / "whole", place / "wider") == 1
    assert "another architecture" in capsys.readouterr().err


def test_a_run_with_patients_of_its_own_is_told_to_use_them(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    miniature(tmp_path, RECIPE | {"optim": {**RECIPE["optim"], "epochs": [1], "sizes": [64]}}, each=30)
    assert fit(tmp_path, tmp_path / "run") == 0
    assert calibrate_as(tmp_path / "run", place / "sibling") == 1
    assert "held patients out itself" in capsys.readouterr().err
