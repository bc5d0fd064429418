"""One table of saliency methods: a new row is known wherever methods are named."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from patchclip.__main__ import main
from patchclip.saliency import SALIENCY, Saliency, SaliencyTask, default_methods
from patchclip.types import FloatArray
from tests.tiny import ROOT, tiny_checkpoint


def corner(task: SaliencyTask) -> FloatArray:
    """Light in the top-left patch alone."""
    maps = np.zeros((len(task.positive), *task.model.grid), np.float32)
    maps[:, 0, 0] = 1.0
    return maps


def test_the_default_list_of_an_evaluation() -> None:
    assert default_methods() == (
        "grad_cam",
        "grad_cam_plus_plus",
        "hires_cam",
        "eigen_cam",
        "layer_cam",
        "attention_rollout",
        "attention_gradient",
        "raw_cosine",
    )
    assert set(SALIENCY) - set(default_methods()) == {"occlusion"}


def test_keys_titles_and_colours_tell_methods_apart() -> None:
    for key, method in SALIENCY.items():
        assert method.key == key and re.fullmatch(r"[a-z0-9_]+", key)
        assert re.fullmatch("#[0-9a-f]{6}", method.colour)
    for name in ("title", "colour"):
        assert len({getattr(method, name) for method in SALIENCY.values()}) == len(SALIENCY)


def test_a_new_row_is_in_predict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(SALIENCY, "corner", Saliency("corner", "Top corner", corner, "#123456", default=True))
    checkpoint = str(tiny_checkpoint(tmp_path / "model"))
    image = str(ROOT / "assets" / "examples" / "synthetic_normal.png")
    assert (
        main(["predict", image, "--query", "mass", "--saliency", "corner", "--checkpoint", checkpoint]) == 0
    )
    answer = json.loads(capsys.readouterr().out)["queries"][0]
    values = np.array(answer["saliency"]["corner"]["values"])
    assert values[0, 0] == values.sum() == 1
