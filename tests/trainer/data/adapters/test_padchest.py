"""PadChest-GR in miniature."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from patchclip import DataError
from tests.trainer.data.miniature import ABSENT, KNOWN, NOT_MENTIONED, PRESENT, extent, picture, write
from trainer.data.adapters.padchest import read_padchest

TABLE = (
    "StudyID,ImageID,PatientID,PatientSex_DICOM,label,label_group,split\n"
    "s1,s1_a.png,p1,F,laminar atelectasis,atelectasis,train\ns1,s1_a.png,p1,F,kyphosis,kyphosis,train\n"
    "s2,s2_a.png,p2,M,Normal,Normal,train\ns3,s3_a.png,p3,M,Normal,Normal,validation\n"
    "s4,s4_a.png,p4,M,Normal,Normal,train\n"
)


def finding(
    sentence: str,
    abnormal: bool,
    labels: list[str],
    boxes: list[list[float]],
    extra: list[list[float]] | None = None,
) -> Any:
    return {
        "sentence_en": sentence,
        "abnormal": abnormal,
        "labels": labels,
        "boxes": boxes,
        "extra_boxes": extra or [],
    }


ATELECTASIS = finding(
    "Laminar atelectasis at the left base.",
    True,
    ["laminar atelectasis"],
    [[0.1, 0.6, 0.3, 0.7]],
    [[0.1, 0.5, 0.3, 0.7]],
)
KYPHOSIS = finding("Kyphosis.", True, ["kyphosis"], [[0.4, 0.1, 0.6, 0.9]])
NO_EFFUSION = finding("No pleural effusion.", False, ["pleural effusion"], [])
NORMAL = {
    "sentence_en": "No significant findings.",
    "abnormal": False,
}  # such sentences often have no other keys


def study(number: int, *findings: Any) -> dict[str, Any]:
    return {"StudyID": f"s{number}", "ImageID": f"s{number}_a.png", "findings": list(findings)}


def dataset(path: Path, studies: list[Any], table: str = TABLE) -> Path:
    write(path / "grounded_reports_20240819.json", json.dumps(studies))
    write(path / "master_table.csv", table)
    for number in (1, 2, 3):
        picture(path / "Padchest_GR_files" / "PadChest_GR" / f"s{number}_a.png")
    return path


def test_sentences_become_states_boxes_and_report(tmp_path: Path) -> None:
    studies = [
        study(1, ATELECTASIS, KYPHOSIS, NO_EFFUSION),
        study(2, NORMAL),
        study(3, NORMAL),
        study(4, NORMAL),
        study(9, NORMAL),
    ]
    contents = read_padchest(dataset(tmp_path, studies), "train", labels=KNOWN)
    first, normal = contents.samples
    assert (
        first.states["Atelectasis"] is PRESENT
        and first.states["Effusion"] is ABSENT
        and first.states["Mass"] is NOT_MENTIONED
    )
    assert [(shape.label, extent(shape)) for shape in first.shapes] == [
        ("Atelectasis", (0.1, 0.6, 0.3, 0.7)),
        ("Atelectasis", (0.1, 0.5, 0.3, 0.7)),
    ]
    assert (
        first.report == "Laminar atelectasis at the left base. Kyphosis. No pleural effusion."
        and first.patient == "p1"
    )
    assert set(normal.states.values()) == {ABSENT} and len(normal.states) == 18
    assert contents.left_out == (
        "s4_a.png: the image file is missing",
        "reports of images that master_table.csv does not have: 1",
        '"kyphosis" has no label of its own in the vocabulary; images that name it: 1',
    )
    assert len(read_padchest(tmp_path, "val", labels=KNOWN).samples) == 1


def test_bad_input_is_named(tmp_path: Path) -> None:
    wide = finding("Mass.", True, ["pulmonary mass"], [[0.1, 0.1, 1.2, 0.2]])
    with pytest.raises(
        DataError, match=r"grounded_reports_20240819.json, entry 2: the box lies outside its image"
    ):
        read_padchest(dataset(tmp_path, [study(2, NORMAL), study(1, wide)]), "train", labels=KNOWN)
    with pytest.raises(DataError, match="entry 1: it has no ImageID"):
        read_padchest(dataset(tmp_path, [{}]), "train", labels=KNOWN)
    with pytest.raises(DataError, match='no split "test"; its splits are train, validation'):
        read_padchest(tmp_path, "test", labels=KNOWN)
    with pytest.raises(DataError, match=r"master_table.csv, row 4: a patient is in two splits"):
        read_padchest(dataset(tmp_path, [], TABLE.replace("p3", "p2")), "train", labels=KNOWN)
    with pytest.raises(DataError, match=r'grounded_reports_20240819.json has no image of split "train"'):
        read_padchest(dataset(tmp_path, []), "train", labels=KNOWN)
