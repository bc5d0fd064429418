"""The model over CNN and ViT towers, its checkpoints, and the saliency methods on both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from patchclip import CheckpointError, Engine, Radiograph, SaliencyError
from patchclip.model.checkpoint import load_checkpoint, save_checkpoint
from patchclip.model.config import ModelConfig
from patchclip.model.patchclip import PatchCLIP, mil_logit
from patchclip.saliency import SALIENCY
from patchclip.text import QueryGate, Vocabulary
from patchclip.text.encoder import shared_encoder

SMALL = ModelConfig(token_width=32, embed_dim=32, sparse_heads=4, sparse_patches=8)
CONFIGS = {
    "cnn": replace(SMALL, name="cnn", tower="timm:mobilenetv2_100", image_size=96),
    "vit": replace(
        SMALL,
        name="vit",
        tower="ViT-B-32-quickgelu",
        image_size=96,
        levels=(11,),
        grid_level=11,
        context_blocks=0,
    ),
    "timm vit": replace(
        SMALL,
        name="timm vit",
        tower="timm:vit_tiny_patch16_224",
        image_size=64,
        levels=(5, 11),
        grid_level=11,
        context_blocks=0,
    ),
    "downsampled": replace(
        SMALL,
        name="down",
        tower="timm:vit_tiny_patch16_224",
        image_size=256,
        downsample_from=64,
        levels=(11,),
        grid_level=11,
        context_blocks=0,
    ),
}


@pytest.fixture(scope="module", params=list(CONFIGS))
def model(request: pytest.FixtureRequest) -> PatchCLIP:
    """An untrained model of each kind."""
    torch.manual_seed(0)
    return PatchCLIP(CONFIGS[request.param]).eval()


def test_embeddings_are_shaped_and_their_length_is_the_temperature(model: PatchCLIP) -> None:
    """Global, patch, pooled and sparse embeddings live in one space; a vector twice as long speaks twice as
    clearly."""
    side, (rows, cols) = model.config.image_size, model.grid
    with torch.no_grad():
        out = model.encode_image(torch.rand(2, 1, side, side))
        index = torch.tensor([[0, rows * cols - 1, 0]]).expand(2, -1)
        sparse = model.encode_sparse(
            out.tokens,
            out.grid,
            index,
            torch.tensor([[True, True, False]]).expand(2, -1),
            torch.arange(2),
        )
    assert out.grid == (rows, cols) and out.patches.shape == (2, rows * cols, 32)
    positive, negative = (torch.nn.functional.normalize(torch.randn(3, 32), dim=-1) for _ in range(2))
    bias = model.logit_bias.detach()
    for vectors in (out.global_, out.patches, out.pooled, sparse):
        assert vectors.shape[-1] == 32 and vectors.dtype == torch.float32
        with torch.no_grad():
            once, twice = (model.pair_logits(factor * vectors, positive, negative) for factor in (1, 2))
        torch.testing.assert_close(twice - bias, 2 * (once - bias))


def test_sparse_ignores_empty_slots(model: PatchCLIP) -> None:
    """What stands in a masked slot changes nothing; the position of a patch does."""
    side = model.config.image_size
    with torch.no_grad():
        out = model.encode_image(torch.rand(1, 1, side, side))
        mask = torch.tensor([[True, False]])
        first, second = (
            model.encode_sparse(out.tokens, out.grid, torch.tensor([[0, other]]), mask, torch.tensor([0]))
            for other in (1, 2)
        )
        moved = model.encode_sparse(
            out.tokens[:, :1].expand(-1, out.tokens.shape[1], -1),
            out.grid,
            torch.tensor([[3, 0]]),
            mask,
            torch.tensor([0]),
        )
    torch.testing.assert_close(first, second)
    assert not torch.allclose(first, moved, atol=1e-4)


def test_pair_softmax_is_the_sigmoid_of_the_difference(model: PatchCLIP) -> None:
    """Softmax over (positive + bias, negative) against the plain formula; exchanged prompts turn everything
    round but the bias."""
    embedding = torch.nn.functional.normalize(torch.randn(4, 32), dim=-1)
    positive, negative = (torch.nn.functional.normalize(torch.randn(3, 32), dim=-1) for _ in range(2))
    logits = model.pair_logits(embedding, positive, negative).detach()
    scale, bias = float(model.logit_scale.detach().exp()), float(model.logit_bias.detach())
    assert bias < -1  # an untrained patch shows nothing
    for n in range(4):
        for k in range(3):
            pair = torch.stack(
                [scale * embedding[n] @ positive[k] + bias, scale * embedding[n] @ negative[k]]
            ).softmax(0)
            assert float(torch.sigmoid(logits[n, k])) == pytest.approx(float(pair[0]), abs=1e-5)
    torch.testing.assert_close(
        model.pair_logits(embedding, negative, positive).detach() - bias, bias - logits
    )


def test_mil_is_a_smooth_maximum() -> None:
    """Against a plain loop; padding takes no part."""
    logits, valid = torch.randn(2, 6, 3), torch.tensor([[True] * 6, [True, True, False, True, False, True]])
    pooled = mil_logit(logits, valid, area=0.5)
    for b in range(2):
        for k in range(3):
            kept = [float(logits[b, p, k]) for p in range(6) if valid[b, p]]
            assert float(pooled[b, k]) == pytest.approx(
                np.log(np.sum(np.exp(kept))) - 0.5 * np.log(len(kept)), abs=1e-5
            )


def tiny_engine(name: str, folder: Path, vocabulary: Vocabulary) -> Engine:
    """An untrained engine through a saved checkpoint."""
    torch.manual_seed(1)
    save_checkpoint(
        folder,
        PatchCLIP(CONFIGS[name]),
        vocabulary,
        gates={"query": QueryGate.fit(vocabulary, shared_encoder()).to_dict()},
    )
    return Engine.from_pretrained(folder, device="cpu")


@pytest.mark.parametrize("name", ["cnn", "vit", "timm vit"])
def test_every_saliency_works_or_says_why(
    name: str, tmp_path: Path, vocabulary: Vocabulary, effusion: Radiograph
) -> None:
    """Maps in [0, 1] on the patch grid; attention methods refuse a CNN in a sentence."""
    engine = tiny_engine(name, tmp_path, vocabulary)
    encoded = engine.encode(effusion)
    for method in SALIENCY:
        if name == "cnn" and method.startswith("attention"):
            with pytest.raises(SaliencyError, match="has none; use grad_cam"):
                engine.saliency(encoded, "effusion", method)
            continue
        shown = engine.saliency(encoded, "effusion", method)
        assert shown.values.shape == engine.query(encoded, ["effusion"])[0].map.values.shape
        assert np.isfinite(shown.values).all() and shown.values.min() >= 0 and shown.values.max() <= 1
    with pytest.raises(SaliencyError, match="grad_cam"):
        engine.saliency(encoded, "effusion", "magic")


def test_checkpoint_round_trip(tmp_path: Path, vocabulary: Vocabulary, effusion: Radiograph) -> None:
    """Saving halves precision but changes no probability by 0.01; the hash tells models apart."""
    engine = tiny_engine("cnn", tmp_path / "a", vocabulary)
    original = PatchCLIP(CONFIGS["cnn"])
    torch.manual_seed(1)
    original = PatchCLIP(CONFIGS["cnn"]).eval()
    pixels = torch.rand(2, 1, 96, 96)
    with torch.no_grad():
        first, second = original.encode_image(pixels).patches, engine.model.encode_image(pixels).patches
    assert float((first - second).abs().max()) < 0.01
    again = load_checkpoint(tmp_path / "a")
    assert again.sha256 == engine.sha256 and again.vocabulary == vocabulary
    save_checkpoint(tmp_path / "b", again.model, vocabulary)
    assert load_checkpoint(tmp_path / "b").sha256 != again.sha256


def test_damaged_checkpoints_are_refused(tmp_path: Path, vocabulary: Vocabulary) -> None:
    """Missing, cut, newer: a sentence each."""
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        load_checkpoint(tmp_path)
    save_checkpoint(tmp_path, PatchCLIP(CONFIGS["cnn"]), vocabulary)
    weights = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(tmp_path)
    record = (tmp_path / "model.json").read_text()
    (tmp_path / "model.json").write_text(record.replace('"format": 4', '"format": 9'))
    with pytest.raises(CheckpointError, match="update"):
        load_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="open_clip knows no model"):
        PatchCLIP(ModelConfig(tower="ViT-Z-99"))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sparse_heads": 0}, "sparse_heads is 0; set it to 1 or more"),
        ({"embed_dim": -1}, "embed_dim is -1; set it to 1 or more"),
        ({"token_width": 30}, "token_width a multiple of sparse_heads"),
        ({"image_size": 16}, "image_size must be at least 32"),
        ({"grid_level": 9}, "grid_level 9 is not among levels"),
        ({"text": "bert"}, 'text tower "bert" is unknown'),
        ({"text": "open_clip"}, "has no text tower of its own"),
        ({"depth": 1}, r"unknown fields \(depth\)"),
    ],
)
def test_a_model_that_cannot_be_is_refused_in_words(values: dict[str, object], words: str) -> None:
    with pytest.raises(CheckpointError, match=words):
        ModelConfig.from_dict(ModelConfig().to_dict() | values)
