"""Fitting a checkpoint's gates again, from the command line."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path

import pytest

from patchclip import Engine
from tests.tiny import tiny_checkpoint, tiny_dataset
from trainer import commands
from trainer.__main__ import main


def test_gates_are_added_and_weights_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint with old aliases and no image gate gets both anew, and the same bytes of weights."""
    monkeypatch.setattr(commands, "fit_image_gate", partial(commands.fit_image_gate, each=10))
    data = tiny_dataset(tmp_path / "data", each=55, splits=("train",))
    folder = tiny_checkpoint(tmp_path / "tiny")
    record = json.loads((folder / "model.json").read_text())
    record["vocabulary"]["findings"][0]["aliases"] = []
    (folder / "model.json").write_text(json.dumps(record))
    weights = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert main(["gates", "--data", str(data), "--checkpoint", str(folder)]) == 0
    assert hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest() == weights
    engine = Engine.from_pretrained(folder, device="cpu")
    assert set(engine.checkpoint.gates) == {"query", "image"}
    assert engine.vocabulary.findings[0].aliases


def test_a_vocabulary_with_other_prompts_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The query gate is fitted to it; eight images are too few for an image gate."""
    folder = tiny_checkpoint(tmp_path / "tiny")
    record = json.loads((folder / "model.json").read_text())
    record["vocabulary"]["findings"][0]["synonyms"] = ["only this"]
    data = tiny_dataset(tmp_path / "data", each=2, splits=("train",))
    (folder / "model.json").write_text(json.dumps(record))
    assert main(["gates", "--data", str(data), "--checkpoint", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "keeps its own vocabulary" in out and "no image gate: 8 images" in out
    assert json.loads((folder / "model.json").read_text())["vocabulary"]["findings"][0]["synonyms"] == ["only this"]
