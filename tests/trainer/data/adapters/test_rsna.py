"""The RSNA pneumonia challenge in miniature."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchclip import DataError
from tests.trainer.data.miniature import ABSENT, KNOWN, PRESENT, dicom, extent, states_of, write
from trainer.data.adapters.rsna import read_rsna

LABELS = "patientId,x,y,width,height,Target\na,,,,,0\nb,2.0,3.0,5.0,4.0,1\nb,10,0,10,10,1\nc,,,,,0\nd,,,,,0\n"
CLASSES = (
    "patientId,class\na,Normal\nb,Lung Opacity\nb,Lung Opacity\nc,No Lung Opacity / Not Normal\nd,Normal\n"
)


def dataset(path: Path, labels: str = LABELS, classes: str = CLASSES) -> Path:
    write(path / "stage_2_train_labels.csv", labels)
    write(path / "stage_2_detailed_class_info.csv", classes)
    for name in "abc":
        dicom(path / "stage_2_train_images" / f"{name}.dcm", 20, 10)
    return path


def test_opacity_is_present_with_boxes_or_explicitly_absent(tmp_path: Path) -> None:
    contents = read_rsna(dataset(tmp_path), "train", labels=KNOWN)
    assert contents.left_out == ("d.dcm: the image file is missing",)
    states = states_of(contents)
    assert states["b"] == {"Lung Opacity": PRESENT} and states["c"] == {"Lung Opacity": ABSENT}
    assert len(states["a"]) == 15 and set(states["a"].values()) == {ABSENT} and "Fracture" not in states["a"]
    assert [extent(shape) for shape in contents.samples[1].shapes] == [(0.1, 0.3, 0.35, 0.7), (0.5, 0, 1, 1)]
    assert all(sample.patient is None for sample in contents.samples)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"labels": LABELS.replace("10,0,10,10", "15,0,10,10")},
            "stage_2_train_labels.csv, row 4: the box lies outside",
        ),
        (
            {"labels": LABELS.replace("a,,,,,0", "a,,,,,7")},
            "stage_2_train_labels.csv, row 2: Target must be 0 or 1",
        ),
        ({"labels": LABELS.replace("Target", "target")}, "stage_2_train_labels.csv has no column Target"),
        (
            {"classes": CLASSES.replace("c,No", "c,Some")},
            'stage_2_detailed_class_info.csv, row 5: there is no class "Some Lung Opacity',
        ),
    ],
)
def test_bad_input_is_named(tmp_path: Path, change: dict[str, str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_rsna(dataset(tmp_path, **change), "train", labels=KNOWN)


def test_only_the_training_images_have_labels_and_an_unreadable_header_is_left_out(tmp_path: Path) -> None:
    dataset(tmp_path)
    with pytest.raises(DataError, match='no split "test"; its splits are train'):
        read_rsna(tmp_path, "test", labels=KNOWN)
    write(tmp_path / "stage_2_train_images" / "b.dcm", "damaged")
    assert "b.dcm: its header cannot be read" in read_rsna(tmp_path, "train", labels=KNOWN).left_out
