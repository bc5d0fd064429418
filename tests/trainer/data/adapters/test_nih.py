"""NIH ChestX-ray14 in miniature."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchclip import DataError
from tests.trainer.data.miniature import (
    ABSENT,
    KNOWN,
    NOT_MENTIONED,
    PRESENT,
    extent,
    picture,
    states_of,
    write,
)
from trainer.data.adapters.nih import read_nih

HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]\n"
)
ROWS = (
    "90000001_000.png,Effusion|Infiltration,0,90000001,57,M,PA,2682,2749,0.143,0.143\n"
    "90000002_000.png,No Finding,0,90000002,57,M,AP,2682,2749,0.143,0.143\n"
    "90000002_001.png,Mass,1,90000002,58,M,AP,2682,2749,0.143,0.143\n"
    "90000003_000.png,Hernia,0,90000003,58,F,PA,2682,2749,0.143,0.143\n"
)
BOXES = "Image Index,Finding Label,Bbox [x,y,w,h],,,\n90000001_000.png,Infiltrate,256.0,512.0,128.0,64.5\n"


def dataset(path: Path, rows: str = ROWS, boxes: str = BOXES, test: str = "90000003_000.png") -> Path:
    write(path / "Data_Entry_2017_v2020.csv", HEADER + rows)
    write(path / "BBox_List_2017.csv", boxes)
    write(path / "train_val_list.txt", "90000001_000.png\n90000002_000.png\n90000002_001.png\n")
    write(path / "test_list.txt", test)
    picture(path / "images_001" / "images" / "90000001_000.png")
    picture(path / "images_002" / "images" / "90000002_000.png")
    picture(path / "images_002" / "images" / "90000003_000.png")
    return path


def test_labels_boxes_and_what_is_missing(tmp_path: Path) -> None:
    contents = read_nih(dataset(tmp_path), "train", labels=KNOWN)
    assert contents.left_out == ("90000002_001.png: the image file is missing",)
    first, normal = contents.samples
    assert (
        first.states["Infiltration"] is PRESENT
        and first.states["Hernia"] is NOT_MENTIONED
        and "Fracture" not in first.states
    )
    assert set(normal.states.values()) == {ABSENT} and len(normal.states) == 14
    (box,) = first.shapes
    assert box.label == "Infiltration" and extent(box) == (0.25, 0.5, 0.375, round(576.5 / 1024, 5))
    assert (first.patient, first.source, first.view) == ("90000001", "nih", "PA")
    assert set(states_of(read_nih(tmp_path, "test", labels=KNOWN))) == {"90000003_000"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"test": "90000002_001.png"}, r"Data_Entry_2017_v2020.csv, row 3: a patient is in two splits"),
        (
            {"boxes": BOXES.replace("256.0", "956.0")},
            r"BBox_List_2017.csv, row 2: the box lies outside its image",
        ),
        (
            {"boxes": BOXES.replace("90000001", "90000009")},
            r"BBox_List_2017.csv, row 2: its image is not in the table",
        ),
        ({"boxes": BOXES.replace("512.0", "x")}, r"row 2: .* must be numbers"),
    ],
)
def test_bad_input_is_named(tmp_path: Path, change: dict[str, str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_nih(dataset(tmp_path, **change), "train", labels=KNOWN)


def test_an_unknown_split_and_a_missing_list_are_named(tmp_path: Path) -> None:
    dataset(tmp_path)
    with pytest.raises(DataError, match='no split "val"; its splits are test, train'):
        read_nih(tmp_path, "val", labels=KNOWN)
    (tmp_path / "test_list.txt").unlink()
    with pytest.raises(DataError, match=r"test_list.txt is missing"):
        read_nih(tmp_path, "train", labels=KNOWN)
