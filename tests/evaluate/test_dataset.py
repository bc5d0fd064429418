"""A dataset folder as evaluation reads it: whose boxes count, and what is left out by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchclip.errors import DataError
from patchclip.evaluate.dataset import CHESTX_DET, NIH, RSNA, read_dataset

LABELS = frozenset({"Effusion", "Lung Opacity"})


def folder(place: Path, *boxes: str) -> Path:
    (place / "images").mkdir()
    for name in ("a.png", "b.png"):
        (place / "images" / name).write_bytes(b"")
    (place / "images.csv").write_text(
        "image,labels,split\na.png,Effusion,val\nb.png,No Finding,val\nc.png,Effusion,val\n"
    )
    (place / "images" / "c.png").write_bytes(b"")
    (place / "boxes.csv").write_text("\n".join(["image,source,finding,x,y,w,h", *boxes]) + "\n")
    return place


def test_boxes_of_ones_own_are_the_truth(tmp_path: Path) -> None:
    data = read_dataset(
        folder(tmp_path, "a.png,clinic,Effusion,.1,.1,.2,.2", "a.png,clinic,Lung Opacity,.1,.1,.2,.2"),
        "val",
        LABELS,
    )
    assert set(data.images[0].boxes) == {(NIH, "Effusion"), (RSNA, "Lung Opacity")}


def test_an_unknown_source_beside_others_is_counted_and_left_out(tmp_path: Path) -> None:
    lines = ["a.png,clinic,Effusion,.1,.1,.2,.2", f"a.png,{CHESTX_DET},Effusion,.3,.3,.2,.2"]
    data = read_dataset(folder(tmp_path, *lines), "val", LABELS)
    assert set(data.images[0].boxes) == {(CHESTX_DET, "Effusion")}
    assert "boxes.csv: no protocol uses the source clinic beside others, 1 boxes" in data.left_out


def test_what_is_missing_is_named_with_its_boxes(tmp_path: Path) -> None:
    lines = [f"c.png,{NIH},Effusion,.1,.1,.2,.2", f"z.png,{NIH},Effusion,.1,.1,.2,.2"]
    place = folder(tmp_path, *lines)
    (place / "images" / "c.png").unlink()
    with pytest.raises(DataError, match=r"images.csv, row 4: the image file c.png is missing; 1 of 3 images"):
        read_dataset(place, "val", LABELS)
    left_out = read_dataset(place, "val", LABELS, allow_missing=True).left_out
    assert "c.png: the image file is missing, and 1 boxes with it" in left_out
    assert "boxes.csv row 3: its image z.png is not in images.csv" in left_out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a.png,x,Effusion,.9,.1,.2,.2", "outside its image"),
        ("a.png,x,Effusion,left,.1,.2,.2", "must be numbers"),
    ],
)
def test_a_wrong_box_is_named_by_its_row(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(DataError, match=f"row 2.*{words}"):
        read_dataset(folder(tmp_path, line), "val", LABELS)
