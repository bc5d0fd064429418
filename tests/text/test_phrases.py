"""Phrases encoded beforehand: the features that the encoder makes; a gate needs no encoder for them."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch

from patchclip import CheckpointError
from patchclip.resources import PHRASES
from patchclip.text import QueryGate, encoded_phrases
from patchclip.text.encoded_phrases import load_phrases, save_phrases
from patchclip.text.encoder import SentenceEncoder
from patchclip.text.scope import OUTSIDE, phrases_of
from tests.tiny import BUNDLED_VOCABULARY, VOCABULARY
from trainer.__main__ import main as trainer


def test_the_command_makes_those_that_are_shipped(tmp_path: Path) -> None:
    """All that either vocabulary and the outside have, and nothing else; where it fails: trainer phrases."""
    assert trainer(["phrases", "--out", str(tmp_path / "made")]) == 0
    made, shipped = load_phrases(tmp_path / "made"), load_phrases(PHRASES)
    assert set(shipped) == {*phrases_of(VOCABULARY), *phrases_of(BUNDLED_VOCABULARY), *OUTSIDE} == set(made)
    for text, feature in shipped.items():
        torch.testing.assert_close(feature, made[text], rtol=0, atol=2e-6)


def test_a_gate_is_fitted_without_the_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: SentenceEncoder) -> None:
        raise AssertionError("the text encoder was loaded")

    monkeypatch.setattr(SentenceEncoder, "_load", load)
    encoder = SentenceEncoder()
    gate = QueryGate.fit(VOCABULARY, encoder)
    assert gate.weights[0] > 0 > gate.weights[1]
    with pytest.raises(AssertionError, match="was loaded"):
        encoder.encode(["a text that nobody encoded beforehand"])


def test_a_text_encoded_beforehand_is_that_of_the_file_and_others_are_encoded(tmp_path: Path) -> None:
    path = tmp_path / "phrases"
    mark = torch.nn.functional.one_hot(torch.tensor(7), 384).float()
    save_phrases(path, {"mark": mark})
    rows = SentenceEncoder(path).encode(["effusion", "mark", "effusion"])
    assert torch.equal(rows[1], mark) and torch.equal(rows[0], rows[2])
    torch.testing.assert_close(rows[0], SentenceEncoder(None).encode(["effusion"])[0], rtol=0, atol=2e-6)


def test_those_of_another_encoder_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded_phrases, "version", lambda _: "9.9")
    save_phrases(tmp_path / "phrases", {"mark": torch.ones(384)})
    assert set(load_phrases(tmp_path / "phrases")) == {"mark"}
    monkeypatch.undo()
    assert load_phrases(tmp_path / "phrases") == {}


def test_a_missing_or_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "phrases"
    with pytest.raises(CheckpointError, match="is missing or damaged; install Patch-CLIP anew"):
        load_phrases(path)
    path.write_bytes(PHRASES.read_bytes()[:5000])
    with pytest.raises(CheckpointError, match="is missing or damaged"):
        load_phrases(path)
    safetensors.torch.save_file({"features": torch.ones(2, 384)}, path, {"format": "1", "texts": '["a"]'})
    with pytest.raises(CheckpointError, match="of another version or damaged"):
        load_phrases(path)
