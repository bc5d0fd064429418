"""Open-i's Indiana collection in miniature, in both of its forms."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchclip import DataError
from tests.trainer.data.miniature import ABSENT, KNOWN, NOT_MENTIONED, PRESENT, picture, write
from trainer.data.adapters.openi import read_openi

XML = """<?xml version="1.0" encoding="utf-8"?>
<eCitation><uId id="CXR{uid}"/>
  <MedlineCitation><Article><Abstract>
    <AbstractText Label="INDICATION">Chest pain.</AbstractText>
    <AbstractText Label="FINDINGS">{findings}</AbstractText>
    <AbstractText Label="IMPRESSION">No acute process.</AbstractText>
  </Abstract></Article></MedlineCitation>
  <MeSH>{majors}<automatic>effusion</automatic></MeSH>
  <parentImage id="CXR{uid}_IM-0001-1001"/><parentImage id="CXR{uid}_IM-0001-2001"/>
</eCitation>"""
HEADINGS = {
    9001: [
        "Pleural Effusion/left/small",
        "Nodule/lung/lingula",
        "Mass/breast",
        "Thickening/pleura/apex",
        "Spondylosis",
    ],
    9002: ["normal"],
    9003: ["No Indexing"],
}
PROJECTIONS = "uid,filename,projection\n" + "".join(
    f"{uid},{uid}_IM-0001-1001.dcm.png,Frontal\n{uid},{uid}_IM-0001-2001.dcm.png,Lateral\n"
    for uid in (*HEADINGS, 9004)
)


def dataset(path: Path) -> Path:
    for uid, headings in HEADINGS.items():
        majors = "".join(f"<major>{heading}</major>" for heading in headings)
        write(
            path / "ecgen-radiology" / f"{uid}.xml",
            XML.format(uid=uid, majors=majors, findings=f"Study of {uid}."),
        )
        for view in ("1001", "2001"):
            picture(path / "NLMCXR_png" / f"CXR{uid}_IM-0001-{view}.png")
    write(path / "indiana_projections.csv", PROJECTIONS)
    return path


def test_headings_become_states_of_frontal_images(tmp_path: Path) -> None:
    contents = read_openi(dataset(tmp_path), "train", labels=KNOWN)
    samples = {sample.patient: sample for sample in contents.samples}
    found, normal, silent = (samples[str(uid)] for uid in HEADINGS)
    assert {label for label, state in found.states.items() if state is PRESENT} == {
        "Effusion",
        "Nodule",
        "Pleural_Thickening",
    }
    assert found.states["Mass"] is NOT_MENTIONED and found.states["Fracture"] is NOT_MENTIONED
    assert set(normal.states.values()) == {ABSENT} and len(normal.states) == 17
    assert silent.states == {}
    assert found.report == "Study of 9001. No acute process."
    assert {sample.path.name for sample in contents.samples} == {
        f"CXR{uid}_IM-0001-1001.png" for uid in HEADINGS
    }
    assert contents.left_out[:2] == ("9004_IM-0001-1001: the image file is missing", "lateral images: 3")
    assert set(contents.left_out[2:]) == {
        f'"{name}" has no label of its own in the vocabulary; images that name it: 1'
        for name in ("mass/breast", "spondylosis")
    }


def test_the_tables_say_the_same(tmp_path: Path) -> None:
    rows = [
        f'{uid},"{";".join(headings)}","", ,Chest pain.,,Study of {uid}.,No acute process.'
        for uid, headings in HEADINGS.items()
    ]
    write(
        tmp_path / "tables" / "indiana_reports.csv",
        "\n".join(["uid,MeSH,Problems,image,indication,comparison,findings,impression", *rows]),
    )
    write(tmp_path / "tables" / "indiana_projections.csv", PROJECTIONS)
    for uid in HEADINGS:
        picture(tmp_path / "tables" / "images" / "images_normalized" / f"{uid}_IM-0001-1001.dcm.png")
    xml, tables = (
        read_openi(dataset(tmp_path / "xml"), "train", labels=KNOWN),
        read_openi(tmp_path / "tables", "train", labels=KNOWN),
    )
    assert {s.patient: (s.states, s.report) for s in xml.samples} == {
        s.patient: (s.states, s.report) for s in tables.samples
    }


def test_an_image_of_unknown_projection_is_left_out(tmp_path: Path) -> None:
    dataset(tmp_path)
    (tmp_path / "indiana_projections.csv").unlink()
    contents = read_openi(tmp_path, "train", labels=KNOWN)
    assert contents.samples == ()
    assert contents.left_out == (
        "images of unknown projection, which indiana_projections.csv beside the reports would tell: 6",
    )


def test_bad_input_is_named(tmp_path: Path) -> None:
    dataset(tmp_path)
    with pytest.raises(DataError, match='no split "test"; its splits are train'):
        read_openi(tmp_path, "test", labels=KNOWN)
    write(
        tmp_path / "indiana_projections.csv", PROJECTIONS.replace("9002_IM-0001-1001.dcm.png", "frontal.png")
    )
    with pytest.raises(DataError, match=r"indiana_projections.csv, row 4: frontal.png is no image name"):
        read_openi(tmp_path, "train", labels=KNOWN)
    write(tmp_path / "ecgen-radiology" / "9002.xml", "<eCitation>")
    with pytest.raises(DataError, match=r"9002.xml is no report of the collection"):
        read_openi(tmp_path, "train", labels=KNOWN)
