"""Images kept decoded in a folder: the same as in memory, decoded once, and anew when a file changes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from patchclip import DataError, Radiograph, load_radiograph
from tests.tiny import RECIPE, VOCABULARY, short_vocabulary, tiny_dataset
from trainer.__main__ import main
from trainer.data import loaded as module
from trainer.data.folder import read_folder
from trainer.data.loaded import Loaded, load_samples
from trainer.data.sample import Sample

SIDE = 48


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Eight radiographs, the second of them damaged."""
    folder = tiny_dataset(tmp_path / "data", each=2, splits=("train",))
    found = list(read_folder(folder, "train", labels=frozenset(VOCABULARY.labels)).samples)
    found[1].path.write_bytes(b"no image")
    return found


def same(one: list[Loaded], other: list[Loaded]) -> bool:
    return all(
        np.array_equal(a.image, b.image) and (a.box, a.sample, a.sha256) == (b.box, b.sample, b.sha256)
        for a, b in zip(one, other, strict=True)
    )


def test_kept_images_are_those_in_memory_and_are_not_decoded_again(
    samples: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    plain, broken = load_samples(samples, SIDE)
    first, broken_first = load_samples(samples, SIDE, cache)
    assert len(plain) == len(samples) - 1 and same(first, plain)
    assert broken == broken_first and samples[1].path.name in broken[0]
    assert all(isinstance(item.image, np.memmap) and item.image.dtype == np.uint8 for item in first)
    # Of a second run only the damaged file is read, to say again what is wrong with it.
    opened: list[Path] = []

    def noted(path: Path) -> Radiograph:
        opened.append(path)
        return load_radiograph(path)

    monkeypatch.setattr(module, "load_radiograph", noted)
    again, broken_again = load_samples(samples, SIDE, cache)
    assert same(again, plain) and broken_again == broken and opened == [samples[1].path]


def test_a_changed_file_another_side_and_another_order_are_decoded(
    samples: list[Sample], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    load_samples(samples, SIDE, cache)
    samples[0].path.write_bytes(samples[2].path.read_bytes())
    os.utime(samples[0].path, ns=(1, 1))
    for chosen, side in ((samples, SIDE), (samples, SIDE // 2), (samples[::-1], SIDE)):
        assert same(load_samples(chosen, side, cache)[0], load_samples(chosen, side)[0])
    assert len(list(cache.glob("*.npy"))) == 4
    assert not [path for path in cache.iterdir() if path.suffix not in (".npy", ".json")]


def test_nothing_that_was_cut_short_is_taken_for_whole(
    samples: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"

    def stopped(path: Path) -> object:
        if path == samples[3].path:
            raise KeyboardInterrupt
        return load_radiograph(path)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(module, "load_radiograph", stopped)
        load_samples(samples, SIDE, cache)
    assert list(cache.iterdir()) == []
    assert same(load_samples(samples, SIDE, cache)[0], load_samples(samples, SIDE)[0])


@pytest.mark.parametrize("suffix", [".npy", ".json"])
def test_what_the_disk_has_lost_is_decoded_again(samples: list[Sample], tmp_path: Path, suffix: str) -> None:
    cache = tmp_path / "cache"
    load_samples(samples, SIDE, cache)
    kept = next(cache.glob(f"*{suffix}"))
    kept.write_bytes(kept.read_bytes()[: kept.stat().st_size // 2])
    assert same(load_samples(samples, SIDE, cache)[0], load_samples(samples, SIDE)[0])


def test_the_cache_names_no_file_and_no_patient(samples: list[Sample], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    load_samples(samples, SIDE, cache)
    text = " ".join(path.name for path in cache.iterdir()) + next(cache.glob("*.json")).read_text()
    assert not any(
        sample.path.name in text for sample in samples
    )  # not the stem, whose digits a hash may hold


def test_a_folder_that_cannot_be_written_is_said(samples: list[Sample], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        DataError, match=r"Decoded images cannot be kept in .*; make room there, or give another --cache"
    ):
        load_samples(samples, SIDE, tmp_path / "file" / "cache")


def test_a_run_from_the_cache_learns_the_same_bits(tmp_path: Path) -> None:
    folder = tiny_dataset(tmp_path / "data", each=4, splits=("train",))
    recipe = {
        **RECIPE,
        "data": {**RECIPE["data"], "dev_fraction": 0.0, "samples_per_epoch": 16, "workers": 1},
        "optim": {**RECIPE["optim"], "epochs": [1], "sizes": [64]},
    }
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    flags = ["fit", "--data", str(folder), "--recipe", str(tmp_path / "recipe.json")]
    flags += ["--vocabulary", str(short_vocabulary(tmp_path))]
    assert main([*flags, "--out", str(tmp_path / "plain")]) == 0
    assert main([*flags, "--out", str(tmp_path / "kept"), "--cache", str(tmp_path / "cache")]) == 0
    plain, kept = (
        safetensors.numpy.load_file(tmp_path / out / "last" / "model.safetensors")
        for out in ("plain", "kept")
    )
    assert list((tmp_path / "cache").glob("*.npy")) and all(
        np.array_equal(plain[name], kept[name]) for name in plain
    )
