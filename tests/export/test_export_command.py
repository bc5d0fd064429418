"""The commands export, predict and receive on files and on a real archive, with the bundled model."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import UID

from patchclip import Engine
from patchclip.__main__ import main
from patchclip.image.synthetic import synthetic_dicom, synthetic_radiograph
from tests.archive.orthanc import Orthanc, running
from tests.export.sources import INSTANCE, SERIES, STUDY, errors_of
from tests.image.dicoms import content


def chest() -> bytes:
    made = synthetic_dicom(synthetic_radiograph("effusion", size=512, seed=5).pixels)
    for keyword, value in (
        ("StudyInstanceUID", STUDY),
        ("SeriesInstanceUID", SERIES),
        ("SOPInstanceUID", INSTANCE),
    ):
        setattr(made, keyword, value)
    made.file_meta.MediaStorageSOPInstanceUID = UID(INSTANCE)
    return content(made)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """Holds one film."""
    with running(tmp_path_factory.mktemp("orthanc")) as server:
        server.upload(chest())
        yield server


def test_every_format_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = tmp_path / "film.dcm"
    film.write_bytes(chest())
    formats = [word for name in ("sr", "seg", "regions", "sc", "coco", "csv") for word in ("--format", name)]
    asked = ["--query", "lung opacity", "--query", "no pneumothorax", "--query", "fractured femur"]
    out = ["--no-mirror", "--out", str(tmp_path / "out")]
    assert main(["export", str(film), *asked, *formats, *out]) == 0
    said = capsys.readouterr()
    assert "1 images exported. Research use only" in said.out
    assert "fractured femur" in said.err  # what is out of scope is named, not exported
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {
        "film_sr.dcm",
        "film_seg.dcm",
        "film_sc1.dcm",
        "film_sc2.dcm",
        "coco.json",
        "answers.csv",
    } <= names
    for path in (tmp_path / "out").glob("*.dcm"):
        assert errors_of(path) == [], path.name
    (image,) = json.loads((tmp_path / "out" / "coco.json").read_text())["images"]
    assert (image["execution"]["backend"], image["execution"]["mirror"]) == ("torch", False)
    rows = (tmp_path / "out" / "answers.csv").read_text().splitlines()
    assert {row.split(",")[1] for row in rows[1:]} == {"lung opacity", "no pneumothorax"}


def test_from_an_archive_and_back(
    orthanc: Orthanc, capsys: pytest.CaptureFixture[str], engine: Engine
) -> None:
    place = ["--dicomweb", orthanc.dicomweb, "--study", STUDY]
    assert main(["predict", *place, "--query", "no pneumothorax"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["image"] == INSTANCE and record["model"]["sha256"] == engine.sha256
    assert main(["export", *place, "--query", "no pneumothorax", "--format", "sr", "--store"]) == 0
    assert sorted(orthanc.held().values()) == ["DX", "SR"]
    assert {row["StudyInstanceUID"] for row in orthanc.tags()} == {STUDY}


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["predict", "--query", "effusion"], 2, "No image was named"),
        (["predict", "--query", "effusion", "--study", "1.2"], 2, "belong together"),
        (["export", "a.dcm", "--query", "effusion", "--format", "sr"], 1, "--out DIR"),
        (["export", "a.dcm", "--query", "effusion", "--format", "sr", "--store"], 1, "--dicomweb"),
    ],
)
def test_wrong_usage_is_said(
    arguments: list[str], status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == status
    assert words in capsys.readouterr().err


def test_one_file_that_is_no_dicom_spoils_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film, broken = tmp_path / "film.dcm", tmp_path / "broken.dcm"
    film.write_bytes(chest())
    broken.write_bytes(b"DICM? no")
    out = tmp_path / "out"
    files = [str(broken), str(film)]
    assert main(["export", *files, "--query", "effusion", "--format", "sr", "--out", str(out)]) == 1
    assert "broken.dcm" in capsys.readouterr().err
    assert dcmread(out / "film_sr.dcm").Modality == "SR"


def test_pushed_films_are_answered(orthanc: Orthanc) -> None:
    command = [sys.executable, "-m", "patchclip", "receive", "--query", "pleural effusion", "--port", "0"]
    with subprocess.Popen(
        [*command, "--films", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as listener:
        assert listener.stderr and listener.stdout
        line = next(line for line in listener.stderr if line.startswith("listening"))
        films = [key for key, modality in orthanc.held().items() if modality == "DX"]
        orthanc.push(int(line.rsplit(":", 1)[1]), "PATCHCLIP", films)
        record = json.loads(listener.stdout.readline())
        assert listener.wait(60) == 0
    assert record["image"] == "film 1"
    assert record["queries"][0]["finding"] == "pleural effusion"
    assert INSTANCE not in json.dumps(record)  # what a listener prints names no film of the archive
