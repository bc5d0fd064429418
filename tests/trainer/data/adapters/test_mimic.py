"""MIMIC-CXR-JPG in miniature, with reports and boxes of MS-CXR."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from patchclip import DataError
from tests.trainer.data.miniature import ABSENT, KNOWN, NOT_MENTIONED, PRESENT, extent, picture, write
from trainer.data.adapters.mimic import read_mimic

SPLIT = (
    "dicom_id,study_id,subject_id,split\n"
    "d1,59000001,19000001,train\nd2,59000001,19000001,train\n"
    "d3,59000002,19000001,train\nd4,59000003,19000002,validate\n"
    "d5,59000004,19000003,train\n"
)
METADATA = (
    "dicom_id,subject_id,study_id,ViewPosition,Rows,Columns\n"
    "d1,,,PA,10,20\nd2,,,LATERAL,10,20\nd3,,,AP,10,20\nd4,,,AP,10,20\nd5,,,AP,10,20\n"
)
CHEXPERT = (
    "subject_id,study_id,Atelectasis,Cardiomegaly,Consolidation,Edema,Enlarged "
    "Cardiomediastinum,Fracture,Lung Lesion,Lung Opacity,"
    "No Finding,Pleural Effusion,Pleural Other,Pneumonia,Pneumothorax,Support Devices\n"
    "19000001,59000001,,-1.0,,,,,,,,1.0,,,0.0,\n"
    "19000002,59000003,,,,,,,,,1.0,,,,,1.0\n"
)
MS_CXR = (
    "category_name,label_text,path,x,y,w,h,image_width,image_height\n"
    "Pneumothorax,small apical pneumothorax,files/p19/p19000001/s59000002/d3.jpg,2,1,10,4,20,10\n"
)


def dataset(path: Path, split: str = SPLIT, chexpert: str = CHEXPERT, ms_cxr: str = MS_CXR) -> Path:
    write(path / "mimic-cxr-2.0.0-split.csv", split)
    (path / "mimic-cxr-2.0.0-metadata.csv.gz").write_bytes(gzip.compress(METADATA.encode()))
    write(path / "mimic-cxr-2.0.0-chexpert.csv", chexpert)
    write(path / "ms-cxr" / "MS_CXR_Local_Alignment_v1.0.0.csv", ms_cxr)
    files = path / "files" / "p19"
    write(
        files / "p19000001" / "s59000001.txt",
        " FINAL REPORT\n HISTORY: cough\n\n FINDINGS:  A small\n effusion.\n IMPRESSION: Effusion.\n",
    )
    for name in (
        "p19000001/s59000001/d1",
        "p19000001/s59000001/d2",
        "p19000001/s59000002/d3",
        "p19000002/s59000003/d4",
    ):
        picture(files / f"{name}.jpg")
    return path


def test_frontal_images_with_labels_report_and_boxes(tmp_path: Path) -> None:
    contents = read_mimic(dataset(tmp_path), "train", labels=KNOWN)
    first, boxed = contents.samples
    assert (first.path.name, first.patient, first.view, first.report) == (
        "d1.jpg",
        "19000001",
        "PA",
        "A small effusion. Effusion.",
    )
    assert (
        first.states["Effusion"] is PRESENT
        and first.states["Pneumothorax"] is ABSENT
        and first.states["Edema"] is NOT_MENTIONED
    )
    assert "Cardiomegaly" not in first.states
    assert (
        boxed.states == {"Pneumothorax": PRESENT} and boxed.report is None
    )  # a study without labels says nothing else
    assert [(shape.label, extent(shape)) for shape in boxed.shapes] == [
        ("Pneumothorax", (0.1, 0.1, 0.6, 0.5))
    ]
    assert contents.left_out == (
        "d5.jpg: the image file is missing",
        "images not known to be frontal: 1",
        "images without a report that has findings or an impression, read without one: 1",
    )


def test_no_finding_is_absence_and_reports_may_lie_apart(tmp_path: Path) -> None:
    dataset(tmp_path)
    write(
        tmp_path / "mimic-cxr-reports" / "files" / "p19" / "p19000002" / "s59000003.txt",
        "IMPRESSION: Normal.\n",
    )
    (sample,) = read_mimic(tmp_path, "val", labels=KNOWN).samples
    assert set(sample.states.values()) == {ABSENT} and "Edema" in sample.states and sample.report == "Normal."


def test_later_versions_of_the_boxes_name_the_image_by_itself(tmp_path: Path) -> None:
    header, row = MS_CXR.splitlines()
    effusion = row.replace("Pneumothorax", "Pleural Effusion").replace("d3", "x")
    unknown = row.replace("Pneumo", "Cat")
    text = f"dicom_id,{header}\nd1,{effusion}\nd1,{unknown}\n"
    contents = read_mimic(dataset(tmp_path, ms_cxr=text), "train", labels=KNOWN)
    assert [shape.label for shape in contents.samples[0].shapes] == ["Effusion"]
    assert (
        contents.left_out[-1]
        == '"Catthorax" has no label of its own in the vocabulary; images that name it: 1'
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"split": SPLIT.replace("19000002,validate", "19000001,validate")},
            "split.csv, row 2: a patient is in two splits",
        ),
        (
            {"chexpert": CHEXPERT.replace("-1.0", "maybe")},
            "chexpert.csv, row 2: Cardiomegaly must be 1, 0, -1 or blank",
        ),
        (
            {"ms_cxr": MS_CXR.replace(",2,1,10,4,", ",12,1,10,4,")},
            "MS_CXR_Local_Alignment_v1.0.0.csv, row 2: the box lies outside",
        ),
        ({"split": SPLIT.replace("study_id", "study")}, "split.csv has no column study_id"),
    ],
)
def test_bad_input_is_named(tmp_path: Path, change: dict[str, str], words: str) -> None:
    with pytest.raises(DataError, match=words) as error:
        read_mimic(dataset(tmp_path, **change), "train", labels=KNOWN)
    assert "19000001" not in str(error.value)


def test_an_unknown_split_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='no split "test"; its splits are train, validate'):
        read_mimic(dataset(tmp_path), "test", labels=KNOWN)
