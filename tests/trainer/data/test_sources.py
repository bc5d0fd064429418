"""Data arguments: folders that are recognised, names, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from patchclip import DataError
from tests.tiny import tiny_dataset
from tests.trainer.data.adapters import (
    test_chestxdet,
    test_chexlocalize,
    test_chexpert,
    test_mimic,
    test_nih,
    test_openi,
    test_padchest,
    test_rsna,
    test_siim,
    test_vindr,
)
from tests.trainer.data.adapters.test_feedback import Store
from tests.trainer.data.miniature import KNOWN, write
from trainer.__main__ import main
from trainer.data.sources import ADAPTERS, find_source, read_source

DATASETS = {
    "folder": lambda path: tiny_dataset(path, each=1),
    "nih": test_nih.dataset,
    "rsna": test_rsna.dataset,
    "vindr": test_vindr.dataset,
    "siim": lambda path: test_siim.dataset(path, "1.2.2,-1\n"),
    "mimic": test_mimic.dataset,
    "chexpert": test_chexpert.dataset,
    "chexlocalize": lambda path: test_chexlocalize.dataset(path, {test_chexlocalize.IMAGE: {}}),
    "chestxdet": lambda path: test_chestxdet.dataset(path, [test_chestxdet.FREE]),
    "padchest": lambda path: test_padchest.dataset(path, [test_padchest.study(1, test_padchest.NORMAL)]),
    "openi": test_openi.dataset,
}


@pytest.mark.parametrize("name", DATASETS)
def test_every_dataset_is_recognised_by_its_files_and_by_its_name(name: str, tmp_path: Path) -> None:
    folder = DATASETS[name](tmp_path / "data")
    assert find_source(folder).name == find_source(f"{name}:{folder}").name == name
    assert find_source(folder).title == ("data" if name == "folder" else f"{name}:data")
    split = "val" if name == "chexlocalize" else "train"
    contents = read_source(f"{name}:{folder}", split, KNOWN, allow_missing=True)
    assert contents.samples and {sample.source for sample in contents.samples} == {
        "data" if name == "folder" else name
    }
    assert all(sample.states.keys() <= KNOWN for sample in contents.samples)
    few = (
        read_source(folder, split, KNOWN, allow_missing=True)
        if name == "folder"
        else read_source(folder, split, frozenset(("Mass",)), allow_missing=True)
    )
    assert name == "folder" or all(sample.states.keys() <= {"Mass"} for sample in few.samples)


def test_shards_are_recognised_and_their_images_keep_where_they_are_from(tmp_path: Path) -> None:
    assert set(ADAPTERS) == {*DATASETS, "shards"}
    data, out = DATASETS["folder"](tmp_path / "data"), tmp_path / "shards"
    assert main(["shard", "--data", str(data), "--out", str(out), "--size", "32"]) == 0
    assert find_source(out).name == find_source(f"shards:{out}").name == "shards"
    samples = read_source(out, "train", KNOWN).samples
    assert samples and {sample.source for sample in samples} == {"data"}


def test_feedback_names_database_and_images(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.judge("a", "lung mass", "R1", "absent")
    source = f"feedback:{store.database}:{store.images}"
    assert (
        find_source(f"{source}@train").split == "train"
        and find_source(f"{source}@train").folder == store.images
    )
    assert (
        len(read_source(source, "train", KNOWN, allow_missing=True).samples) == 1
        and find_source(source).title == "feedback:images"
    )
    assert find_source(f"feedback:{store.database}").images is None
    with pytest.raises(DataError, match="names no database; write feedback:DATABASE"):
        find_source(f"feedback::{store.images}")


def test_a_source_may_have_a_split_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = DATASETS["folder"](tmp_path / "data")
    assert find_source(f"{folder}@val").split == find_source(f"folder:{folder}@val").split == "val"
    assert find_source(folder).split is None and find_source(f"{folder}@val").title == "data"
    own, others = (
        {sample.path.name for sample in read_source(spec, "train", KNOWN, allow_missing=True).samples}
        for spec in (f"folder:{folder}@val", str(folder))
    )
    assert own and others and not own & others
    with pytest.raises(DataError, match='no row with split "test"'):
        read_source(f"{folder}@test", "train", KNOWN)
    assert (
        main(
            [
                "evaluate-data",
                "--allow-missing",
                "--data",
                f"{folder}@val",
                "--data",
                f"nih:{DATASETS['nih'](tmp_path / 'nih')}",
            ]
        )
        == 0
    )
    assert f"{len(own) + 2} images" in capsys.readouterr().out
    odd = DATASETS["folder"](tmp_path / "data@val")  # a folder of that name is taken as it is
    assert find_source(odd).folder == odd and find_source(odd).split is None
    assert find_source(f"{odd}@val").folder == odd
    with pytest.raises(DataError, match="There is no folder"):
        find_source(tmp_path / "none@val")


def test_what_is_not_recognised_lists_what_would_be(tmp_path: Path) -> None:
    with pytest.raises(
        DataError,
        match=r"recognised by its files; name one of folder, shards, nih, .*openi as NAME:FOLDER, or fee",
    ):
        find_source(tmp_path)
    with pytest.raises(DataError, match=r"no folder siin:.*Supported datasets are folder, shards, nih"):
        find_source(f"siin:{tmp_path}")
    write(tmp_path / "train-rle.csv", "")
    write(tmp_path / "stage_2_train_labels.csv", "")
    with pytest.raises(DataError, match=r"has files of several datasets \(rsna, siim\)"):
        find_source(tmp_path)
    write(tmp_path / "images.csv", "")  # a folder written for this project may hold what it was made from
    assert find_source(tmp_path).name == "folder"


def test_labelled_is_for_dataset_folders_only(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data.labelled speaks of nih:data"):
        read_source(DATASETS["nih"](tmp_path / "data"), "train", KNOWN, labelled=["Mass"])


def test_the_command_line_reads_a_named_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = DATASETS["nih"](tmp_path / "data")
    assert main(["evaluate-data", "--data", f"nih:{folder}"]) == 1
    assert re.search(
        r"90000002_001.png: the image file is missing; 1 of 3 images would be left out, .*--allow-missing",
        capsys.readouterr().err,
    )
    assert main(["evaluate-data", "--data", f"nih:{folder}", "--allow-missing"]) == 0
    said = capsys.readouterr().out
    assert (
        "90000002_001.png: the image file is missing" in said and "2 images of 2 patients; 1 left out" in said
    )
    assert main(["evaluate-data", "--data", f"{tmp_path}"]) == 1
    assert "Supported" not in capsys.readouterr().err
