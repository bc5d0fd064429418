"""An ensemble gives the means of its members' logits, and is a checkpoint like any other."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from timm.layers.norm_act import BatchNormAct2d
from torch import Tensor

from patchclip import CheckpointError, Engine, Radiograph
from patchclip.__main__ import main as command
from patchclip.execution import Execution
from patchclip.model.calibration import Calibration
from patchclip.model.checkpoint import RECORD, load_checkpoint, save_checkpoint
from patchclip.model.encoders import TorchEncoder
from patchclip.model.ensemble import EnsembleTower, ensemble_of
from patchclip.model.patchclip import PatchCLIP
from patchclip.saliency.task import QueryHead, last_layers
from patchclip.text.scope import QueryGate
from patchclip.types import FloatArray
from tests.tiny import CONFIG, VOCABULARY

OTHER = replace(
    CONFIG, name="other", tower="timm:mobilenetv2_100", token_width=24, embed_dim=48, sparse_heads=3
)
SENTENCES = ["pleural effusion", "there is a mass", "no pleural effusion", "no mass"]


@pytest.fixture(scope="module")
def members() -> list[PatchCLIP]:
    """Two models of different towers, widths, scales and biases."""
    models = []
    for seed, config in enumerate((CONFIG, OTHER)):
        torch.manual_seed(seed)
        model = PatchCLIP(config).eval().requires_grad_(False)
        model.logit_scale.fill_(0.5 + seed)
        model.logit_bias.fill_(-1.0 - seed)
        models.append(model)
    return models


@pytest.fixture(scope="module")
def folder(members: list[PatchCLIP], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder of the ensemble."""
    place = tmp_path_factory.mktemp("ensemble") / "both"
    gates = {"query": QueryGate.fit(VOCABULARY, members[0].sentence_encoder).to_dict()}
    calibration = replace(Calibration.identity(VOCABULARY.labels), mirror=True)
    save_checkpoint(place, ensemble_of("both", members), VOCABULARY, calibration, gates)
    return place


@pytest.fixture(scope="module")
def both(folder: Path) -> Engine:
    return Engine.from_pretrained(folder, device="cpu", execution=Execution("torch", "fp32"))


def pixels_of(count: int) -> tuple[Tensor, Tensor]:
    """Noise [B, 1, S, S], the last row of whose patches is padding."""
    valid = torch.ones(count, 4, 4, dtype=torch.bool)
    valid[:, -1] = False
    return torch.rand(count, 1, 64, 64, generator=torch.Generator().manual_seed(count)), valid


def logits(model: PatchCLIP, mirror: bool) -> dict[str, Tensor]:
    """Of two queries, each with one wording for either end."""
    text = model.project_text(model.encode_sentences(SENTENCES))
    seen = model.encode_image(*pixels_of(3), mirror=mirror)
    parts = {"global": seen.global_, "pooled": seen.pooled, "patches": seen.patches}
    return {name: model.pair_logits(part, text[:2], text[2:]) for name, part in parts.items()}


@pytest.mark.parametrize("mirror", [False, True])
def test_every_logit_is_the_mean_of_the_members(members: list[PatchCLIP], mirror: bool) -> None:
    whole = logits(ensemble_of("both", members), mirror)
    one, two = (logits(member, mirror) for member in members)
    assert not torch.allclose(one["patches"], two["patches"], atol=0.1)
    for name, values in whole.items():
        torch.testing.assert_close(values, (one[name] + two[name]) / 2, rtol=1e-4, atol=1e-5)


def test_a_checkpoint_of_one_answers_as_it_did(
    members: list[PatchCLIP], both: Engine, effusion: Radiograph
) -> None:
    whole = ensemble_of("both", members)
    config = both.model.config
    assert config.tower == "timm:mobilenetv2_050 + timm:mobilenetv2_100"
    assert (config.token_width, config.embed_dim) == (40, 80)
    assert isinstance(both.model.tower, EnsembleTower) and len(both.model.tower.members) == 2
    for name, value in logits(both.model, True).items():
        torch.testing.assert_close(value, logits(whole, True)[name], rtol=0, atol=0.02)  # halved weights
    answer, absent = both.query(both.encode(effusion), ["pleural effusion", "no pleural effusion"])
    assert answer.probability is not None and absent.probability is not None
    assert answer.probability + absent.probability == pytest.approx(1)
    assert answer.map.values.shape == (4, 4) and np.ptp(answer.map.values) > 0


def test_the_towers_speed_ups_reach_every_member(both: Engine) -> None:
    given = pixels_of(2)
    plain = both.model.encode_image(*given)
    folded = TorchEncoder(both.model)(*given)
    torch.testing.assert_close(folded.patches, plain.patches, rtol=1e-3, atol=1e-4)
    for number, tower in enumerate(TorchEncoder(both.model).model.tower.members):
        before = both.model.tower.members[number]
        assert norms(tower) == 0 < norms(before)
    half = TorchEncoder(both.model, bf16=True)
    assert not half.autocast  # stage by stage, not as a whole
    spread = float(plain.patches.abs().max())
    torch.testing.assert_close(half(*given).patches, plain.patches, rtol=0, atol=0.1 * spread)


def test_its_graph_gives_what_torch_gives(folder: Path, tmp_path: Path, effusion: Radiograph) -> None:
    pytest.importorskip("onnxruntime")
    place = Path(shutil.copytree(folder, tmp_path / "graph"))
    assert command(["onnx", "--checkpoint", str(place)]) == 0
    found = []
    for backend in ("torch", "onnx"):
        engine = Engine.from_pretrained(place, device="cpu", execution=Execution(backend, "fp32"))
        found.append(engine.query(engine.encode(effusion), ["mass"])[0].map.values)
    np.testing.assert_allclose(found[0], found[1], atol=1e-3)


def test_gradient_saliency_is_the_mean_over_the_towers(both: Engine, effusion: Radiograph) -> None:
    """By hand: the gradient of the logit at each tower's last stage, its mean over the grid as weights."""
    encoded = both.encode(effusion)
    task = both.saliency_task(encoded, ["effusion"])
    found = both.saliency(encoded, "effusion", "grad_cam").values
    seen: list[Tensor] = []

    def keep(_: torch.nn.Module, __: tuple[Tensor, ...], output: Tensor) -> Tensor:
        seen.append(output.detach().requires_grad_())
        return seen[-1]

    layers = last_layers(task.model)
    hooks = [layer.register_forward_hook(keep) for layer in layers]
    logit = QueryHead(task)(task.pixels.clone())[0, 0]
    for hook in hooks:
        hook.remove()
    assert len(layers) == 2 == len(seen) and seen[0].shape[1] != seen[1].shape[1]
    maps = []
    for output, gradient in zip(seen, torch.autograd.grad(logit, seen), strict=True):
        heat = (gradient.mean(dim=(2, 3), keepdim=True) * output).sum(dim=1).clamp(min=0).detach().numpy()
        maps.append([_unit(cv2.resize(_unit(one), (64, 64))) for one in heat])
    mean = [_unit((one + other) / 2) for one, other in zip(*maps, strict=True)]
    whole = (mean[0] + mean[1][:, ::-1]) / 2  # the second is of the mirror image
    wanted = cv2.resize(whole, (4, 4), interpolation=cv2.INTER_AREA)
    assert np.corrcoef(wanted.ravel(), found.ravel())[0, 1] > 0.99
    assert both.saliency(encoded, "effusion", "raw_cosine").values.shape == (4, 4)
    assert "attention_gradient" not in both.saliency_methods()


def norms(tower: torch.nn.Module) -> int:
    """How many are not folded into a convolution."""
    return sum(isinstance(module, BatchNormAct2d) for module in tower.modules())


def _unit(values: NDArray[Any]) -> FloatArray:
    return np.asarray((values - values.min()) / (np.ptp(values) + 1e-7), np.float32)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image_size": 96}, "other has image_size 96, tiny has 64; name models by recipes"),
        ({"levels": (3, 4)}, r"other has levels \(3, 4\), tiny has \(2, 3, 4\)"),
        ({"mean": 0.25}, "other has mean 0.25"),
    ],
)
def test_members_look_at_the_same_patches(
    members: list[PatchCLIP], changes: dict[str, object], words: str
) -> None:
    other = PatchCLIP(replace(OTHER, **changes)).eval()  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match=words):
        ensemble_of("both", [members[0], other])


def test_of_one_or_of_ensembles_there_is_none(members: list[PatchCLIP]) -> None:
    with pytest.raises(CheckpointError, match="two members or more"):
        ensemble_of("one", members[:1])
    with pytest.raises(CheckpointError, match="both is an ensemble itself"):
        ensemble_of("three", [ensemble_of("both", members), members[0]])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda record: record.pop("members"), 'has no section "members"'),
        (lambda record: record.update(members={}), 'has no section "members"'),
        (lambda record: record.update(members=[1, 2]), "model config is no JSON object"),
        (lambda record: record["members"].pop(), "two members or more"),
        (lambda record: record["members"][1].pop("tower"), "lacks tower"),
        (lambda record: record["members"][1].update(embed_dim=49), "not that of the checkpoint's members"),
        (lambda record: record["members"].reverse(), "not that of the checkpoint's members"),
        (lambda record: record["members"].extend(record["members"] * 400), "token_width is 16040"),
        (lambda record: record.update(members=[]), "knows no model|cannot be built"),
    ],
)
def test_a_damaged_record_is_refused(folder: Path, tmp_path: Path, damage: object, words: str) -> None:
    place = Path(shutil.copytree(folder, tmp_path / "damaged"))
    record = json.loads((place / RECORD).read_text())
    damage(record)  # type: ignore[operator]
    (place / RECORD).write_text(json.dumps(record))
    with pytest.raises(CheckpointError, match=words):
        load_checkpoint(place)
