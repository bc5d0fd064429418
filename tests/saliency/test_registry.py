"""One table of saliency methods: a new row is known wherever methods are named."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from patchclip.__main__ import main
from patchclip.errors import SaliencyError
from patchclip.evaluate.method import Method
from patchclip.saliency import SALIENCY, Saliency, SaliencyTask, default_methods
from patchclip.saliency.registry import SCALINGS, Scaling
from patchclip.types import FloatArray
from tests.tiny import ROOT, tiny_checkpoint, tiny_dataset


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


@pytest.mark.parametrize("scaling", SCALINGS)
def test_a_key_that_an_evaluation_would_take_for_another_is_refused(scaling: Scaling) -> None:
    for method in (Method("corner", twin=True), Method("corner", scaling=scaling)):
        with pytest.raises(SaliencyError, match=f'^"{method}" cannot be the key of a saliency method'):
            Saliency(str(method), "Top corner", corner, "#123456", default=False)
    assert (
        Saliency(f"{scaling}_twin", "Top corner", corner, "#123456", default=False).key == f"{scaling}_twin"
    )


@pytest.mark.parametrize("key", ["", "Corner", "top corner", "corner\n", "top-corner"])
def test_a_key_of_other_characters_is_refused(key: str) -> None:
    with pytest.raises(SaliencyError, match="use small letters, digits"):
        Saliency(key, "Top corner", corner, "#123456", default=False)


@pytest.fixture
def with_corner(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table with one row more, and no other default method."""
    for key in default_methods():
        monkeypatch.delitem(SALIENCY, key)
    monkeypatch.setitem(SALIENCY, "corner", Saliency("corner", "Top corner", corner, "#123456", default=True))


@pytest.mark.usefixtures("with_corner")
def test_a_new_row_is_in_predict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = str(tiny_checkpoint(tmp_path / "model"))
    image = str(ROOT / "assets" / "examples" / "synthetic_normal.png")
    assert (
        main(["predict", image, "--query", "mass", "--saliency", "corner", "--checkpoint", checkpoint]) == 0
    )
    answer = json.loads(capsys.readouterr().out)["queries"][0]
    values = np.array(answer["saliency"]["corner"]["values"])
    assert values[0, 0] == values.sum() == 1


@pytest.mark.usefixtures("with_corner")
def test_a_new_row_is_in_evaluation_and_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    checkpoint = str(tiny_checkpoint(tmp_path / "model"))
    tiny_dataset(tmp_path / "data", each=2, splits=("val",))
    arguments = ["evaluate", str(tmp_path / "data"), "--split", "val", "--out", str(tmp_path / "out")]
    assert main([*arguments, "--checkpoint", checkpoint, "--replicates", "20"]) == 0
    claim = json.loads((tmp_path / "out" / "metrics.json").read_text())["claim"]["Effusion"]
    assert set(claim) == {"patch_map", "corner_raw", "corner_gated"}
    report = (tmp_path / "out" / "report.html").read_text()
    assert "Top corner, gated" in report and "#123456" in report
