"""The sizing table: its counts against ones made by hand, and its arithmetic."""

from __future__ import annotations

import pytest

from tests.tiny import RECIPE
from trainer.__main__ import main
from trainer.config import FitConfig
from trainer.sizing import Gpu, Measured, measure, table

FOUND = Measured("ViT", 224, 100_000_000, 80_000_000, 10e9, 2**30, 1, 2.0, 50.0)


def test_arithmetic_of_the_table() -> None:
    said = table(FOUND, Gpu(300e12, 0.5), batch=4, epochs=2, images=360_000)
    # 300 TFLOP/s x .5 / (10 x 3 GFLOP) = 5,000 images/s; 720,000 images take 144 s on one GPU.
    assert "300 x 0.5 x 1000 / 30.00 = 5000 images/s" in said
    # 2,000 MB of state and 4 x 1 GB / 2 of activations; divided by 8, the tower's 1,600 MB are 200.
    assert "| 1 | 5,000 | 3.9 GB | 3.9 GB | 0.04 | 100 |" in said
    assert "| 8 | 40,000 | 3.9 GB | 2.6 GB | 0.01 | 800 |" in said
    assert "| 64 | 320,000 |" in said and "Computed, not measured" in said


def test_operations_of_a_model_are_counted() -> None:
    config = FitConfig.from_dict(RECIPE)
    found = measure(config, batch=2, steps=1)
    # timm's figure for this trunk at 224 px is .10 billion multiply-adds: at 64 px (64 / 224)^2 of it, two
    # operations each. Neck and heads are small beside it, but not nothing.
    trunk = 2 * 0.0976e9 * (64 / 224) ** 2
    assert 0.8 * trunk < found.forward < 2.5 * trunk
    assert found.block_parameters < found.parameters and found.step > 0 and found.read > 0
    assert 1e5 < found.kept < 2e7


def test_what_cannot_be_assumed_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sizing", "--utilisation", "1.5"]) == 1
    assert "--utilisation must be above 0 and at most 1" in capsys.readouterr().err
