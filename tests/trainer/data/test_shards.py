"""Shards: what is written, what comes back, and a run over them that is cut short and goes on."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from patchclip.errors import DataError
from patchclip.image import load_radiograph
from patchclip.model.preprocess import model_input
from tests.tiny import VOCABULARY
from tests.trainer.fit.runs import Cut, fit, miniature, short_recipe
from trainer.__main__ import main
from trainer.batches.dataset import PatchDataset
from trainer.batches.sampling import BalancedSampler, windowed
from trainer.data.folder import read_folder
from trainer.data.loaded import load_samples
from trainer.data.sample import Sample
from trainer.data.shards import read_shards
from trainer.fit import loop

LABELS = frozenset(VOCABULARY.labels)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of 16 images, and the same in shards of five."""
    folder = miniature(tmp_path_factory.mktemp("shards"), short_recipe(shards_at_once=1))
    wanted = ["--recipe", str(folder / "recipe.json"), "--size", "80", "--per-shard", "5"]
    assert main(["shard", "--data", str(folder / "data"), "--out", str(folder / "shards"), *wanted]) == 0
    return folder


def test_what_is_written_is_what_webdataset_reads(place: Path) -> None:
    """Files of one image stand together under one key, in order; read here with tarfile alone."""
    names: list[str] = []
    for path in sorted((place / "shards").glob("*.tar")):
        with tarfile.open(path) as file:
            names += file.getnames()
    keys = [f"{number:09d}" for number in range(16)]
    assert names == [f"{key}.{kind}" for key in keys for kind in ("png", "json")]
    with tarfile.open(place / "shards" / "shard-000003.tar") as file:
        assert file.getnames() == ["000000015.png", "000000015.json"]
        content = file.extractfile("000000015.json")
        assert content is not None
        facts = json.load(io.TextIOWrapper(content))
    original = load_radiograph(place / "data" / "images" / facts["image"])
    assert facts["sha256"] == original.sha256 and (facts["height"], facts["width"]) == original.size


def test_every_image_comes_back_with_all_that_is_known(place: Path) -> None:
    plain = read_folder(place / "data", "train", labels=LABELS, vocabulary=VOCABULARY).samples
    samples = read_shards(place / "shards", "train", labels=LABELS).samples

    def named(sample: Sample) -> Sample:
        return replace(sample, place=None, path=Path(sample.path.name), cohort=sample.patients)

    assert [named(sample) for sample in samples] == [named(sample) for sample in plain]
    loaded, broken = load_samples(samples, 64)
    assert not broken and any(item.sample.shapes for item in loaded)
    for item, sample in zip(loaded, plain, strict=True):
        square, box = model_input(load_radiograph(sample.path).pixels, 80)
        assert np.array_equal(item.image, np.round(square * 255).astype(np.uint8))
        assert (item.box.height, item.box.width) == (box.height, box.width)


def test_shards_that_do_not_fit_are_said(place: Path, tmp_path: Path) -> None:
    samples = read_shards(place / "shards", "train", labels=LABELS).samples
    with pytest.raises(
        DataError, match=r"hold squares of 80 px, and 96 are needed; write them with --size 96"
    ):
        load_samples(samples, 96)
    with pytest.raises(DataError, match=r'are of the split train, not "val"; name it'):
        read_shards(place / "shards", "val", labels=LABELS)
    content = json.loads((place / "shards" / "shards.json").read_text())
    (tmp_path / "shards.json").write_text(json.dumps({**content, "format": 1}))
    with pytest.raises(DataError, match="has format 1, this version reads 2; write the shards again"):
        read_shards(tmp_path, "train", labels=LABELS)
    (tmp_path / "shards.json").write_text("[]")
    with pytest.raises(DataError, match="cannot be read"):
        read_shards(tmp_path, "train", labels=LABELS)
    first = samples[0].place
    assert first is not None
    gone = replace(samples[0], place=replace(first, shard=tmp_path / "gone.tar"))
    with pytest.raises(DataError, match=r"gone\.tar cannot be read"):
        load_samples([gone], 64)
    assert main(["shard", "--data", str(place / "data"), "--out", str(place / "shards")]) == 1


def test_an_epoch_reads_few_shards_at_a_time_and_draws_as_ever() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(10), 20)
    positions = rng.permutation(np.repeat(np.arange(200), 2))
    ordered = windowed(positions, groups, 2, np.random.default_rng(1))
    assert sorted(ordered) == sorted(positions)
    windows = [set(groups[part].tolist()) for part in np.split(ordered, 5)]
    assert all(len(window) == 2 for window in windows) and len(set().union(*windows)) == 10
    assert (np.diff(groups[ordered[:80]]) != 0).sum() > 20  # the two are mixed
    loose = np.where(np.arange(200) < 100, -1, groups)
    spread = windowed(positions, loose, 1, np.random.default_rng(1))
    assert sorted(spread) == sorted(positions)
    assert min((loose[part] < 0).sum() for part in np.split(spread, 4)) > 20


def test_processes_and_a_later_start_take_their_slices_of_the_same_order() -> None:
    weights, groups = np.full(40, 1 / 40), np.repeat(np.arange(4), 10)

    def batches(rank: int, world: int, start: int = 0) -> list[list[tuple[int, int | None]]]:
        sampler = BalancedSampler(weights, 40, 8, 3, rank, world, groups=groups, at_once=1)
        sampler.seek(1, start)
        return list(sampler)

    whole = batches(0, 1)
    assert [one + two for one, two in zip(batches(0, 2), batches(1, 2), strict=True)] == whole
    assert batches(0, 1, start=3) == whole[3:]


def test_a_run_that_was_cut_short_goes_on_to_the_same_batches_and_weights(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    getitem, check = PatchDataset.__getitem__, loop.check_finite

    def noted(self: PatchDataset, key: tuple[int, int | None]) -> Any:
        if key[1] is not None:
            read.append(f"{self.items[key[0]].sample.path.name} {key[1]}")
        return getitem(self, key)

    def cut(what: str, value: torch.Tensor, at: int, files: Any) -> None:
        if at == 3 and what == "loss":
            raise Cut
        check(what, value, at, files)

    monkeypatch.setattr(PatchDataset, "__getitem__", noted)
    assert fit(place, tmp_path / "whole", data="shards") == 0
    unbroken = list(read)
    read.clear()
    with monkeypatch.context() as patch, pytest.raises(Cut):
        patch.setattr(loop, "check_finite", cut)
        fit(place, tmp_path / "cut", data="shards")
    assert len(unbroken) == 32 and read[:24] == unbroken[:24]
    read.clear()
    assert fit(place, tmp_path / "cut", "--resume", data="shards") == 0
    assert read == unbroken[24:]
    one, two = (torch.load(tmp_path / name / "state.pt", weights_only=True) for name in ("whole", "cut"))
    for part in ("learner", "ema"):
        assert one[part].keys() == two[part].keys()
        assert all(torch.equal(one[part][name], two[part][name]) for name in one[part])
    assert one["progress"] == two["progress"]


def test_a_damaged_shard_is_said(place: Path, tmp_path: Path) -> None:
    samples = read_shards(place / "shards", "train", labels=LABELS).samples
    (tmp_path / "bad.tar").write_bytes(bytes(20_000))
    first = samples[0].place
    assert first is not None
    bad = replace(samples[0], place=replace(first, shard=tmp_path / "bad.tar"))
    with pytest.raises(DataError, match=r"bad\.tar is damaged at byte 512"):
        load_samples([bad], 64)
