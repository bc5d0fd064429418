"""The teacher's file: its tensors are taken, and nothing that it asks for beyond them."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from patchclip.errors import DataError
from trainer.fields import teacher as module
from trainer.fields.teacher import Teacher, load_teacher, lung_mask

without_source = pytest.mark.filterwarnings("ignore:Couldn't retrieve source code for container:UserWarning")
"""The old format keeps a module's source code beside it, and modules that a test makes have no file."""


class Small(nn.Module):
    """Two layers in place of the teacher's many."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(2)


def legacy_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> Small:
    """Writes a whole module as the package does, under its name; returns it."""
    home = ModuleType("lung_segmentation")
    kind = type("PretrainedUNet", (Small,), {"__module__": "lung_segmentation"})
    home.PretrainedUNet = kind  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lung_segmentation", home)
    network: Small = kind()
    torch.save(network, path, _use_new_zipfile_serialization=False)
    return network


@without_source
def test_the_tensors_of_the_file_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = legacy_file(tmp_path / "weights.pt", monkeypatch)
    monkeypatch.delitem(sys.modules, "lung_segmentation")
    monkeypatch.setattr(module, "Teacher", Small)
    loaded = load_teacher(tmp_path / "weights.pt")
    assert not loaded.training
    state = loaded.state_dict()
    assert set(state) == set(saved.state_dict())
    for name, value in saved.state_dict().items():
        assert (state[name] == value).all(), name


@without_source
def test_another_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    legacy_file(tmp_path / "weights.pt", monkeypatch)
    with pytest.raises(DataError, match="holds another network than the lung segmentation"):
        load_teacher(tmp_path / "weights.pt")


class Hostile:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch was_run",)


def test_a_file_that_asks_for_more_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"a": Hostile()}, tmp_path / "evil.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(DataError, match=r"asks for (posix|nt)\.system, which it has no need of"):
        load_teacher(tmp_path / "evil.pt")
    assert not (tmp_path / "was_run").exists()


@pytest.mark.parametrize("content", [b"", b"no pickle", pickle.dumps([1, 2])])
def test_what_is_no_such_file_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "weights.pt").write_bytes(content)
    with pytest.raises(DataError, match=r"is not the teacher's file lung_segmentation\.pt"):
        load_teacher(tmp_path / "weights.pt")
    with pytest.raises(DataError, match="FileNotFoundError"):
        load_teacher(tmp_path / "none.pt")


def test_the_mask_is_where_lung_outweighs_background() -> None:
    """Any callable of its kind: one that calls dark lung."""

    def dark(x: Tensor) -> Tensor:
        assert x.shape == (1, 1, 512, 512) and float(x.min()) == -0.5 and float(x.max()) == 0.5
        return torch.cat([x, -x], dim=1)

    pixels = np.ones((300, 200), np.float32)
    pixels[100:200, 50:100] = 0
    mask = lung_mask(dark, pixels)
    assert mask.shape == (512, 512)
    assert mask[180:330, 140:250].all() and not mask[:160].any() and not mask[:, 270:].any()


def test_the_teacher_gives_two_logits_for_every_pixel() -> None:
    with torch.inference_mode():
        assert Teacher().eval()(torch.zeros(1, 1, 64, 64)).shape == (1, 2, 64, 64)
