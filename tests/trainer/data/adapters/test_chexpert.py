"""CheXpert in miniature."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchclip import DataError
from tests.trainer.data.miniature import ABSENT, KNOWN, NOT_MENTIONED, PRESENT, picture, write
from trainer.data.adapters.chexpert import read_chexpert

HEADER = (
    "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung "
    "Lesion,Edema,Consolidation,"
    "Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices\n"
)
SMALL = "CheXpert-v1.0-small"
TRAIN = (
    f"{SMALL}/train/patient90001/study1/view1_frontal.jpg,Female,68,Frontal,AP,1.0,,,,,,,,,0.0,,,,1.0\n"
    f"{SMALL}/train/patient90002/study2/view1_frontal.jpg,Female,87,Frontal,PA,,,-1.0,,,-1.0,,,,0.0,1.0,,,\n"
    f"{SMALL}/train/patient90002/study2/view2_lateral.jpg,Female,87,Lateral,,,,-1.0,,,-1.0,,,,0.0,1.0,,,\n"
    f"{SMALL}/train/patient90003/study1/view1_frontal.jpg,Male,50,Frontal,AP,1.0,,,,1.0,,,,,,,,,\n"
    f"{SMALL}/train/patient90004/study1/view1_frontal.jpg,Male,50,Frontal,AP,1.0,,,,,,,,,,,,,\n"
)
VALID = (
    f"{SMALL}/valid/patient90005/study1/view1_frontal.jpg,Male,73,Frontal,AP,"
    "0.0,1.0,1.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0\n"
)


def dataset(path: Path, train: str = TRAIN, valid: str = VALID) -> Path:
    write(path / "train.csv", HEADER + train)
    write(path / "valid.csv", HEADER + valid)
    for name in (
        "train/patient90001/study1",
        "train/patient90002/study2",
        "train/patient90003/study1",
        "valid/patient90005/study1",
    ):
        picture(path / name / "view1_frontal.jpg")
    return path


def test_uncertain_is_unknown_and_blank_is_not_mentioned(tmp_path: Path) -> None:
    contents = read_chexpert(dataset(tmp_path), "train", labels=KNOWN)
    normal, unsure, lesion = (sample.states for sample in contents.samples)
    assert normal["Pneumothorax"] is ABSENT and set(normal.values()) == {ABSENT} and normal["Mass"] is ABSENT
    assert (
        unsure["Effusion"] is PRESENT
        and unsure["Pneumothorax"] is ABSENT
        and unsure["Fracture"] is NOT_MENTIONED
    )
    assert "Cardiomegaly" not in unsure and "Edema" not in unsure
    assert "Lung Opacity" not in unsure  # an edema is suspected, which is one
    assert (
        lesion["Edema"] is NOT_MENTIONED and "Nodule" not in lesion
    )  # "No Finding" beside a lesion makes nothing absent
    assert [(sample.patient, sample.view) for sample in contents.samples][:2] == [
        ("patient90001", "AP"),
        ("patient90002", "PA"),
    ]
    assert contents.left_out[:2] == (
        f"{tmp_path / 'train.csv'}, row 6: the image file view1_frontal.jpg is missing",
        "lateral images: 1",
    )
    assert (
        '"Support Devices" has no label of its own in the vocabulary; images that name it: 1'
        in contents.left_out
    )
    assert not any("patient9" in line for line in contents.left_out)


def test_validation_is_found_under_its_own_name(tmp_path: Path) -> None:
    (sample,) = read_chexpert(dataset(tmp_path), "val", labels=KNOWN).samples
    assert (
        sample.states["Cardiomegaly"] is PRESENT
        and sample.states["Nodule"] is ABSENT
        and sample.states["Lung Opacity"] is PRESENT
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train": TRAIN.replace("-1.0", "2.0")}, "train.csv, row 3: Cardiomegaly must be 1, 0, -1 or blank"),
        ({"valid": VALID.replace("90005", "90001")}, "train.csv, row 2: a patient is in two splits"),
        ({"train": TRAIN.replace("Frontal,", "Lateral,").splitlines()[2] + "\n"}, None),
    ],
)
def test_bad_input_is_named(tmp_path: Path, change: dict[str, str], words: str | None) -> None:
    dataset(tmp_path, **change)
    if words is None:  # laterals alone are counted, not an error of the table
        assert read_chexpert(tmp_path, "train", labels=KNOWN).left_out == ("lateral images: 1",)
        return
    with pytest.raises(DataError, match=words):
        read_chexpert(tmp_path, "train", labels=KNOWN)


def test_an_unknown_split_and_an_empty_one_are_named(tmp_path: Path) -> None:
    dataset(tmp_path, valid="")
    with pytest.raises(DataError, match=r'valid.csv has no image of split "valid"'):
        read_chexpert(tmp_path, "val", labels=KNOWN)
    with pytest.raises(DataError, match='no split "test"; its splits are train, valid'):
        read_chexpert(tmp_path, "test", labels=KNOWN)
