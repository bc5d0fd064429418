"""Adapters on the label files that the datasets themselves give out, as the package torchxrayvision carries
them; the images are noise."""

from __future__ import annotations

import importlib.util
import shutil
import tarfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from tests.trainer.data.miniature import ABSENT, KNOWN, NOT_MENTIONED, PRESENT, dicom, extent, picture
from trainer.data.adapters.chexpert import read_chexpert
from trainer.data.adapters.nih import read_nih
from trainer.data.adapters.openi import read_openi
from trainer.data.adapters.rsna import read_rsna
from trainer.data.adapters.siim import IMAGE_SIZE, read_siim

SPEC = importlib.util.find_spec("torchxrayvision")  # found, never imported: only its files are wanted
FILES = (
    Path(SPEC.submodule_search_locations[0]) / "data" if SPEC and SPEC.submodule_search_locations else None
)
pytestmark = pytest.mark.skipif(
    FILES is None, reason="the label files come with: pip install --no-deps -r requirements-fixtures.txt"
)


def table(name: str) -> pd.DataFrame:
    assert FILES is not None
    return pd.read_csv(FILES / name, dtype=str, keep_default_na=False)


def test_nih(tmp_path: Path) -> None:
    entries, boxes = table("Data_Entry_2017_v2020.csv.gz"), table("BBox_List_2017.csv.gz")
    boxes = boxes[boxes["Finding Label"] != ""]
    chosen = [
        *boxes["Image Index"].drop_duplicates()[:40],
        *entries.loc[entries["Finding Labels"] == "No Finding", "Image Index"][:5],
    ]
    assert FILES is not None
    for name in ("Data_Entry_2017_v2020.csv.gz", "BBox_List_2017.csv.gz"):
        shutil.copyfile(FILES / name, tmp_path / name)
    (tmp_path / "train_val_list.txt").write_text("\n".join(chosen))
    (tmp_path / "test_list.txt").write_text("")
    for name in chosen:
        picture(tmp_path / "images_001" / "images" / name)
    samples = {sample.path.name: sample for sample in read_nih(tmp_path, "train", labels=KNOWN).samples}
    assert set(samples) == set(chosen)
    named = dict(zip(entries["Image Index"], entries["Finding Labels"], strict=True))
    for name, sample in samples.items():
        present = {label for label, state in sample.states.items() if state is PRESENT}
        assert present == {"Infiltration" if x == "Infiltrate" else x for x in named[name].split("|")} - {
            "No Finding"
        }
        own = boxes[boxes["Image Index"] == name]
        assert sorted(extent(shape)[0] for shape in sample.shapes) == sorted(
            round(float(x) / 1024, 5) for x in own.iloc[:, 2]
        )


def test_rsna(tmp_path: Path) -> None:
    labels = table("kaggle_stage_2_train_labels.csv.zip")
    labels.to_csv(tmp_path / "stage_2_train_labels.csv", index=False)
    present, absent = (
        labels.loc[labels["Target"] == target, "patientId"].drop_duplicates()[:6] for target in "10"
    )
    for name in (*present, *absent):
        dicom(tmp_path / "stage_2_train_images" / f"{name}.dcm", 1024, 1024)
    contents = read_rsna(tmp_path, "train", labels=KNOWN)
    found = {sample.path.stem: sample for sample in contents.samples}
    assert set(found) == {*present, *absent} and len(contents.left_out) == labels["patientId"].nunique() - 12
    assert all(found[name].states["Lung Opacity"] is PRESENT for name in present)
    assert all(found[name].states["Lung Opacity"] is ABSENT and not found[name].shapes for name in absent)
    first = labels[labels["patientId"] == present.iloc[0]]
    assert [extent(shape)[0] for shape in found[present.iloc[0]].shapes] == [
        round(float(x) / 1024, 5) for x in first["x"]
    ]


def test_siim(tmp_path: Path) -> None:
    rows = table("siim-pneumothorax-train-rle.csv.gz")
    encoded = rows.columns[1]
    chosen = pd.concat(
        [rows[rows[encoded].str.strip() != "-1"][:12], rows[rows[encoded].str.strip() == "-1"][:4]]
    )
    chosen.to_csv(tmp_path / "train-rle.csv", index=False)
    for name in chosen["ImageId"]:
        dicom(tmp_path / "dicom-images-train" / "study" / "series" / f"{name}.dcm")
    samples = {sample.path.stem: sample for sample in read_siim(tmp_path, "train", labels=KNOWN).samples}
    for name, text in zip(chosen["ImageId"], chosen[encoded].str.strip(), strict=True):
        if text == "-1":
            assert samples[name].states == {"Pneumothorax": ABSENT}
            continue
        # The challenge's own loop: a run begins so many pixels after the last one ended.
        mask, position = np.zeros(IMAGE_SIZE * IMAGE_SIZE, bool), 0
        numbers = [int(word) for word in text.split()]
        for gap, run in zip(numbers[::2], numbers[1::2], strict=True):
            mask[position + gap : position + gap + run] = True
            position += gap + run
        across = np.nonzero(mask.reshape(IMAGE_SIZE, IMAGE_SIZE).T.any(axis=0))[0]
        edges = [extent(shape) for shape in samples[name].shapes]
        assert min(edge[0] for edge in edges) * IMAGE_SIZE == pytest.approx(across[0], abs=3)
        assert max(edge[2] for edge in edges) * IMAGE_SIZE == pytest.approx(across[-1], abs=3)


def test_chexpert(tmp_path: Path) -> None:
    rows = table("chexpert_train.csv.gz")[:60]
    rows.to_csv(tmp_path / "train.csv", index=False)
    frontal = rows[rows["Frontal/Lateral"] == "Frontal"]
    for path in frontal["Path"]:
        picture(tmp_path / Path(path).relative_to("CheXpert-v1.0-small"))
    contents = read_chexpert(tmp_path, "train", labels=KNOWN)
    assert (
        len(contents.samples) == len(frontal)
        and f"lateral images: {len(rows) - len(frontal)}" in contents.left_out
    )
    meaning = {"1.0": PRESENT, "0.0": ABSENT, "-1.0": None}
    for sample, (_, row) in zip(contents.samples, frontal.iterrows(), strict=True):
        for theirs, ours in (
            ("Pleural Effusion", "Effusion"),
            ("Pneumothorax", "Pneumothorax"),
            ("Edema", "Edema"),
        ):
            if row[theirs] in meaning:
                assert sample.states.get(ours) is meaning[row[theirs]], (row["Path"], theirs)


def test_openi(tmp_path: Path) -> None:
    assert FILES is not None
    lines = ["uid,filename,projection"]
    with tarfile.open(FILES / "NLMCXR_reports.tgz") as archive:
        members = [member for member in archive.getmembers() if member.name.endswith(".xml")][:60]
        for member in members:
            content = archive.extractfile(member)
            assert content is not None
            path = tmp_path / member.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.read())
            uid = path.stem
            picture(tmp_path / "NLMCXR_png" / f"CXR{uid}_IM-0001-1001.png")
            lines.append(f"{uid},{uid}_IM-0001-1001.dcm.png,Frontal")
    (tmp_path / "indiana_projections.csv").write_text("\n".join(lines))
    samples = {sample.patient: sample for sample in read_openi(tmp_path, "train", labels=KNOWN).samples}
    assert len(samples) == len(members)
    for patient, sample in samples.items():
        text = (tmp_path / "ecgen-radiology" / f"{patient}.xml").read_text(encoding="utf-8")
        majors = [part.split("</major>")[0].strip().lower() for part in text.split("<major>")[1:]]
        if majors == ["normal"]:
            assert set(sample.states.values()) == {ABSENT}
        elif "no indexing" not in majors:
            heart = any(major.split("/")[0] == "cardiomegaly" for major in majors)
            assert sample.states["Cardiomegaly"] is (PRESENT if heart else NOT_MENTIONED)
        sections = {
            node.get("Label"): (node.text or "").split()
            for node in ElementTree.fromstring(text.encode()).iter("AbstractText")
        }
        assert (sample.report or "").split() == sections.get("FINDINGS", []) + sections.get("IMPRESSION", [])
