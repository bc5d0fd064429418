"""The larger bundled model: on radiographs that nobody trained on, it says what is there and where."""

from __future__ import annotations

import numpy as np
import pytest

from patchclip import Engine, load_radiograph
from patchclip.__main__ import main
from patchclip.resources import EXAMPLES, LARGER, bundled_models, checkpoint_folder


@pytest.fixture(scope="module")
def larger() -> Engine:
    return Engine.from_pretrained("patchclip-cxr-b", device="cpu")


def test_it_is_named_without_a_path() -> None:
    assert [folder.name for folder in bundled_models()] == ["patchclip-cxr-s", "patchclip-cxr-b"]
    assert checkpoint_folder("patchclip-cxr-b") == LARGER
    assert str(checkpoint_folder("nothing-of-the-kind")) == "nothing-of-the-kind"


def test_findings_are_told_where_they_are_seen(larger: Engine) -> None:
    asked = ["cardiomegaly", "pleural effusion"]
    seen = {
        kind: larger.query(larger.encode(load_radiograph(EXAMPLES / f"nih_{kind}.jpg")), asked)
        for kind in ("cardiomegaly", "effusion", "normal")
    }
    chance = {kind: [answer.probability or 0.0 for answer in answers] for kind, answers in seen.items()}
    assert chance["cardiomegaly"][0] > 3 * chance["normal"][0]
    assert chance["effusion"][1] > 3 * chance["normal"][1]
    assert seen["cardiomegaly"][0].regions and seen["effusion"][1].regions
    assert not seen["normal"][0].regions and not seen["normal"][1].regions
    heart = seen["cardiomegaly"][0].map.values
    row, column = (np.argwhere(heart == heart.max())[0] + 0.5) / heart.shape
    assert 0.45 < row < 0.85 and 0.35 < column < 0.8


def test_one_command_asks_it(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["predict", str(EXAMPLES / "nih_effusion.jpg"), "--query", "pleural effusion"]
    assert main([*words, "--checkpoint", "patchclip-cxr-b"]) == 0
    assert '"patchclip-cxr-b"' in capsys.readouterr().out
