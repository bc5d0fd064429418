"""A run is asked at other input sizes than its own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from patchclip.model.branches import Branch
from tests.tiny import RECIPE, tiny_dataset
from trainer.__main__ import main
from trainer.fit.validation import DevLogits
from trainer.folds.scales import mean_of


def logits(image: float, maps: np.ndarray) -> DevLogits:
    """One image, one finding."""
    return DevLogits({Branch.MIL: np.array([[image]], np.float32)}, maps[None, None].astype(np.float32))


def test_the_mean_of_two_sizes_lies_on_the_finer_grid_and_padding_stays() -> None:
    coarse = np.array([[4.0, 0.0], [-np.inf, -np.inf]])
    fine = np.zeros((4, 4))
    fine[2:] = -np.inf
    fine[0, 3] = 6.0
    for order in ((logits(1, coarse), logits(3, fine)), (logits(3, fine), logits(1, coarse))):
        mean = mean_of(*order)
        assert mean.image[Branch.MIL].tolist() == [[2.0]]
        top = mean.patches[0, 0, 0]
        # bilinear, pixel centres at halves: 4, 3, 1, 0
        np.testing.assert_allclose(top, [2.0, 1.5, 0.5, 3.0])
        assert np.isneginf(mean.patches[0, 0, 2:]).all()


def test_every_size_and_every_two_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tiny_dataset(tmp_path / "data", each=10, splits=("train",))
    recipe = {
        **RECIPE,
        "data": {**RECIPE["data"], "samples_per_epoch": 8, "dev_fraction": 0.5},
        "optim": {**RECIPE["optim"], "epochs": [1], "sizes": [64]},
    }
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    named = ["--data", str(data), "--recipe", str(tmp_path / "recipe.json")]
    assert main(["folds", *named, "--out", str(tmp_path / "folds"), "--folds", "2", "--only", "0"]) == 0
    alone = json.loads((tmp_path / "folds" / "folds.json").read_text())
    capsys.readouterr()
    ask = ["scales", "--data", str(data), "--run", str(tmp_path / "folds" / "fold0")]
    assert main([*ask, "--size", "64", "--size", "96"]) == 0
    lines = capsys.readouterr().out.splitlines()
    header = next(line for line in lines if line.startswith("| Figure"))
    assert header == "| Figure | 64 px | 96 px | 64 + 96 px |"
    source, figures = next(iter(alone["pointing"].items()))
    label, figure = next(iter(figures.items()))
    row = next(line for line in lines if line.startswith(f"| pointing, {source}: {label} |"))
    assert row.split(" | ")[1].startswith(f"{figure['value']:.2f} (")  # at its own size, as the fold says

    assert main([*ask, "--size", "60"]) == 1
    assert "give a multiple of" in capsys.readouterr().err
