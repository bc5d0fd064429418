"""The checks that all adapters share."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchclip import DataError
from patchclip.data.tables import check_patients
from tests.trainer.data.miniature import dicom, extent, picture, write
from trainer.data.tables import corner_box, image_size, index_images, own_split, read_table, records


def test_a_table_is_text_with_rows_as_an_editor_counts_them(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "id,x\n007,1\n008,\n")
    assert list(records(read_table(path, ("id",)))) == [
        (2, {"id": "007", "x": "1"}),
        (3, {"id": "008", "x": ""}),
    ]
    with pytest.raises(DataError, match=r"t.csv has no column y; its columns are id, x"):
        read_table(path, ("y",))
    with pytest.raises(DataError, match=r"t.csv cannot be read as a CSV file"):
        read_table(write(path, ""), ("id",))


def test_a_patient_in_two_splits_is_reported_by_row_and_not_by_name(tmp_path: Path) -> None:
    rows = [
        ("ann", "train", tmp_path, 2),
        ("", "train", tmp_path, 3),
        ("", "test", tmp_path, 4),
        ("ann", "test", tmp_path, 5),
    ]
    check_patients(rows[:3])
    with pytest.raises(DataError, match=r"row 2: a patient is in two splits \(1 such patients\)") as error:
        check_patients(rows)
    assert "ann" not in str(error.value)


def test_a_split_has_several_spellings_of_validation_only(tmp_path: Path) -> None:
    assert own_split("val", ["train", "validate"], tmp_path) == "validate"
    assert own_split("validation", ["valid"], tmp_path) == "valid"
    with pytest.raises(DataError, match='no split "test"; its splits are train, val'):
        own_split("test", ["val", "train"], tmp_path)


def test_a_box_is_clipped_by_rounding_only(tmp_path: Path) -> None:
    assert extent(corner_box("Mass", (-0.1, 2, 20.1, 4), (20, 10), "t")) == (0, 0.2, 1, 0.4)
    for corners in ((0, 0, 21, 4), (5, 1, 5, 4), (-3, 0, 2, 2), (float("nan"), 0, 1, 1)):
        with pytest.raises(DataError, match=r"t.csv, row 7: the box lies outside its image"):
            corner_box("Mass", corners, (20, 10), "t.csv, row 7")
    with pytest.raises(DataError, match="four numbers"):
        corner_box("Mass", (1, 2, 3), (20, 10), "t")


def test_sizes_come_from_the_header_and_links_are_followed(tmp_path: Path) -> None:
    dicom(tmp_path / "disk" / "a.dcm", 30, 20)
    picture(tmp_path / "disk" / "deep" / "b.png", 8, 6)
    write(tmp_path / "disk" / "broken.dcm", "no image")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "images").symlink_to(tmp_path / "disk")
    found = index_images([tmp_path / "set"], frozenset((".dcm", ".png")))
    assert {name: image_size(path) for name, path in found.items()} == {
        "a": (30, 20),
        "b": (8, 6),
        "broken": None,
    }
