"""Two miniature runs in one: joined, calibrated on the patients that both held out, judged on folds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from patchclip.model.checkpoint import load_checkpoint
from patchclip.model.ensemble import EnsembleTower
from tests.tiny import RECIPE
from tests.trainer.fit.runs import fit, miniature
from trainer.__main__ import main
from trainer.folds.held_out import HeldOut

OTHER = ("--set", 'model.tower="timm:mobilenetv2_100"', "--set", "model.token_width=24")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs on the same patients, and what a third one needs."""
    recipe = RECIPE | {"optim": {**RECIPE["optim"], "epochs": [1], "sizes": [64]}}
    folder = miniature(tmp_path_factory.mktemp("two"), recipe, each=30)
    assert fit(folder, folder / "one" / "fold0") == 0
    assert fit(folder, folder / "two" / "fold0", *OTHER) == 0
    return folder


def ensemble(place: Path, out: Path, *runs: str) -> int:
    named = [word for run in runs for word in ("--run", str(place / run))]
    return main(["ensemble", *named, "--name", "both", "--out", str(out)])


def test_two_runs_become_one_that_is_calibrated_like_any(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "both"
    assert ensemble(place, out, "one/fold0", "two/fold0") == 0
    assert "both, 2 members; calibrate it" in capsys.readouterr().out
    made = load_checkpoint(out / "best")
    assert isinstance(made.model.tower, EnsembleTower) and made.calibration.is_identity
    for number, run in enumerate(("one", "two")):
        own = load_checkpoint(place / run / "fold0" / "best").model.tower.state_dict()
        for name, value in made.model.tower.members[number].state_dict().items():
            assert torch.equal(value, own[name])
    record = json.loads((out / "config.json").read_text())
    assert [member["model"]["tower"] for member in record["members"]] == [
        "timm:mobilenetv2_050",
        "timm:mobilenetv2_100",
    ]
    assert main(["calibrate", "--run", str(out), "--data", str(place / "data")]) == 0
    assert "held out: " in capsys.readouterr().out
    assert not load_checkpoint(out / "best").calibration.is_identity
    assert main(["export", "--run", str(out), "--out", str(tmp_path / "shipped")]) == 0
    assert f"both {load_checkpoint(tmp_path / 'shipped').sha256}" in capsys.readouterr().out


def test_folds_of_members_are_judged_together(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "folds"
    command = ["folds", "--data", str(place / "data"), "--vocabulary", str(place / "vocabulary.json")]
    command += ["--ensemble", str(place / "one"), "--ensemble", str(place / "two"), "--only", "0"]
    assert main([*command, "--out", str(out)]) == 0
    found = HeldOut.load(out / "fold0")
    record = json.loads((out / "folds.json").read_text())
    assert 40 < record["images"] == len(found.patients) < 80  # near half of 120
    assert np.isfinite(found.scores).all() and found.scores.std() > 0
    assert load_checkpoint(out / "fold0" / "last").model.config.name == "folds"


def test_runs_that_held_other_patients_out_have_seen_everybody(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit(place, tmp_path / "third", "--set", "data.dev_offset=0.5") == 0
    out = tmp_path / "both"
    assert ensemble(place, out, "one/fold0", str(tmp_path / "third")) == 0
    assert main(["calibrate", "--run", str(out), "--data", str(place / "data")]) == 1
    assert "No held-out image" in capsys.readouterr().err
    assert ensemble(place, tmp_path / "like", "one/fold0", "one/fold0") == 0
    assert main(["calibrate", "--run", str(tmp_path / "like"), "--data", str(place / "data")]) == 0
    assert main(["calibrate-as", "--run", str(out), "--like", str(tmp_path / "like" / "best")]) == 0
    assert (
        load_checkpoint(out / "best").calibration == load_checkpoint(tmp_path / "like" / "best").calibration
    )


def test_runs_by_other_losses_are_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit(place, tmp_path / "third", "--set", "loss.pooled=0.75") == 0
    assert ensemble(place, tmp_path / "both", "one/fold0", str(tmp_path / "third")) == 1
    assert "third was trained on other data or with other losses" in capsys.readouterr().err
    assert not (tmp_path / "both").exists()


def test_an_ensemble_is_not_taught(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "both"
    assert ensemble(place, out, "one/fold0", "two/fold0") == 0
    capsys.readouterr()
    words = [
        "teach",
        "--from",
        str(out / "best"),
        "--data",
        str(place / "data"),
        "--out",
        str(tmp_path / "child"),
    ]
    assert main([*words, "--name", "child"]) == 1
    assert "both is an ensemble, whose members are trained each by itself" in capsys.readouterr().err
