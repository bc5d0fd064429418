"""Continuing a run: what may change, what is refused, and what a diverging run leaves behind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tiny import tiny_dataset
from tests.trainer.fit.runs import Cut, changes, fit, miniature, short_recipe
from trainer.batches.dataset import PatchDataset
from trainer.fit import loop
from trainer.fit.distributed import Processes
from trainer.fit.run_folder import Progress, RunState


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return miniature(tmp_path_factory.mktemp("resume"), short_recipe())


def cut_at(patch: pytest.MonkeyPatch, step: int) -> None:
    """Ends a run before the step's gradients are taken."""
    check = loop.check_finite

    def cut(what: str, value: torch.Tensor, at: int, files: Any) -> None:
        if at == step:
            raise Cut
        check(what, value, at, files)

    patch.setattr(loop, "check_finite", cut)


@pytest.fixture(scope="module")
def ended(place: Path) -> Path:
    """A run of four steps that ended after three."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Cut):
        cut_at(patch, 3)
        fit(place, place / "ended")
    return place / "ended"


@pytest.fixture
def begun(ended: Path, tmp_path: Path) -> Path:
    """A copy of that run."""
    return shutil.copytree(ended, tmp_path / "run")


def state(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(run / "state.pt", weights_only=True)
    return found


def test_another_recipe_is_refused_by_the_names_of_its_fields(
    place: Path, begun: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (begun / "config.json").read_bytes()
    assert (
        fit(place, begun, *changes("optim.batch_size=4", "loss.mil=2", "optim.lr_heads=0.1"), "--resume") == 1
    )
    said = capsys.readouterr().err
    assert (
        "optim.batch_size (8, now 4)" in said
        and "loss.mil (1.0, now 2.0)" in said
        and "lr_heads (" not in said
    )
    assert (begun / "config.json").read_bytes() == before  # the record is still that of the run
    assert state(begun)["progress"]["total"] == 3


def test_other_data_is_refused(
    place: Path, begun: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tiny_dataset(tmp_path / "data", each=5, splits=("train",))
    same = ["--recipe", str(place / "recipe.json"), "--vocabulary", str(place / "vocabulary.json")]
    assert fit(tmp_path, begun, *same, "--resume") == 1
    assert "was begun otherwise: data." in capsys.readouterr().err
    assert other.name == "data"  # the name is the same, so the images and labels told them apart


def test_learning_rates_are_applied_anew(place: Path, begun: Path) -> None:
    rates = [group["base_lr"] for group in state(begun)["optimiser"]["param_groups"]]
    assert 1e-7 not in rates
    lower = ["optim.lr_heads=1e-7", "optim.lr_tower=1e-7", "optim.lr_text=0"]
    assert fit(place, begun, *changes(*lower), "--resume") == 0
    end = state(begun)
    assert {group["base_lr"] for group in end["optimiser"]["param_groups"]} == {1e-7, 0.0}
    assert end["progress"]["total"] == 4
    assert json.loads((begun / "config.json").read_text())["recipe"]["optim"]["lr_heads"] == 1e-7


def test_a_damaged_state_is_refused(place: Path, begun: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (begun / "state.pt").write_bytes(b"PK\x03\x04 cut off")
    assert fit(place, begun, "--resume") == 1 and "state.pt is damaged" in capsys.readouterr().err


def test_a_gradient_that_is_no_number_is_neither_stepped_nor_saved(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = 0

    def poisoned(self: Processes, model: torch.nn.Module) -> None:
        nonlocal steps
        steps += 1
        if steps == 3:
            next(item.grad for item in model.parameters() if item.grad is not None).fill_(float("nan"))

    with monkeypatch.context() as patch:
        patch.setattr(Processes, "average_gradients", poisoned)
        assert fit(place, tmp_path / "run") == 1
    said = capsys.readouterr().err
    assert "The gradient is not finite at step 2, whose images are 00" in said and said.count(".png") == 8
    kept = state(tmp_path / "run")
    assert kept["progress"]["total"] == 2
    assert all(
        bool(torch.isfinite(value).all()) for value in kept["learner"].values() if value.is_floating_point()
    )
    assert (
        fit(place, tmp_path / "run", *changes("optim.lr_tower=1e-6"), "--resume") == 0
    )  # as the sentence advises


def test_the_images_of_a_bad_step_are_those_that_it_read(
    place: Path, begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in parts, and in an epoch that a resumed run comes back to."""
    named: list[list[str]] = []
    read: list[str] = []
    getitem = PatchDataset.__getitem__

    def noted(self: PatchDataset, key: tuple[int, int | None]) -> Any:
        if key[1] is not None:
            read.append(self.items[key[0]].sample.path.name)
        return getitem(self, key)

    def check(what: str, value: torch.Tensor, at: int, files: Any) -> None:
        if what == "gradient":
            named.append(list(files()))

    monkeypatch.setattr(PatchDataset, "__getitem__", noted)
    monkeypatch.setattr(loop, "check_finite", check)
    assert fit(place, begun, "--resume") == 0
    assert named == [read] and len(read) == 8
    read.clear()
    named.clear()
    assert fit(place, begun.with_name("parts"), *changes("optim.accumulate=2")) == 0
    assert [name for step in named for name in step] == read and len(named) == 4


def test_a_run_begun_anew_in_a_folder_begins_its_log_anew(place: Path, begun: Path) -> None:
    def epochs() -> list[int]:
        return [json.loads(line)["epoch"] for line in (begun / "log.jsonl").read_text().splitlines()]

    assert fit(place, begun, "--resume") == 0
    assert epochs() == [1, 2]
    assert fit(place, begun, *changes("optim.epochs=[1]")) == 0
    assert epochs() == [1] and len(list((begun / "tensorboard").iterdir())) == 1


def test_an_epoch_that_is_done_again_is_logged_once(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut short between the last epoch's line in the log and the state that knows of it."""
    save = RunState.save

    def cut(self: RunState, out: Path, progress: Progress, origin: Any, *, write: bool = True) -> None:
        if progress.total == 4:
            raise Cut
        save(self, out, progress, origin, write=write)

    def logged() -> list[int]:
        return [
            json.loads(line)["epoch"] for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()
        ]

    with monkeypatch.context() as patch, pytest.raises(Cut):
        patch.setattr(RunState, "save", cut)
        fit(place, tmp_path / "run", *changes("save_every=3"))
    assert logged() == [1, 2] and state(tmp_path / "run")["progress"]["total"] == 3
    assert fit(place, tmp_path / "run", *changes("save_every=3"), "--resume") == 0
    assert logged() == [1, 2] and state(tmp_path / "run")["progress"]["total"] == 4
