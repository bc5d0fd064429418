"""The dataset folder: what each row says of each finding, and every kind of bad input named by file and
row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from patchclip import DataError
from patchclip.data.findings import LUNG_OPACITY, NIH_FINDINGS
from tests.tiny import VOCABULARY, tiny_dataset
from trainer.data.folder import read_folder
from trainer.data.sample import State
from trainer.data.split import hold_out

KNOWN = frozenset(VOCABULARY.labels)
HEADER = "image,patient_id,split,view,sex,age,labels,rsna_class,chestx_det\n"


def folder(path: Path, rows: str, boxes: str = "", polygons: str = "") -> Path:
    (path / "images").mkdir(parents=True)
    (path / "images.csv").write_text(HEADER + rows)
    for row in rows.splitlines():
        (path / "images" / row.split(",")[0]).touch()
    if boxes:
        (path / "boxes.csv").write_text("image,source,finding,x,y,w,h\n" + boxes)
    if polygons:
        (path / "polygons.json").write_text(polygons)
    return path


def test_absence_is_explicit_weak_or_unknown(tmp_path: Path) -> None:
    data = folder(
        tmp_path / "d",
        "a.png,1,train,PA,F,40,No Finding,Normal,\nb.png,2,train,PA,F,40,Effusion|Mass,,\n"
        "c.png,3,train,AP,M,50,No Finding,Lung Opacity,read\n",
        "c.png,ChestX-Det,Fracture,.1,.1,.2,.2\n",
    )
    a, b, c = (sample.states for sample in read_folder(data, "train", labels=KNOWN).samples)
    assert a["Lung Opacity"] is State.ABSENT and a["Effusion"] is State.ABSENT
    assert "Fracture" not in a  # nobody looked for it: unknown, not absent
    assert (
        b["Effusion"] is State.PRESENT and b["Pneumonia"] is State.NOT_MENTIONED and "Lung Opacity" not in b
    )
    assert (
        c["Lung Opacity"] is State.PRESENT
        and c["Fracture"] is State.PRESENT
        and c["Effusion"] is State.ABSENT
    )
    assert (
        c["Infiltration"] is State.NOT_MENTIONED
    )  # a radiologist saw an opacity: "No Finding" is no explicit absence any more


@pytest.mark.parametrize(
    ("rows", "boxes", "words"),
    [
        (
            "a.png,1,train,PA,F,40,Effusion,,\n",
            "a.png,NIH_BBox_List_2017,Effusion,.9,.1,.3,.2\n",
            "row 2: the box lies outside its image",
        ),
        (
            "a.png,1,train,PA,F,40,Effusion,,\n",
            "a.png,NIH_BBox_List_2017,Effusion,x,.1,.3,.2\n",
            "must be numbers",
        ),
        (
            "a.png,1,train,PA,F,40,Effusion,,\n",
            "z.png,NIH_BBox_List_2017,Effusion,.1,.1,.3,.2\n",
            "not in images.csv",
        ),
        (
            "a.png,1,train,PA,F,40,Effusion,,\n",
            "a.png,NIH_BBox_List_2017,Unicorn,.1,.1,.3,.2\n",
            'there is no finding "Unicorn"',
        ),
        (
            "a.png,1,train,PA,F,40,Mass,,\nb.png,2,train,PA,F,40,Unicorn,,\n",
            "",
            'images.csv, row 3: there is no finding "Unicorn"',
        ),
        (
            "z.png,3,val,PA,F,40,Mass,,\nb.png,2,train,PA,F,40,Unicorn,,\n",
            "",
            'images.csv, row 3: there is no finding "Unicorn"',
        ),
        (
            "a.png,1,train,PA,F,40,Effusion,normal,\n",
            "",
            'row 2: rsna_class is "normal"; it is blank or one of Normal, No Lung',
        ),
        (
            "a.png,1,train,PA,F,40,Effusion,,yes\n",
            "",
            'row 2: chestx_det is "yes"; it is blank or one of read',
        ),
        (
            "a.png,1,train,PA,F,40,Mass,,\nb.png,2,train,PA,F,40,Mass,,\na.png,,val,PA,F,40,Mass,,\n",
            "",
            "rows 2 and 4: both are of one image",
        ),
        (
            "a.png,1,train,PA,F,40,Effusion,,\nb.png,1,val,PA,F,40,Mass,,\n",
            "",
            "row 2: a patient is in two splits",
        ),
        ("a.png,1,test,PA,F,40,Effusion,,\n", "", 'no row with split "train"'),
    ],
)
def test_bad_input_is_named(tmp_path: Path, rows: str, boxes: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_folder(folder(tmp_path / "d", rows, boxes), "train", labels=KNOWN)


@pytest.mark.parametrize(
    ("polygons", "words"),
    [
        ("{", "polygons.json cannot be read as JSON"),
        ("[]", "its outermost value is no dict"),
        ("[" * 100_000, "cannot be read as JSON .nested too deeply"),
        (
            '{"z.png": []}',
            r"polygons.json: its image z.png is not in images.csv; 1 of 1 outlined images would be left out",
        ),
        ('{"a.png": {}}', r"polygons.json, a.png: its outlines must be a list"),
        ('{"a.png": [{"points": []}]}', r"polygons.json, a.png, outline 1: it must have finding and points"),
        (
            '{"a.png": [{"finding": "Unicorn", "points": [[0,0],[0,1],[1,1]]}]}',
            'outline 1: there is no finding "Unicorn"',
        ),
        (
            '{"a.png": [{"finding": "Mass", "points": [[0,0],[0,1],["x",1]]}]}',
            "outline 1: points must be pairs of numbers",
        ),
        ('{"a.png": [{"finding": "Mass", "points": 7}]}', "outline 1: points must be pairs of numbers"),
        ('{"a.png": [{"finding": "Mass", "points": [[0,0],[0,1]]}]}', "outline 1: it has 2 points"),
        (
            '{"a.png": [{"finding": "Mass", "points": [[0,0],[0,1],[40,1]]}]}',
            "outline 1: a point lies outside the image",
        ),
        (
            '{"a.png": [{"finding": "Mass", "points": [[0,0],[0,1],[NaN,1]]}]}',
            "outline 1: a point lies outside the image",
        ),
    ],
)
def test_bad_outlines_are_named(tmp_path: Path, polygons: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_folder(
            folder(tmp_path / "d", "a.png,1,train,PA,F,40,Mass,,\n", "", polygons), "train", labels=KNOWN
        )


def test_outlines_are_presence_and_replace_boxes_of_their_source(tmp_path: Path) -> None:
    data = folder(
        tmp_path / "d",
        "a.png,1,train,PA,F,40,No Finding,,read\n",
        "a.png,ChestX-Det,Mass,.1,.1,.2,.2\na.png,NIH_BBox_List_2017,Nodule,.5,.5,.1,.1\n",
        '{"a.png": [{"finding": "Mass", "points": [[0.1,0.1],[0.3,0.1],[0.1,0.3]]}]}',
    )
    sample = read_folder(data, "train", labels=KNOWN).samples[0]
    assert [(shape.label, len(shape.points)) for shape in sample.shapes] == [("Mass", 3), ("Nodule", 4)]
    assert sample.states["Mass"] is State.PRESENT and sample.states["Nodule"] is State.PRESENT


def test_a_radiograph_read_as_normal_is_free_of_all_that_nih_labels(tmp_path: Path) -> None:
    """As the adapter of the challenge itself says, whatever `labels` says or is silent of."""
    data = folder(tmp_path / "d", "a.png,1,train,PA,F,40,,Normal,\nb.png,2,train,PA,F,40,Mass,Normal,\n")
    blank, labelled = (sample.states for sample in read_folder(data, "train", labels=KNOWN).samples)
    assert blank == dict.fromkeys((*NIH_FINDINGS, LUNG_OPACITY), State.ABSENT)
    assert labelled == blank


def test_a_reading_outweighs_what_was_mined_from_a_report(tmp_path: Path) -> None:
    data = folder(
        tmp_path / "d",
        "a.png,1,train,PA,F,40,Pneumothorax|Infiltration,,read\nb.png,2,train,PA,F,40,Nodule|Mass,,read\n"
        "c.png,3,train,PA,F,40,Mass,Normal,\n",
        "b.png,ChestX-Det,Diffuse Nodule,.1,.1,.2,.2\nc.png,NIH_BBox_List_2017,Mass,.1,.1,.2,.2\n",
    )
    a, b, c = (sample.states for sample in read_folder(data, "train", labels=KNOWN).samples)
    assert a["Pneumothorax"] is State.ABSENT
    assert a["Infiltration"] is State.PRESENT  # ChestX-Det's readers did not look for it
    assert (
        b["Nodule"] is State.PRESENT and b["Mass"] is State.ABSENT
    )  # nodules were outlined, as diffuse ones
    assert c["Mass"] is State.PRESENT  # an outline outweighs the reading


def test_an_unknown_column_and_a_missing_table_are_named(tmp_path: Path) -> None:
    data = tiny_dataset(tmp_path / "d", each=1)
    text = (data / "images.csv").read_text()
    (data / "images.csv").write_text(text.replace("view", "viewe", 1))
    with pytest.raises(DataError, match="unknown column viewe"):
        read_folder(data, "train", labels=KNOWN)
    (data / "images.csv").unlink()
    with pytest.raises(DataError, match="is missing"):
        read_folder(data, "train", labels=KNOWN)


def test_a_missing_image_is_left_out_and_named(tmp_path: Path) -> None:
    data = tiny_dataset(tmp_path / "d", each=2)
    (data / "images" / "0001.png").unlink()
    with pytest.raises(
        DataError,
        match=r"images.csv, row 3: the image file 0001.png is missing; 1 of 8 images .*--allow-missing",
    ):
        read_folder(data, "train", labels=KNOWN)
    contents = read_folder(data, "train", labels=KNOWN, allow_missing=True)
    assert len(contents.samples) == 7 and contents.missing == 1
    assert contents.left_out == ("0001.png: the image file is missing",)


def test_labels_that_speak_of_one_finding_say_nothing_of_the_others(tmp_path: Path) -> None:
    data = folder(tmp_path / "d", "a.png,,train,PA,F,40,Effusion,,\nb.png,,train,PA,F,40,No Finding,,\n")
    a, b = read_folder(data, "train", labels=KNOWN, labelled=["Effusion"]).samples
    assert a.states == {"Effusion": State.PRESENT}
    assert b.states["Effusion"] is State.ABSENT and b.states["Mass"] is State.ABSENT
    assert a.patient is None
    labels = replace(b, patient="1")
    assert hold_out([a, labels], 1.0, seed=0) == ([a], [labels])  # a's patient might be the same
    assert hold_out([a, b], 1.0, seed=0) == (
        [],
        [a, b],
    )  # nobody's patient is known: each image stands for one


def test_a_finding_that_labels_cannot_speak_of_is_named(tmp_path: Path) -> None:
    data = folder(tmp_path / "d", "a.png,,train,PA,F,40,Effusion,,\n")
    with pytest.raises(DataError, match=r"data.labelled names Efusion for d, which the vocabulary lacks"):
        read_folder(data, "train", labels=KNOWN, labelled=["Efusion"])


def test_no_patient_is_on_both_sides(tmp_path: Path) -> None:
    samples = read_folder(tiny_dataset(tmp_path / "d", each=8), "train", labels=KNOWN).samples
    train, held = hold_out(samples, 0.3, seed=0)
    assert train and held
    assert not {sample.patient for sample in train} & {sample.patient for sample in held}
    assert {sample.path for sample in held} == {
        sample.path for sample in hold_out(samples[::-1], 0.3, seed=0)[1]
    }
