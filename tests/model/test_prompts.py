"""Prompts embedded into a checkpoint: the same answers without the text encoder, never another model's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import safetensors.torch
import torch

from patchclip import CheckpointError, Engine, Radiograph
from patchclip.model.checkpoint import load_checkpoint, save_checkpoint, write_prompts
from patchclip.model.prompts import PROMPTS, embed_prompts
from patchclip.resources import BUNDLED
from patchclip.text.encoder import SentenceEncoder
from tests.tiny import ROOT, tiny_checkpoint
from trainer.__main__ import main as trainer

TWIN = ROOT / "assets" / "patchclip-cxr-s-twin"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint as it was made before there were prompts in one."""
    made = tiny_checkpoint(tmp_path_factory.mktemp("prompts"), prompts=False)
    assert not (made / PROMPTS).exists()
    return made


@pytest.mark.parametrize("shipped", [BUNDLED, TWIN], ids=["bundled", "twin"])
def test_those_of_the_shipped_models_are_what_the_encoder_makes(shipped: Path) -> None:
    checkpoint = load_checkpoint(shipped)
    assert tuple(checkpoint.prompts) == checkpoint.vocabulary.labels
    made = embed_prompts(checkpoint.model, checkpoint.vocabulary)
    for label, pair in checkpoint.prompts.items():
        assert torch.allclose(pair.positive, made[label].positive, rtol=0, atol=1e-6), label
        assert torch.allclose(pair.negative, made[label].negative, rtol=0, atol=1e-6), label


def test_answers_are_the_same_with_and_without_and_so_is_the_hash(
    folder: Path, tmp_path: Path, effusion: Radiograph, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Engine.from_pretrained(folder, device="cpu")
    texts = [f"no {item.name}" for item in before.vocabulary.findings] + ["effusion on the left"]
    expected = before.query(before.encode(effusion), texts)

    quick = shutil.copytree(folder, tmp_path / "quick")
    assert trainer(["prompts", "--checkpoint", str(quick)]) == 0

    def load(_: SentenceEncoder) -> None:
        raise AssertionError("the text encoder was loaded")

    monkeypatch.setattr(SentenceEncoder, "_load", load)
    after = Engine.from_pretrained(quick, device="cpu")
    assert after.sha256 == before.sha256
    answers = after.query(after.encode(effusion), texts)
    for answer, other in zip(answers, expected, strict=True):
        assert answer.probability == pytest.approx(other.probability, abs=1e-6)
        assert answer.map.values == pytest.approx(other.map.values, abs=1e-6)


def test_another_model_s_are_refused_and_a_new_checkpoint_sheds_those_of_the_old(
    folder: Path, tmp_path: Path
) -> None:
    quick = shutil.copytree(folder, tmp_path / "quick")
    write_prompts(quick)
    checkpoint = load_checkpoint(quick)
    with torch.no_grad():
        checkpoint.model.logit_bias.add_(1)
    save_checkpoint(tmp_path / "other", checkpoint.model, checkpoint.vocabulary, gates=checkpoint.gates)
    shutil.copy2(quick / PROMPTS, tmp_path / "other" / PROMPTS)
    with pytest.raises(CheckpointError, match="belongs to another model than the weights beside it; run"):
        load_checkpoint(tmp_path / "other")
    save_checkpoint(quick, checkpoint.model, checkpoint.vocabulary, gates=checkpoint.gates)
    assert not (quick / PROMPTS).exists()
    assert load_checkpoint(quick).prompts == {}


def test_damaged_ones_are_refused(folder: Path, tmp_path: Path) -> None:
    quick = shutil.copytree(folder, tmp_path / "quick")
    sha256 = write_prompts(quick)
    tensors = safetensors.torch.load_file(quick / PROMPTS)
    labels = json.dumps(list(load_checkpoint(quick).vocabulary.labels))

    def written(tensors: dict[str, torch.Tensor], form: str = "1") -> None:
        about = {"format": form, "labels": labels, "sha256": sha256}
        (quick / PROMPTS).write_bytes(safetensors.torch.save(tensors, about))

    written(tensors)
    assert load_checkpoint(quick).prompts
    written(tensors, "2")
    with pytest.raises(CheckpointError, match="has format 2, this version reads 1; update Patch-CLIP"):
        load_checkpoint(quick)
    written({**tensors, "negative": tensors["negative"] * float("nan")})
    with pytest.raises(CheckpointError, match="not of unit length; run python -m trainer prompts"):
        load_checkpoint(quick)
    written({**tensors, "negative": tensors["negative"][1:]})
    with pytest.raises(CheckpointError, match="is damaged; run python -m trainer prompts"):
        load_checkpoint(quick)
    written({"positive": tensors["positive"]})
    with pytest.raises(CheckpointError, match="is damaged; run python -m trainer prompts"):
        load_checkpoint(quick)
    (quick / PROMPTS).write_bytes(b"none")
    with pytest.raises(CheckpointError, match="is damaged; run python -m trainer prompts"):
        load_checkpoint(quick)
