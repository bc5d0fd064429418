"""ChestX-Det and ChestX-Det10 in miniature."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from patchclip import DataError
from patchclip.data.findings import CHESTX_DET_FINDINGS
from tests.trainer.data.miniature import ABSENT, KNOWN, PRESENT, extent, picture, write
from trainer.data.adapters.chestxdet import read_chestxdet

ENTRY = {
    "file_name": "90001.png",
    "syms": ["Effusion", "Pleural Thickening", "Mass"],
    "boxes": [[2, 1, 12, 6], [0, 0, 4, 2], [10, 5, 20, 10]],
    "polygons": [[[2, 1], [12, 1], [7, 6]], [[0, 0], [4, 0], [4, 2], [0, 2]], []],
}
FREE = {"file_name": "90002.png", "syms": [], "boxes": [], "polygons": []}


def dataset(path: Path, entries: list[Any], name: str = "ChestX_Det_train.json") -> Path:
    write(path / name, json.dumps(entries))
    picture(path / "train_data" / "train" / "90001.png")
    picture(path / "train_data" / "train" / "90002.png")
    return path


def test_the_list_is_exhaustive_and_polygons_outweigh_boxes(tmp_path: Path) -> None:
    contents = read_chestxdet(
        dataset(tmp_path, [ENTRY, FREE, {**FREE, "file_name": "90003.png"}]), "train", labels=KNOWN
    )
    first, free = contents.samples
    assert {label for label, state in first.states.items() if state is PRESENT} == {
        "Effusion",
        "Pleural_Thickening",
        "Mass",
    }
    assert free.states == dict.fromkeys(CHESTX_DET_FINDINGS, ABSENT)
    triangle, _, box = first.shapes
    assert triangle.points == ((0.1, 0.1), (0.6, 0.1), (0.35, 0.6))
    assert box.label == "Mass" and extent(box) == (0.5, 0.5, 1, 1)
    assert contents.left_out == ("90003.png: the image file is missing",)


def test_the_ten_say_nothing_of_the_other_three(tmp_path: Path) -> None:
    ten = {"file_name": "90001.png", "syms": ["Nodule"], "boxes": [[2, 1, 12, 6]]}
    (sample,) = read_chestxdet(dataset(tmp_path, [ten], "train.json"), "train", labels=KNOWN).samples
    assert (
        len(sample.states) == 10
        and sample.states["Nodule"] is PRESENT
        and "Cardiomegaly" not in sample.states
    )
    assert extent(sample.shapes[0]) == (0.1, 0.1, 0.6, 0.6)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (
            {**ENTRY, "polygons": [], "boxes": [[2, 1, 42, 6], [0, 0, 1, 1], [0, 0, 1, 1]]},
            "the box lies outside its image",
        ),
        ({**ENTRY, "polygons": [[[0, 0], [5, 5], [50, 5]], [], []]}, "a polygon lies outside its image"),
        ({**ENTRY, "boxes": []}, "must be of one length"),
        ({"file_name": "90001.png"}, "must have file_name, syms and boxes"),
    ],
)
def test_bad_input_is_named(tmp_path: Path, entry: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=f"ChestX_Det_train.json, entry 2: .*{words}"):
        read_chestxdet(dataset(tmp_path, [FREE, entry]), "train", labels=KNOWN)


def test_an_unknown_split_and_an_empty_one_are_named(tmp_path: Path) -> None:
    dataset(tmp_path, [])
    with pytest.raises(DataError, match='no split "test"; its splits are train'):
        read_chestxdet(tmp_path, "test", labels=KNOWN)
    with pytest.raises(DataError, match=r'ChestX_Det_train.json has no image of split "train"'):
        read_chestxdet(tmp_path, "train", labels=KNOWN)
