"""VinDr-CXR in miniature."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchclip import DataError
from tests.trainer.data.miniature import ABSENT, KNOWN, PRESENT, dicom, extent, states_of, write
from trainer.data.adapters.vindr import read_vindr

NAMES = "Mediastinal shift,Cardiomegaly,Lung Opacity,Nodule/Mass,Pleural effusion,Pneumonia,No finding"
LABELS = (
    f"image_id,rad_id,{NAMES}\n"
    "a,R1,1,1,0,1,0,1,0\na,R2,1,1,0,1,0,0,0\na,R3,1,0,0,0,1,0,0\n"
    "b,R1,0,0,0,0,0,0,1\nb,R2,0,0,0,0,0,0,1\nb,R4,0,0,0,0,0,0,1\n"
    "c,R1,0,0,0,0,0,0,1\n"
)
BOXES = (
    "image_id,rad_id,class_name,x_min,y_min,x_max,y_max\n"
    "a,R1,Cardiomegaly,2,3,12,8\na,R2,Cardiomegaly,3,3,12,8\na,R3,Pleural effusion,0,0,4,4\na,R1,Mediastinal "
    "shift,1,1,2,2\n"
    "b,R1,No finding,,,,\n"
)


def dataset(path: Path, labels: str = LABELS, boxes: str = BOXES) -> Path:
    write(path / "annotations" / "image_labels_train.csv", labels)
    write(path / "annotations" / "annotations_train.csv", boxes)
    dicom(path / "train" / "a.dicom", 20, 10)
    dicom(path / "train" / "b.dicom", 20, 10)
    return path


def test_most_readers_decide_and_a_minority_leaves_it_open(tmp_path: Path) -> None:
    contents = read_vindr(dataset(tmp_path), "train", labels=KNOWN)
    states = states_of(contents)
    # one of three saw an effusion and one pneumonia; two saw a nodule or a mass, so that "no lung opacity" is
    # not said
    assert states["a"] == {"Cardiomegaly": PRESENT}
    absent = ("Cardiomegaly", "Effusion", "Lung Opacity", "Mass", "Nodule", "Pneumonia")
    assert states["b"] == dict.fromkeys(absent, ABSENT)
    assert [extent(shape) for shape in contents.samples[0].shapes] == [
        (0.1, 0.3, 0.6, 0.8),
        (0.15, 0.3, 0.6, 0.8),
    ]
    assert contents.left_out == (
        "c.dicom: the image file is missing",
        "boxes of findings that most readers of the image do not see: 1",
        '"Mediastinal shift" has no label of its own in the vocabulary; images that name it: 1',
        '"Nodule/Mass" has no label of its own in the vocabulary; images that name it: 1',
    )


def test_the_consensus_of_the_test_images_has_no_readers(tmp_path: Path) -> None:
    write(tmp_path / "annotations" / "image_labels_test.csv", f"image_id,{NAMES}\nt,0,0,1,0,0,0,0\n")
    write(
        tmp_path / "annotations" / "annotations_test.csv",
        "image_id,class_name,x_min,y_min,x_max,y_max\nt,Lung Opacity,0,0,10,5\n",
    )
    dicom(tmp_path / "test" / "t.dicom", 20, 10)
    (sample,) = read_vindr(tmp_path, "test", labels=KNOWN).samples
    assert sample.states["Lung Opacity"] is PRESENT and sample.states["Effusion"] is ABSENT
    assert [(shape.label, extent(shape)) for shape in sample.shapes] == [("Lung Opacity", (0, 0, 0.5, 0.5))]
    with pytest.raises(DataError, match='no split "train"; its splits are test'):
        read_vindr(tmp_path, "train", labels=KNOWN)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"boxes": BOXES.replace("2,3,12,8", "2,3,22,8", 1)},
            "annotations_train.csv, row 2: the box lies outside its image",
        ),
        (
            {"boxes": BOXES.replace("2,3,12,8", "2,,12,8", 1)},
            "annotations_train.csv, row 2: .* must be numbers",
        ),
        (
            {"labels": LABELS.replace("b,R2,0", "b,R2,2")},
            "image_labels_train.csv, row 6: Mediastinal shift must be 0 or 1",
        ),
        (
            {"labels": LABELS.replace("No finding", "Nothing")},
            "image_labels_train.csv has no column No finding",
        ),
    ],
)
def test_bad_input_is_named(tmp_path: Path, change: dict[str, str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_vindr(dataset(tmp_path, **change), "train", labels=KNOWN)
