"""The one reader of a dataset folder: its rules, for evaluation and training alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from patchclip.data.findings import FindingNames
from patchclip.data.folder import DatasetFolder, read_dataset_folder
from patchclip.data.normal import CHESTX_DET, NIH, RSNA, free_of_all, is_normal
from patchclip.data.rows import ImageRow
from patchclip.errors import DataError
from patchclip.types import RelativeBox
from tests.tiny import BUNDLED_VOCABULARY as VOCABULARY

LACKING = frozenset(("Aortic_Enlargement", "ILD", "Other_Lesion"))
NAMES = FindingNames([label for label in VOCABULARY.labels if label not in LACKING], VOCABULARY)
"""Of a model that has not learnt these."""
HEADER = "image,patient_id,split,labels\n"
ROW = "a.png,1,train,Mass\n"
CORNERS = "[[0, 0], [0, 1], [1, 1]]"


def folder(
    place: Path, rows: str, boxes: str = "", polygons: str = "", files: str = "a.png b.png c.png"
) -> Path:
    (place / "images").mkdir(parents=True)
    for name in files.split():
        (place / "images" / name).parent.mkdir(exist_ok=True)
        (place / "images" / name).touch()
    (place / "images.csv").write_text(rows if rows.startswith("image,") else HEADER + rows)
    if boxes:
        (place / "boxes.csv").write_text("image,source,finding,x,y,w,h\n" + boxes)
    if polygons:
        (place / "polygons.json").write_text(polygons)
    return place


def read(place: Path, split: str = "train", *, allow_missing: bool = False) -> DatasetFolder:
    return read_dataset_folder(place, split, NAMES, allow_missing=allow_missing)


def test_rows_are_typed(tmp_path: Path) -> None:
    rows = (
        "image,patient_id,split,view,sex,age,labels,rsna_class,chestx_det\n"
        "a.png,7,val,PA,F,61,Effusion|Mass,Lung Opacity,read\nb.png,8,train,,,,,,\n"
    )
    place = folder(tmp_path / "d", rows, f"a.png,{NIH},Infiltrate,.1,.2,.3,.4\nb.png,{NIH},Mass,0,0,1,1\n")
    content = read(place, "val")
    assert content.images == (
        ImageRow(
            name="a.png",
            path=place / "images" / "a.png",
            patient="7",
            labels=frozenset(("Effusion", "Mass")),
            rsna_class="Lung Opacity",
            chestx_det_read=True,
            view="PA",
            sex="F",
            age=61.0,
        ),
    )
    assert list(content.boxes) == ["a.png"]
    (box,) = content.boxes["a.png"]
    assert (box.image, box.source, box.label) == ("a.png", NIH, "Infiltration")
    assert box.box == RelativeBox(0.1, 0.2, 0.3, 0.4)
    assert content.sources == {NIH} and content.left_out == content.notes == ()


def test_synonyms_are_taken_for_the_label_and_counted(tmp_path: Path) -> None:
    rows = (
        "a.png,1,train,Pleural Effusion\nb.png,2,train,pleural effusion|Mass\nc.png,3,val,Pleural Effusion\n"
    )
    content = read(folder(tmp_path / "d", rows, "a.png,me,Pleural Effusion,0,0,.5,.5\n"))
    assert [image.labels for image in content.images] == [{"Effusion"}, {"Effusion", "Mass"}]
    assert content.notes == (
        'boxes.csv: "Pleural Effusion" is taken for Effusion, 1 rows',
        'images.csv: "Pleural Effusion" is taken for Effusion, 1 rows',
        'images.csv: "pleural effusion" is taken for Effusion, 1 rows',
    )


def test_a_finding_that_the_model_lacks_is_counted_and_stays_a_finding(tmp_path: Path) -> None:
    rows = "a.png,1,train,ILD\nb.png,2,train,ILD|Mass\nc.png,3,train,No Finding\n"
    content = read(folder(tmp_path / "d", rows, "a.png,VinDr,ILD,0,0,.5,.5\nb.png,VinDr,Mass,0,0,.5,.5\n"))
    assert content.left_out == (
        "boxes.csv: ILD is unknown to the model, 1 boxes",
        "ILD: unknown to the model, named on 2 images",
    )
    assert [is_normal(image, NIH) for image in content.images] == [False, False, True]
    assert list(content.boxes) == ["b.png"]


@pytest.mark.parametrize("word", ["", "nan", "NaN", "None", "null", "<NA>"])
def test_patients_that_nobody_names_are_patients_apart(tmp_path: Path, word: str) -> None:
    content = read(
        folder(tmp_path / "d", f"a.png,{word},train,Mass\nb.png,{word},train,Mass\nc.png,{word},val,Mass\n")
    )
    assert [(image.patient, image.patient_known) for image in content.images] == [
        ("a.png", False),
        ("b.png", False),
    ]
    assert content.notes == (
        (f'images.csv: "{word}" in patient_id is taken for an empty cell, 3 rows',) if word else ()
    )


@pytest.mark.parametrize(
    ("written", "file"),
    [
        ("images/a.png", "a.png"),
        ("./a.png", "a.png"),
        ("images\\a.png", "a.png"),
        ("a.PNG", "a.png"),
        ("A.png", "a.png"),
        ("Images/A.PNG", "a.png"),
        ("deep/a.png", "deep/a.png"),
        ("deep\\A.PNG", "deep/a.png"),
    ],
)
def test_a_name_leads_to_its_file_however_it_is_written(tmp_path: Path, written: str, file: str) -> None:
    place = folder(
        tmp_path / "d",
        f"{written},1,train,Mass\n",
        f"{written},me,Mass,0,0,.5,.5\n",
        files="a.png deep/a.png",
    )
    content = read(place)
    assert content.images[0].name == file and content.images[0].path == place / "images" / file
    assert list(content.boxes) == [file]
    said = ("images.csv: image names another path than that of the file, which was found, 1 rows",)
    assert content.notes == (() if written == file else said)


def test_boxes_find_an_image_that_is_written_otherwise(tmp_path: Path) -> None:
    content = read(folder(tmp_path / "d", "a.png,1,train,Mass\n", "images/a.PNG,me,Mass,0,0,.5,.5\n"))
    assert list(content.boxes) == ["a.png"]
    assert content.notes == (
        "boxes.csv: image is written otherwise than in images.csv, where it was found, 1 rows",
    )


@pytest.mark.parametrize(
    "name",
    [
        "../secret.png",
        "/etc/passwd",
        "deep/../../secret.png",
        "C:\\secret.png",
        "..\\secret.png",
        "link.png",
        "far/secret.png",
    ],
)
@pytest.mark.parametrize("table", ["images.csv", "boxes.csv", "polygons.json"])
def test_no_name_leaves_the_folder(tmp_path: Path, name: str, table: str) -> None:
    rows = f"{name},1,train,Mass\n" if table == "images.csv" else "a.png,1,train,Mass\n"
    boxes = f"{name},me,Mass,0,0,.5,.5\n" if table == "boxes.csv" else ""
    written = name.replace("\\", "\\\\")
    polygons = f'{{"{written}": []}}' if table == "polygons.json" else ""
    place = folder(tmp_path / "d", rows, boxes, polygons)
    (tmp_path / "out").mkdir()
    for secret in (tmp_path / "out" / "secret.png", place / "secret.png", tmp_path / "secret.png"):
        secret.touch()
    (place / "images" / "link.png").symlink_to(tmp_path / "secret.png")
    (place / "images" / "far").symlink_to(tmp_path / "out")
    with pytest.raises(DataError, match=rf"{table}.*(lies outside the folder|is a link out of the folder)"):
        read(place)


def test_the_folder_of_images_may_be_a_link_itself(tmp_path: Path) -> None:
    place = folder(tmp_path / "d", "a.png,1,train,Mass\n")
    (place / "images").rename(tmp_path / "disk")
    (place / "images").symlink_to(tmp_path / "disk")
    assert [image.name for image in read(place).images] == ["a.png"]


@pytest.mark.parametrize(
    ("rows", "boxes", "words"),
    [
        ("A.PNG,1,train,Mass\n", "", r'row 2: the image "A.PNG" may be a.PnG or a.png'),
        (",1,train,Mass\n", "", 'row 2: the image "" is no file name'),
        ("x" * 5000 + ",1,train,Mass\n", "", r"row 2: the image \"x{60}\.\.\.\" is no file name"),
        (ROW, "x" * 5000 + ",me,Mass,0,0,1,1\n", "boxes.csv, row 2: the image .* is no file name"),
        ("a.png,1,train,Efusion\n", "", '"Efusion"; the nearest name is "Effusion"'),
        (ROW, "a.png,me,Efusion,0,0,1,1\n", 'boxes.csv, row 2: there is no finding "Efusion"'),
        ("a.png,1,train,No Finding|Mass\n", "", 'row 2: labels say "No Finding" beside a finding'),
        ("a.png,1,train,None\n", "", 'row 2: there is no finding "None"; the nearest name is "No Finding"'),
        ("a.png,1,train,Mass\nimages/a.png,1,train,Mass\n", "", "rows 2 and 3: both are of one image"),
        ("a.png,1,train,Mass\nb.png,1,val,Mass\n", "", "row 2: a patient is in two splits"),
        ("a.png,1,test,Mass\n", "", 'no row with split "train"; its splits are test'),
        (ROW, "a.png,me,Mass,0,0,.5,nan\n", "row 2: x, y, w, h must be numbers, and h is \"nan\""),
        (ROW, "a.png,me,Mass,0,0,.5,inf\n", "row 2: x, y, w, h must be numbers"),
        (ROW, "a.png,me,Mass,0,0,.5,\n", 'and h is ""'),
        (ROW, "a.png,me,Mass,10,10,50,50\n", "row 2: the box lies outside its image"),
        (ROW, "a.png,me,No Finding,0,0,.5,.5\n", 'row 2: a box of "No Finding"'),
        (ROW, "z.png,me,Mass,0,0,.5,.5\n", "its image z.png is not in images.csv; 1 of 1 boxes"),
        ("image, label\na.png,Mass\n", "", "unknown column label"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_file_and_row(tmp_path: Path, rows: str, boxes: str, words: str) -> None:
    place = folder(tmp_path / "d", rows, boxes)
    (place / "images" / "a.PnG").touch()
    with pytest.raises(DataError, match=words) as error:
        read(place)
    assert "\n" not in str(error.value) and len(str(error.value)) < 600


def test_one_in_a_hundred_may_be_missing_and_more_when_allowed(tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(200)]
    rows = "".join(f"{name},,train,Mass\n" for name in names)
    place = folder(tmp_path / "d", rows, "5.png,me,Mass,0,0,.5,.5\n", files=" ".join(names))
    for name in names[5:7]:
        (place / "images" / name).unlink()
    content = read(place)
    assert content.missing == 2 and len(content.images) == 198
    assert content.left_out == (
        "5.png: the image file is missing, and 1 boxes with it",
        "6.png: the image file is missing",
    )
    (place / "images" / names[7]).unlink()
    with pytest.raises(
        DataError, match=r"row 7: the image file 5.png is missing; 3 of 200 images would be left out"
    ):
        read(place)
    assert read(place, allow_missing=True).missing == 3


def test_a_decimal_comma_is_a_point(tmp_path: Path) -> None:
    place = folder(tmp_path / "d", "a.png,1,train,Mass\n")
    (place / "boxes.csv").write_text("image;source;finding;x;y;w;h\na.png;me;Mass;0,1;0,2;0,3;0,4\n")
    assert read(place).boxes["a.png"][0].box == RelativeBox(0.1, 0.2, 0.3, 0.4)


def test_rows_without_a_split_are_in_none_and_said(tmp_path: Path) -> None:
    content = read(folder(tmp_path / "d", "a.png,1,train,Mass\nb.png,2,,Mass\n"))
    assert [image.name for image in content.images] == ["a.png"]
    assert content.notes == ("images.csv: split is empty, so no split has the image, 1 rows",)


def test_outlines_of_the_split_are_read(tmp_path: Path) -> None:
    polygons = (
        f'{{"a.png": [{{"finding": "Mass", "points": {CORNERS}}}, {{"finding": "ILD", "points": {CORNERS}}}],'
        f' "b.png": [{{"finding": "Nodule", "points": {CORNERS}}}]}}'
    )
    content = read(folder(tmp_path / "d", "a.png,1,train,Mass\nb.png,2,val,Nodule\n", polygons=polygons))
    assert {
        name: [(item.label, item.points) for item in items] for name, items in content.outlines.items()
    } == {"a.png": [("Mass", ((0.0, 0.0), (0.0, 1.0), (1.0, 1.0)))]}
    assert content.left_out == ("polygons.json: ILD is unknown to the model, 1 outlines",)


def row(labels: str, rsna: str = "", read_by_chestx: bool = False) -> ImageRow:
    named = frozenset(labels.split("|")) - {""}
    return ImageRow("a.png", Path("a.png"), "1", named, rsna, read_by_chestx, "", "", None)


def test_each_protocol_has_its_meaning_of_normal() -> None:
    assert is_normal(row("Mass", "Normal"), RSNA) and not is_normal(row("No Finding", "Lung Opacity"), RSNA)
    assert not is_normal(row("No Finding", "No Lung Opacity / Not Normal"), RSNA)
    assert (
        is_normal(row("No Finding"), NIH)
        and not is_normal(row("", "Normal"), NIH)
        and not is_normal(row("Mass"), NIH)
    )
    assert is_normal(row("Mass", read_by_chestx=True), CHESTX_DET) and not is_normal(
        row("No Finding"), CHESTX_DET
    )


def test_free_of_all_needs_half_of_the_findings_absent_and_none_present() -> None:
    states = np.array([[0, 0, 2, -1], [0, 2, 2, -1], [0, 0, 0, 1], [0, 0, 0, 0]], np.int8)
    assert free_of_all(states).tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    ("name", "split", "images"),
    [("nih", "val", 314), ("nih_nodules", "train", 44), ("vindr", "train", 663), ("hannover", "train", 243)],
)
def test_the_real_folders_are_read(data_folder: Path, name: str, split: str, images: int) -> None:
    content = read(data_folder / name, split)
    assert len(content.images) == images and content.missing == 0 and content.notes == ()
    lacking = [line for line in content.left_out if line.startswith(("boxes.csv", "lesions.csv"))]
    assert lacking == (
        [
            "lesions.csv: Aortic_Enlargement is unknown to the model, 459 boxes",
            "lesions.csv: ILD is unknown to the model, 92 boxes",
            "lesions.csv: Other_Lesion is unknown to the model, 252 boxes",
        ]
        if name == "vindr"
        else []
    )
