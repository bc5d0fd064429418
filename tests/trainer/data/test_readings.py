"""What readers' protocols say beyond their boxes: exhaustive reading, one class for two findings, adjudicated
labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from patchclip import DataError
from patchclip.data.protocols import EXHAUSTIVE
from tests.tiny import VOCABULARY
from tests.trainer.data.miniature import ABSENT, NOT_MENTIONED, PRESENT
from trainer.__main__ import main
from trainer.data.folder import read_folder
from trainer.data.sample import Sample

LABELS = frozenset(VOCABULARY.labels)
HEADER = "image,patient_id,split,view,sex,age,labels,rsna_class,chestx_det\n"
BOXES = "image,source,finding,x,y,w,h"
VINDR = set(EXHAUSTIVE["VinDr"].findings)


def folder(
    path: Path,
    rows: Sequence[str],
    boxes: Sequence[str] = (),
    lesions: Sequence[str] = (),
    verdicts: str = "",
) -> Path:
    """A dataset folder of grey squares."""
    (path / "images").mkdir(parents=True)
    (path / "images.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows))
    for row in rows:
        cv2.imwrite(str(path / "images" / row.split(",")[0]), np.full((8, 8), 90, np.uint8))
    if boxes:
        (path / "boxes.csv").write_text("\n".join([BOXES, *boxes]) + "\n")
    if lesions:
        (path / "lesions.csv").write_text("\n".join([f"{BOXES},readers", *lesions]) + "\n")
    if verdicts:
        (path / "expert_labels.csv").write_text(verdicts)
    return path


def read(path: Path, labels: frozenset[str] = LABELS) -> dict[str, Sample]:
    return {sample.path.name: sample for sample in read_folder(path, "train", labels=labels).samples}


def test_what_exhaustive_readers_did_not_box_is_absent(tmp_path: Path) -> None:
    boxes = ["a.png,VinDr,Effusion,.1,.1,.2,.2", "a.png,VinDr,Cardiomegaly,.3,.3,.4,.3"]
    sample = read(folder(tmp_path / "d", ["a.png,a,train,,,,Cardiomegaly|Effusion,,"], boxes))["a.png"]
    assert {label for label, state in sample.states.items() if state is PRESENT} == {
        "Effusion",
        "Cardiomegaly",
    }
    assert {label for label, state in sample.states.items() if state is ABSENT} == VINDR - {
        "Effusion", "Cardiomegaly",
    }  # fmt: skip
    assert {"Edema", "Hernia", "Pneumonia"} & sample.states.keys() == set()  # nobody looked for these


def test_a_nodule_or_mass_of_one_class_leaves_the_other_unknown_but_only_there(tmp_path: Path) -> None:
    rows = ["a.png,a,train,,,,Mass,,", "b.png,b,train,,,,Mass|Nodule,,", "c.png,c,train,,,,Effusion,,"]
    boxes = [
        "a.png,VinDr,Mass,.1,.1,.2,.2", "b.png,VinDr,Mass,.1,.1,.2,.2", "b.png,VinDr,Nodule,.6,.6,.1,.1",
        "c.png,VinDr,Effusion,.6,.6,.1,.1",
    ]  # fmt: skip
    samples = read(folder(tmp_path / "d", rows, boxes))
    a, b, c = (samples[f"{name}.png"] for name in "abc")
    assert a.states["Mass"] is PRESENT and "Nodule" not in a.states
    assert [(shape.label, shape.points[0]) for shape in a.doubtful] == [("Nodule", (0.1, 0.1))]
    assert b.states["Mass"] is b.states["Nodule"] is PRESENT
    assert {(shape.label, shape.points[0]) for shape in b.doubtful} == {
        ("Nodule", (0.1, 0.1)), ("Mass", (0.6, 0.6)),
    }  # fmt: skip
    assert c.states["Mass"] is c.states["Nodule"] is ABSENT and c.doubtful == ()


def test_no_lung_opacity_is_not_said_beside_an_opacity_of_another_name(tmp_path: Path) -> None:
    rows = ["a.png,a,train,,,,Consolidation,,", "b.png,b,train,,,,Effusion,,"]
    boxes = ["a.png,VinDr,Consolidation,.1,.1,.2,.2", "b.png,VinDr,Effusion,.6,.6,.1,.1"]
    samples = read(folder(tmp_path / "d", rows, boxes))
    assert "Lung Opacity" not in samples["a.png"].states
    assert samples["b.png"].states["Lung Opacity"] is ABSENT


def test_lesions_take_the_place_of_boxes_and_say_how_many_saw_them(tmp_path: Path) -> None:
    lesions = ["a.png,VinDr,Effusion,.1,.1,.2,.2,3", "a.png,VinDr,Effusion,.5,.5,.2,.2,1"]
    data = folder(
        tmp_path / "d", ["a.png,a,train,,,,Effusion,,"], ["a.png,VinDr,Effusion,.1,.1,.2,.2"], lesions
    )
    sample = read(data)["a.png"]
    assert [shape.agreement for shape in sample.shapes] == [1.0, pytest.approx(1 / 3)]
    (data / "lesions.csv").write_text(f"{BOXES},readers\na.png,VinDr,Effusion,.1,.1,.2,.2,0\n")
    with pytest.raises(DataError, match=r'row 2: readers is "0"; it is blank or a whole number above 0'):
        read(data)


def test_a_reading_holds_though_the_vocabulary_lacks_what_was_boxed(tmp_path: Path) -> None:
    data = folder(
        tmp_path / "d",
        ["a.png,a,train,,,,Aortic_Enlargement,,"],
        ["a.png,VinDr,Aortic_Enlargement,.1,.1,.2,.2"],
    )
    few = frozenset({"Effusion", "Edema"})
    assert read(data, few)["a.png"].states == {"Effusion": ABSENT}
    assert read(data)["a.png"].states["Aortic_Enlargement"] is PRESENT


def test_one_physician_read_for_nodules_and_masses_alone(tmp_path: Path) -> None:
    data = folder(
        tmp_path / "d", ["a.png,1,train,PA,M,40,Effusion|Mass,,"], ["a.png,MedAnnotation,Nodule,.1,.1,.1,.1"]
    )
    states = read(data)["a.png"].states
    assert states["Nodule"] is PRESENT and "Mass" not in states  # no mass but what is boxed as a nodule
    assert states["Effusion"] is PRESENT and states["Hernia"] is NOT_MENTIONED  # from the report


EXPERT = "image,Fracture,Pneumothorax,Airspace opacity,Nodule or mass\n"


def test_adjudicated_labels_outweigh_those_mined_from_reports(tmp_path: Path) -> None:
    rows = ["a.png,1,train,PA,M,40,Mass|Pneumothorax,,", "b.png,2,train,PA,M,40,Mass,,"]
    rows += ["c.png,3,train,PA,M,40,No Finding,,", "d.png,4,train,PA,M,40,Nodule,,"]
    verdicts = f"{EXPERT}a.png,NO,NO,YES,NO\nb.png,YES,,,YES\nc.png,,yes,no,YES\n"
    samples = read(folder(tmp_path / "d", rows, verdicts=verdicts))
    a, b, c, d = (samples[f"{name}.png"].states for name in "abcd")
    assert (a["Fracture"], a["Pneumothorax"], a["Lung Opacity"]) == (ABSENT, ABSENT, PRESENT)
    assert a["Mass"] is a["Nodule"] is ABSENT  # absence holds for both
    assert b["Mass"] is PRESENT and "Nodule" not in b  # that may be what they saw, or not
    assert b["Fracture"] is PRESENT and b["Pneumothorax"] is NOT_MENTIONED  # a blank says nothing
    assert c["Pneumothorax"] is PRESENT and c["Lung Opacity"] is ABSENT
    assert "Mass" not in c and "Nodule" not in c and c["Effusion"] is ABSENT
    assert d["Nodule"] is PRESENT and "Fracture" not in d


def test_readers_who_contradict_each_other_leave_a_finding_unknown_and_named(tmp_path: Path) -> None:
    rows = ["a.png,1,train,PA,M,40,Mass,,", "b.png,2,train,PA,M,40,Mass,No Lung Opacity / Not Normal,"]
    boxes = ["a.png,NIH_BBox_List_2017,Mass,.1,.1,.2,.2", "a.png,NIH_BBox_List_2017,Effusion,.1,.1,.2,.2"]
    data = folder(tmp_path / "d", rows, boxes, verdicts=f"{EXPERT}a.png,,,,NO\nb.png,,,YES,\n")
    contents = read_folder(data, "train", labels=LABELS)
    a, b = contents.samples
    assert "Mass" not in a.states and a.states["Nodule"] is ABSENT
    assert [shape.label for shape in a.shapes] == ["Effusion"]
    assert "Lung Opacity" not in b.states
    assert [line for line in contents.left_out if "contradict" in line] == [
        "a.png: readers contradict each other on Mass, which is taken as unknown",
        "b.png: readers contradict each other on Lung Opacity, which is taken as unknown",
    ]


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        (f"{EXPERT}a.png,maybe,NO,NO,NO\n", r'row 2: Fracture is "maybe"; it is blank, YES or NO'),
        (f"{EXPERT}z.png,NO,NO,NO,NO\n", r"row 2: its image z.png is not in images.csv"),
        (f"{EXPERT}a.png,,,,\na.png,,,,\n", r"rows 2 and 3: both are of one image"),
        ("image,Unicorn\na.png,YES\n", r'header: there is no finding "Unicorn"'),
        ("picture,Fracture\na.png,YES\n", r"has no column image"),
    ],
)
def test_a_table_of_verdicts_that_makes_no_sense_is_named(tmp_path: Path, verdicts: str, words: str) -> None:
    data = folder(tmp_path / "d", ["a.png,1,train,PA,M,40,Mass,,"], verdicts=verdicts)
    with pytest.raises(DataError, match=words):
        read(data)


def test_vindr_as_it_was_read(data_folder: Path) -> None:
    """Against the table itself, by another way."""
    if not (data_folder / "vindr").is_dir():
        pytest.skip("the radiographs of VinDr-CXR are not here")
    table = pd.read_csv(data_folder / "vindr" / "lesions.csv")
    samples = read(data_folder / "vindr")
    assert len(samples) == 663
    for label in VINDR:
        boxed = set(table.loc[table["finding"] == label, "image"])
        assert {name for name, sample in samples.items() if sample.states.get(label) is PRESENT} == boxed
        drawn = sum(shape.label == label for sample in samples.values() for shape in sample.shapes)
        assert drawn == (table["finding"] == label).sum()
    lesions = table[table["finding"].isin(["Nodule", "Mass"])]
    free = {name for name, sample in samples.items() if sample.states.get("Nodule") is ABSENT}
    assert free == samples.keys() - set(lesions["image"])
    assert (
        sum(shape.agreement == 1 for sample in samples.values() for shape in sample.shapes)
        == (table["readers"] == 3).sum()
    )


ROWS = [
    "a.png,1,train,,,,Effusion|Mass,,read",
    "b.png,2,train,,,,Effusion|Nodule,,",
    "c.png,3,train,,,,No Finding,Normal,",
    "d.png,4,train,,,,Nodule,,read",
    "e.png,5,train,,,,Mass,,",
]
DRAWN = [
    "a.png,ChestX-Det,Effusion,.1,.1,.2,.2",
    "a.png,ChestX-Det,Fibrosis,.5,.1,.2,.2",
    "b.png,NIH_BBox_List_2017,Effusion,.1,.1,.2,.2",
    "d.png,ChestX-Det,Diffuse Nodule,.1,.1,.2,.2",
]
VERDICTS = "image,Pneumothorax,Nodule or mass\ne.png,YES,NO\n"


def test_mined_labels_are_checked_where_readers_looked_whatever_the_report_says(tmp_path: Path) -> None:
    samples = read(folder(tmp_path / "d", ROWS, DRAWN, verdicts=VERDICTS))
    checked = samples["a.png"].checked
    assert checked["Effusion"] == (True, True) and checked["Mass"] == (True, False)
    assert checked["Fibrosis"] == (False, True) and checked["Nodule"] == (False, False)
    assert "Pneumonia" not in checked  # ChestX-Det's readers did not look for it
    assert samples["d.png"].checked["Nodule"] == (True, True)  # several nodules are nodules
    # NIH's boxes were drawn for what the report names, RSNA's normals chosen by it; and "nodule or mass"
    # is no verdict on either.
    assert samples["b.png"].checked == samples["c.png"].checked == {}
    assert samples["e.png"].checked == {"Pneumothorax": (False, True)}


def test_mined_alone_is_what_nobody_looked_for(tmp_path: Path) -> None:
    samples = read(folder(tmp_path / "d", ROWS, DRAWN, verdicts=VERDICTS))
    assert samples["a.png"].mined == {"Edema", "Hernia", "Infiltration", "Pneumonia"}
    assert "Effusion" not in samples["b.png"].mined and {"Nodule", "Mass", "Edema"} <= samples["b.png"].mined
    assert samples["c.png"].mined == frozenset()
    assert {"Pneumothorax", "Nodule", "Mass"}.isdisjoint(samples["e.png"].mined)
    few = read(tmp_path / "d", labels=frozenset({"Effusion", "Mass"}))
    assert few["a.png"].mined == frozenset() and set(few["a.png"].checked) == {"Effusion", "Mass"}
    without = samples["a.png"].without({"Effusion", "Edema"})
    assert "Effusion" not in without.checked and "Edema" not in without.mined


def test_check_data_says_how_far_mined_labels_agree_with_readers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = folder(tmp_path / "d", ROWS, DRAWN, verdicts=VERDICTS)
    for number, path in enumerate(sorted((data / "images").iterdir())):
        cv2.imwrite(str(path), np.arange(number, number + 64, dtype=np.uint8).reshape(8, 8))
    assert main(["check-data", "--data", str(data)]) == 0
    printed = capsys.readouterr().out
    rows = {
        line.split()[0]: " ".join(line.split()) for line in printed.partition("mined from")[2].splitlines()
    }
    assert rows["Effusion"] == "Effusion 2 1 of 1, 1.00 (0.03-1.00) 1 of 1, 1.00 (0.03-1.00)"
    assert rows["Mass"] == "Mass 2 0 of 1, 0.00 (0.00-0.97) -"
    assert rows["Pneumothorax"] == "Pneumothorax 3 - 0 of 1, 0.00 (0.00-0.97)"
