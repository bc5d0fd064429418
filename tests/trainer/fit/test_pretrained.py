"""Pretrained weights that are damaged, or of another tower, are a sentence before training starts."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import open_clip
import pytest
import safetensors.torch
import torch
from torch import Tensor

from patchclip.errors import CheckpointError
from patchclip.model.patchclip import PatchCLIP
from tests.tiny import CONFIG
from trainer.fit.pretrained import PACKAGED, Packaged, initialise

PACKAGE = "weights_of_this_test"
CLIP = "ViT-S-32-alt"


def trunk(model: PatchCLIP) -> dict[str, Tensor]:
    part = model.tower.visual.trunk
    assert isinstance(part, torch.nn.Module)
    return {key: value.clone() for key, value in part.state_dict().items()}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The weight file of an installed package, which a test writes."""
    (tmp_path / PACKAGE).mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(PACKAGED, "test", Packaged(PACKAGE, "*.pth", CONFIG.tower, ("classifier",)))
    return tmp_path / PACKAGE / "tower.pth"


def half(path: Path) -> None:
    torch.save({"weight": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:2000])


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "cannot be read"),
    "no weights": (lambda path: path.write_bytes(b"<html>not found</html>"), "cannot be read"),
    "cut short": (half, "cannot be read"),
    "objects": (lambda path: path.write_bytes(pickle.dumps(CheckpointError("x"), 2)), "cannot be read"),
    "a list": (lambda path: torch.save([torch.zeros(3)], path), "hold something else"),
    "nested": (lambda path: torch.save({"state": {"a": torch.zeros(3)}}, path), "hold something else"),
    "another tower": (lambda path: torch.save({"a": torch.zeros(3)}, path), "do not match the tower"),
}


@pytest.mark.parametrize(("damage", "words"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_package_is_said_and_nothing_is_loaded(
    package: Path, damage: Callable[[Path], object], words: str
) -> None:
    damage(package)
    model = PatchCLIP(CONFIG)
    before = trunk(model)
    with pytest.raises(CheckpointError, match=words) as caught:
        initialise(model, "test")
    assert "--force-reinstall -r requirements-weights.txt" in str(caught.value)
    assert all(torch.equal(before[key], value) for key, value in trunk(model).items())


def test_whole_weights_of_a_package_are_loaded_in_order_under_other_names(package: Path) -> None:
    weights = trunk(PatchCLIP(CONFIG))
    torch.save({f"features.{key}": value for key, value in weights.items()}, package)
    model = PatchCLIP(CONFIG)
    initialise(model, "test")
    assert all(torch.equal(weights[key], value) for key, value in trunk(model).items())


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff" * 100], ids=["empty", "json", "bytes"])
def test_a_damaged_file_of_a_clip_is_said(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "clip.safetensors"
    file.write_bytes(content)
    model = PatchCLIP(replace(CONFIG, tower=CLIP, levels=(9,), grid_level=9, image_size=64))
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        initialise(model, f"open_clip:{file}")


def test_a_clip_of_another_shape_than_the_recipes_tower_is_said(tmp_path: Path) -> None:
    file = tmp_path / "clip.safetensors"
    weights = {key: value.contiguous() for key, value in open_clip.create_model(CLIP).state_dict().items()}
    safetensors.torch.save_file(weights, file)
    model = PatchCLIP(replace(CONFIG, tower=CLIP, levels=(9,), grid_level=9, image_size=64))
    model.tower.visual.proj = torch.nn.Parameter(torch.zeros(3, 5))
    with pytest.raises(CheckpointError, match=f'do not fit the tower "{CLIP}" of the recipe; change one'):
        initialise(model, f"open_clip:{file}")
