"""Results of a study as a ZIP: DICOM that references its film, tables; what cannot be made is a sentence."""

from __future__ import annotations

import csv
import io
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import FileDataset

from patchclip import load_radiograph
from tests.app.page_client import PageClient
from tests.export.sources import INSTANCE, NAME, STUDY, errors_of, film
from tests.export.test_export_containers import two_frames
from tests.image.dicoms import content
from tests.image.test_containers import zipped

ALL = ["sr", "seg", "regions", "sc", "coco", "csv"]
FILM = content(
    film(WindowCenter=[2000, 1000], WindowWidth=[4001, 801], WindowCenterWidthExplanation=["NORMAL", "LUNG"])
)


TWO_QUERIES = "pleural effusion; no pneumothorax"


def asked(page: PageClient, file: bytes, text: str = TWO_QUERIES, **reading: Any) -> str:
    """The id of a study that was opened from a file and asked."""
    study = str(page.send("open_upload", file, **reading)["study"])
    assert len(page.call("ask", study=study, text=text)["answers"]) == text.count(";") + 1
    return study


def unpacked(window: PageClient, study: str, file: bytes, kinds: list[str]) -> dict[str, bytes]:
    """The files of the ZIP that the page downloads, by name."""
    packed = window.fetch("results", file, study=study, kinds=kinds)
    assert window.status == 200, packed
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def dataset(file: bytes) -> FileDataset:
    """A DICOM file as pydicom reads it."""
    return dcmread(io.BytesIO(file))


def test_every_form_of_a_film(window: PageClient, uploads: Path, tmp_path: Path) -> None:
    study = asked(window, FILM)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        files = unpacked(window, study, FILM, ALL)
    dicoms = {name: dataset(file) for name, file in files.items() if name.endswith(".dcm")}
    assert {name: item.Modality for name, item in dicoms.items()} == {
        "patch-clip_sr.dcm": "SR",
        "patch-clip_seg.dcm": "SEG",
        "patch-clip_regions.dcm": "SEG",
        "patch-clip_sc1.dcm": "OT",
        "patch-clip_sc2.dcm": "OT",
    }
    for name, item in dicoms.items():
        (tmp_path / name).write_bytes(files[name])
        assert errors_of(tmp_path / name) == [], name
        assert (item.StudyInstanceUID, str(item.PatientName), item.PatientID) == (STUDY, NAME, "MRN-4711")
        assert INSTANCE in str(item)
    lit = dicoms["patch-clip_seg.dcm"].pixel_array
    assert lit.shape == (2, 240, 320)
    assert lit.max() > 0.85 * 255 > 0.15 * 255 > lit.min()
    assert list(uploads.rglob("*")) == []


def test_tables_name_no_patient_and_need_no_file(window: PageClient) -> None:
    study = asked(window, FILM)
    files = unpacked(window, study, b"", ["coco", "csv"])
    assert sorted(files) == ["about.txt", "answers.csv", "coco.json"]
    sha256 = load_radiograph(FILM).sha256
    rows = list(csv.DictReader(io.StringIO(files["answers.csv"].decode())))
    assert [(row["image"], row["query"], row["picture"]) for row in rows] == [
        (sha256[:16], query, "window: window 2000/4001 (normal)")
        for query in ("pleural effusion", "no pneumothorax")
    ]
    table = json.loads(files["coco.json"])
    assert [image["file_name"] for image in table["images"]] == [sha256[:16]]
    assert len(table["annotations"]) == 2
    about = files["about.txt"].decode()
    assert about.startswith("Research use only, not for clinical use.\nModel fake-model, SHA-256 ffff")
    for part in (*NAME.split("^"), "MRN-4711", STUDY):
        assert not [name for name, file in files.items() if part.encode() in file]


def test_window_and_inversion_travel_with_every_form(window: PageClient) -> None:
    study = asked(window, FILM, "pleural effusion", window=1, inverted=True)
    files = unpacked(window, study, FILM, ALL)
    said = ("window 1000/801 (lung)", "black and white exchanged by the reader")
    texts = {
        "sr": files["patch-clip_sr.dcm"].decode("latin-1"),
        "seg": files["patch-clip_seg.dcm"].decode("latin-1"),
        "sc": str(dataset(files["patch-clip_sc1.dcm"]).DerivationDescription),
        "coco": files["coco.json"].decode(),
        "csv": files["answers.csv"].decode(),
        "about": files["about.txt"].decode().lower(),
    }
    assert {name for name, text in texts.items() if not all(words in text for words in said)} == set()
    shown = load_radiograph(FILM, window=1).inverted().pixels
    captured = dataset(files["patch-clip_sc1.dcm"]).pixel_array
    dark = np.s_[10:50, 10:150]  # where the map is not lit
    assert np.abs(captured[dark][..., 0] - shown[dark] * 255).max() <= 0.51


def test_a_picture_has_tables_alone_and_the_rest_is_a_sentence(window: PageClient, png: bytes) -> None:
    study = asked(window, png)
    assert set(unpacked(window, study, png, ["coco", "csv"])) == {"about.txt", "answers.csv", "coco.json"}
    refused = window.send("results", png, study=study, kinds=ALL)
    assert window.status == 400
    assert "choose COCO or CSV" in refused["error"]


def test_a_film_in_an_archive_and_one_of_several_frames(window: PageClient) -> None:
    packed = zipped({"b/film.dcm": FILM, "a.dcm": content(two_frames())})
    for place, frame in ((2, None), (1, 2)):
        opened = window.send("open_upload", packed, image=place)
        window.call("ask", study=opened["study"], text="mass")
        report = dataset(unpacked(window, opened["study"], packed, ["sr"])["patch-clip_sr.dcm"])
        assert (report.StudyInstanceUID == STUDY) is (frame is None)
        elements = [item for item in report.iterall() if item.keyword == "ReferencedFrameNumber"]
        assert {item.value for item in elements} == ({frame} if frame else set())


def test_an_example_has_tables_alone(window: PageClient) -> None:
    opened = window.call("open_example", name="synthetic_effusion_dicom.dcm")
    assert not opened["dicom"]
    window.call("ask", study=opened["study"], text="mass")
    assert "answers.csv" in unpacked(window, opened["study"], b"", ["csv"])
    assert "choose COCO or CSV" in window.send("results", b"", study=opened["study"], kinds=["sr"])["error"]


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (content(film(PixelData=bytes(240 * 320 * 2 - 2) + b"\1\1")), "not the one that this study"),
        (zipped({"report.txt": b"heart normal"}), "holds no image"),
        (b"", "empty"),
        (b"no film at all", "PNG"),
    ],
)
def test_another_file_gives_no_results(window: PageClient, file: bytes, words: str) -> None:
    study = asked(window, FILM)
    assert words in window.send("results", file, study=study, kinds=["sr"])["error"]


def test_what_cannot_be_exported_says_why(window: PageClient) -> None:
    study = str(window.send("open_upload", FILM)["study"])
    assert "ask a question first" in window.send("results", FILM, study=study, kinds=["sr"])["error"]
    window.call("ask", study=study, text="fractured femur")
    assert "nothing to export" in window.send("results", FILM, study=study, kinds=["csv"])["error"]
    assert "no longer in memory" in window.send("results", FILM, study="0" * 16, kinds=["sr"])["error"]
    for kinds in ([], ["pdf"], "sr"):
        assert "understand kinds" in window.send("results", FILM, study=study, kinds=kinds)["error"]
    assert (
        "No archive is set"
        in window.send("store_results", FILM, study=asked(window, FILM), kinds=["sr"])["error"]
    )


def test_what_is_out_of_scope_is_named_and_left_out(window: PageClient) -> None:
    study = asked(window, FILM, "mass; fractured femur")
    files = unpacked(window, study, FILM, ["csv", "sc"])
    assert [row["query"] for row in csv.DictReader(io.StringIO(files["answers.csv"].decode()))] == [
        "lung mass"
    ]
    assert "patch-clip_sc2.dcm" not in files
    assert '"fractured femur" is outside' in files["about.txt"].decode()


def test_writing_in_the_picture_is_warned_of_in_the_export(window: PageClient) -> None:
    tagged = content(film(BurnedInAnnotation="YES"))
    files = unpacked(window, asked(window, tagged), tagged, ["csv"])
    assert "text is burned into the picture" in files["about.txt"].decode()


def test_a_query_in_a_table_is_no_formula(window: PageClient) -> None:
    study = asked(window, FILM, "=effusion")
    files = unpacked(window, study, b"", ["csv"])
    assert next(csv.DictReader(io.StringIO(files["answers.csv"].decode())))["query"] == "'=effusion"
