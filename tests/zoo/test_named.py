"""Published CLIP models by name, from a local file: the same numbers as open_clip's own."""

from __future__ import annotations

from pathlib import Path

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from patchclip import CheckpointError, Engine, Letterbox, Radiograph
from patchclip.types import FloatArray

NAME = "ViT-S-32-alt"
MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def _padded(pixels: FloatArray, size: int) -> FloatArray:
    height, width = pixels.shape
    return Letterbox(height, width, size).apply(pixels)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of a small CLIP."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("clip") / "weights.safetensors"
    save_file(
        {name: value.contiguous() for name, value in open_clip.create_model(NAME).state_dict().items()}, path
    )
    return path


def test_a_model_by_name_answers_as_open_clip_does(weights: Path, effusion: Radiograph) -> None:
    engine = Engine.from_pretrained(f"{NAME}/{weights}", device="cpu")
    encoded = engine.encode(effusion)
    own = open_clip.create_model(NAME, pretrained=str(weights)).eval()
    # Neither standardised nor cropped: the film as it is, in a square, scaled as open_clip scales channels.
    assert torch.allclose(encoded.pixels[0, 0], torch.from_numpy(_padded(effusion.pixels, 224)), atol=1e-5)
    shape = (1, 3, 1, 1)
    mean, deviation = (torch.tensor(values).view(shape) for values in (MEAN, DEVIATION))
    pixels = (encoded.pixels - mean) / deviation
    with torch.no_grad():
        image = own.encode_image(pixels, normalize=True)[0]
        pair = engine.vocabulary.prompts("Effusion")
        tokenizer = open_clip.get_tokenizer(NAME)
        sides = [
            F.normalize(own.encode_text(tokenizer(list(side)), normalize=True).mean(dim=0), dim=0)
            for side in (pair.positive, pair.negative)
        ]
        expected = torch.sigmoid(own.logit_scale.exp() * (image @ (sides[0] - sides[1])))
    assert torch.allclose(encoded.global_embedding, image, atol=1e-4)
    found, turned = engine.query(encoded, ["pleural effusion", "no pleural effusion"])
    assert found.probability == pytest.approx(float(expected), abs=1e-3)
    assert turned.probability == pytest.approx(1 - found.require_probability())
    assert found.map.values.shape == engine.model.grid == (7, 7)
    assert any("not calibrated" in warning for warning in encoded.warnings)
    assert engine.saliency(encoded, "mass", "attention_rollout").values.max() == pytest.approx(1)


def test_a_name_without_weights_is_said() -> None:
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        Engine.from_pretrained(f"{NAME}//absent/weights.safetensors")
    with pytest.raises(CheckpointError, match="name a file"):
        Engine.from_pretrained(NAME)


def test_a_published_model_has_no_sparse_branch(weights: Path) -> None:
    """The branch is a training objective alone."""
    model = Engine.from_pretrained(f"{NAME}/{weights}", device="cpu").model
    tokens, mask = torch.zeros(1, 49, 1), torch.ones(1, 1, dtype=torch.bool)
    nothing = torch.zeros(1, 1, dtype=torch.int64)
    with pytest.raises(CheckpointError, match=r"has no sparse branch; set loss\.sparse to 0"):
        model.encode_sparse(tokens, (7, 7), nothing, mask, nothing[0])
