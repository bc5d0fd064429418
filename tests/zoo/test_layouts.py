"""Every layout in miniature: the checkpoint folder gives what the library that published the layout gives."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from patchclip.errors import CheckpointError
from patchclip.model.checkpoint import Checkpoint, load_checkpoint
from patchclip.zoo.convert import Wishes, convert
from tests.zoo.tiny_models import FEW, bert_tokenizer, biomedclip, grey, hugging_face, plain_clip

SENTENCES = ["pleural effusion", "no evidence of a mass"]
SCALING = {"chexzero": (101.48761 / 255, 83.43944 / 255)}


@dataclass(frozen=True)
class Case:
    """A converted model, and what the publishing library makes of the same picture and sentences.

    Attributes:
        checkpoint: as loaded from its folder.
        source: what was converted.
        pixels: [1, 1, S, S] in [0, 1].
        image: [1, D], the library's image embedding.
        patches: [1, P, D], the last layer's tokens through the library's own projection; None where there is
            no such thing in the library.
        texts: [2, D].
        scale: its logit scale.
    """

    checkpoint: Checkpoint
    source: Path
    pixels: Tensor
    image: Tensor
    patches: Tensor | None
    texts: Tensor
    scale: float


def normal(values: Tensor) -> Tensor:
    return F.normalize(values, dim=-1)


def three(pixels: Tensor, mean: Any, std: Any) -> Tensor:
    """Channels as the publishers scale them."""
    shape = (1, 3, 1, 1)
    channels = pixels.expand(-1, 3, -1, -1)
    return (channels - torch.tensor(mean).expand(3).view(shape)) / torch.tensor(std).expand(3).view(shape)


def make_chexzero(folder: Path) -> Case:
    model = plain_clip()
    state = {f"module.{name}": value for name, value in model.state_dict().items()}
    path = folder / "chexzero.pt"
    torch.save({"state_dict": {**state, "module.input_resolution": torch.tensor(64)}}, path)
    pixels = grey(64)
    import open_clip

    with torch.no_grad():
        seen = three(pixels, *SCALING["chexzero"])
        texts = model.encode_text(open_clip.get_tokenizer("ViT-B-32")(SENTENCES))
        tokens = model.visual.ln_post(_tokens(model, seen)) @ model.visual.proj
        image = model.encode_image(seen)
    checkpoint = convert(str(path), folder / "out", FEW)
    return Case(checkpoint, path, pixels, image, tokens, texts, float(model.logit_scale.exp()))


def _tokens(model: Any, seen: Tensor) -> Tensor:
    """What leaves the transformer, without the class token; by a hook, not by `forward_intermediates`."""
    kept: list[Tensor] = []
    hook = model.visual.transformer.register_forward_hook(lambda _m, _i, out: kept.append(out))
    model.encode_image(seen)
    hook.remove()
    return kept[0][:, 1:]


def make_biomedclip(folder: Path) -> Case:
    model = biomedclip(folder / "bert")
    tokenizer = bert_tokenizer(folder)
    path = folder / "open_clip_pytorch_model.bin"
    torch.save(model.state_dict(), path)
    pixels = grey(224)
    from open_clip.tokenizer import HFTokenizer

    from patchclip.zoo.source import CLIP_SCALING

    with torch.no_grad():
        seen = three(pixels, CLIP_SCALING.mean, CLIP_SCALING.deviation)
        texts = model.encode_text(HFTokenizer(str(tokenizer), context_length=256)(SENTENCES))
        trunk: Any = model.visual.trunk
        tokens = model.visual.head(trunk.forward_features(seen)[:, 1:])
        image = model.encode_image(seen)
    checkpoint = convert(str(path), folder / "out", FEW, Wishes(name="biomed"))
    return Case(checkpoint, path, pixels, image, tokens, texts, float(model.logit_scale.exp()))


def make_hugging_face(folder: Path, kind: str) -> Case:
    from transformers import AutoTokenizer

    model = hugging_face(folder / kind, kind)
    pixels = grey(64)
    tokens = AutoTokenizer.from_pretrained(folder / kind)(
        SENTENCES, padding="max_length", max_length=16, return_tensors="pt"
    )
    with torch.no_grad():
        seen = three(pixels, [0.4, 0.5, 0.6], [0.2, 0.25, 0.3])
        image = model.get_image_features(pixel_values=seen).pooler_output
        texts = model.get_text_features(input_ids=tokens["input_ids"]).pooler_output
        patches = None
        if kind == "clip":
            last = model.vision_model(pixel_values=seen).last_hidden_state[:, 1:]
            patches = model.visual_projection(model.vision_model.post_layernorm(last))
    checkpoint = convert(str(folder / kind), folder / "out", FEW)
    return Case(checkpoint, folder / kind, pixels, image, patches, texts, float(model.logit_scale.exp()))


MAKERS = {
    "chexzero": make_chexzero,
    "biomedclip": make_biomedclip,
    "clip": lambda folder: make_hugging_face(folder, "clip"),
    "siglip": lambda folder: make_hugging_face(folder, "siglip"),
}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    """All layouts, each converted once."""
    return {name: make(tmp_path_factory.mktemp(name)) for name, make in MAKERS.items()}


@pytest.mark.parametrize("name", MAKERS)
def test_a_layout_gives_what_its_library_gives(cases: dict[str, Case], name: str) -> None:
    case = cases[name]
    model = case.checkpoint.model
    with torch.no_grad():
        embedded = model.encode_image(case.pixels)
        texts = model.project_text(model.encode_sentences(SENTENCES))
    torch.testing.assert_close(embedded.global_, normal(case.image), rtol=0, atol=2e-5)
    torch.testing.assert_close(texts, normal(case.texts), rtol=0, atol=2e-5)
    assert (normal(case.texts)[0] - normal(case.texts)[1]).abs().max() > 0.01  # the sentences differ
    if case.patches is not None:
        torch.testing.assert_close(embedded.patches, normal(case.patches), rtol=0, atol=2e-5)
    assert embedded.patches.shape[1] == model.grid[0] * model.grid[1] == (model.config.image_size // 16) ** 2
    logits = model.pair_logits(embedded.global_, texts[:1], texts[1:])
    expected = case.scale * normal(case.image) @ (normal(case.texts)[0] - normal(case.texts)[1])
    assert float(logits) == pytest.approx(float(expected), abs=0.02)
    assert case.scale > 100  # beyond the limit of models that are trained here


def test_a_patch_of_siglip_is_the_pool_that_attends_to_it_alone(cases: dict[str, Case]) -> None:
    """Its own pooling over an image of which all tokens are that patch's: attention has no choice then."""
    model: Any = cases["siglip"].checkpoint.model
    trunk = model.tower.visual.trunk
    with torch.no_grad():
        patches = model.encode_image(cases["siglip"].pixels).patches[0]
        tokens = trunk.forward_features(model.tower.channels(cases["siglip"].pixels.expand(-1, 3, -1, -1)))[0]
        alone = trunk.attn_pool(tokens[:, None].expand(-1, 16, -1))
    torch.testing.assert_close(patches, normal(alone), rtol=0, atol=2e-5)


def test_a_folder_says_where_it_is_from_and_that_nothing_is_calibrated(cases: dict[str, Case]) -> None:
    for name, layout in (("chexzero", "clip"), ("biomedclip", "biomedclip"), ("clip", "hf-clip")):
        checkpoint = cases[name].checkpoint
        assert checkpoint.model.published is not None and checkpoint.note is not None
        assert checkpoint.model.published.record.layout == layout
        assert "not calibrated" in checkpoint.note
    assert cases["biomedclip"].checkpoint.model.config.name == "biomed"
    assert cases["clip"].checkpoint.model.input_style.fit == "pad"
    assert cases["siglip"].checkpoint.model.input_style.fit == "squash"


def test_another_tokenizer_is_another_model(cases: dict[str, Case], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(cases["clip"].source.parent / "out", tmp_path / "copy"))
    assert load_checkpoint(folder).sha256 == cases["clip"].checkpoint.sha256
    path = folder / "tokenizer" / "tokenizer_config.json"
    path.write_text(path.read_text() + "\n")
    with pytest.raises(CheckpointError, match="belongs to another model"):  # the embedded prompts
        load_checkpoint(folder)
    (folder / "prompts.safetensors").unlink()
    assert load_checkpoint(folder).sha256 != cases["clip"].checkpoint.sha256


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("chexzero", "visual.proj"),
        ("chexzero", "transformer.resblocks.1.ln_2.bias"),
        ("biomedclip", "text.proj.2.weight"),
        ("biomedclip", "visual.trunk.blocks.1.attn.qkv.bias"),
    ],
)
def test_a_file_that_lacks_something_says_what(
    cases: dict[str, Case], name: str, lost: str, tmp_path: Path
) -> None:
    source = cases[name].source
    state = torch.load(source, weights_only=True)
    state = {key.removeprefix("module."): value for key, value in state.get("state_dict", state).items()}
    del state[lost]
    torch.save(state, tmp_path / "weights.pt")
    wishes = Wishes(tokenizer=source.parent)
    with pytest.raises(CheckpointError, match=r"nearest to the layout of .*, but lack ") as error:
        convert(str(tmp_path / "weights.pt"), tmp_path / "out", FEW, wishes)
    assert lost in str(error.value) and str(error.value).endswith("as it was published.")
    assert not (tmp_path / "out").exists()


def test_a_folder_of_hugging_face_that_lacks_something_says_what(
    cases: dict[str, Case], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(cases["siglip"].source, tmp_path / "siglip"))
    state = load_file(folder / "model.safetensors")
    del state["vision_model.head.probe"]
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(CheckpointError, match=r"missing or of another shape are vision_model\.head\.probe;"):
        convert(str(folder), tmp_path / "out", FEW)


def test_what_is_no_model_is_said(cases: dict[str, Case], tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(CheckpointError, match="no file or folder"):
        convert("ViT-B-17", out, FEW)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"holds none of model\.json"):
        convert(str(tmp_path / "empty"), out, FEW)
    (tmp_path / "text.pt").write_text("no weights")
    with pytest.raises(CheckpointError, match="no weights that can be read"):
        convert(str(tmp_path / "text.pt"), out, FEW)
    torch.save({"layer.weight": torch.zeros(2)}, tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match="none of the names of CLIP and CheXzero or BiomedCLIP"):
        convert(str(tmp_path / "other.pt"), out, FEW)
    with pytest.raises(CheckpointError, match="holds a checkpoint already"):
        convert(str(tmp_path / "other.pt"), cases["clip"].source.parent / "out", FEW)


def test_a_tokenizer_that_does_not_fit_is_said(cases: dict[str, Case], tmp_path: Path) -> None:
    state = dict(torch.load(cases["biomedclip"].source, weights_only=True))
    name = "text.transformer.embeddings.word_embeddings.weight"
    state[name] = state[name][:8].clone()
    torch.save(state, tmp_path / "weights.pt")
    with pytest.raises(CheckpointError, match=r"needs its tokenizer; put its files .* or name their folder"):
        convert(str(tmp_path / "weights.pt"), tmp_path / "out", FEW)
    wishes = Wishes(tokenizer=cases["biomedclip"].source.parent)
    with pytest.raises(CheckpointError, match=r"tokenizer gives the token \d+, and the text tower knows 8;"):
        convert(str(tmp_path / "weights.pt"), tmp_path / "out", FEW, wishes)
