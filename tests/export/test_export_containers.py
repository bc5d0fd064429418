"""export on folders, archives, gzip and files of several frames: files per image, references per frame."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.uid import MultiFrameGrayscaleWordSecondaryCaptureImageStorage, generate_uid

from patchclip.__main__ import main
from tests.export.sources import errors_of
from tests.image.dicoms import CHEST, content, dicom
from tests.image.test_containers import PDF, disc, zipped
from tests.tiny import tiny_checkpoint

STORED = np.round(CHEST * 4000).astype(np.uint16)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_checkpoint(tmp_path_factory.mktemp("export")))


def film(**tags: object) -> FileDataset:
    """With UIDs of its own."""
    tags |= {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    dataset = dicom(STORED, BitsStored=12, HighBit=11, WindowCenter=2000, WindowWidth=4000, **tags)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    return dataset


def two_frames() -> FileDataset:
    dataset = film(NumberOfFrames="2", SOPClassUID=MultiFrameGrayscaleWordSecondaryCaptureImageStorage)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.PixelData = STORED.tobytes() + np.ascontiguousarray(STORED[:, ::-1]).tobytes()
    return dataset


def export(checkpoint: str, out: Path, *arguments: object) -> int:
    command = ["export", *(str(argument) for argument in arguments), "--checkpoint", checkpoint]
    return main([*command, "--query", "effusion", "--out", str(out)])


def test_what_predict_takes_export_takes(
    checkpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    films = [film() for _ in range(4)]
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "film.dcm").write_bytes(content(films[0]))
    (tmp_path / "folder" / "deep" / "film.dcm").write_bytes(content(films[1]))
    (tmp_path / "folder" / "report.pdf").write_bytes(PDF)
    study, packed = tmp_path / "study.zip", tmp_path / "single.dcm.gz"
    study.write_bytes(zipped({"a#b.dcm": content(films[2])}))
    packed.write_bytes(gzip.compress(content(films[3])))
    root = tmp_path / "disc"
    (root / "IMAGES").mkdir(parents=True)
    (root / "IMAGES" / "IM1").write_bytes(content(films[0]))
    directory = disc(root, [["IMAGES", "IM1"]])
    out = tmp_path / "out"
    places = (tmp_path / "folder", study, packed, directory)
    assert export(checkpoint, out, *places, "--format", "sr", "--format", "csv") == 0
    said = capsys.readouterr()
    assert "5 images exported" in said.out and "report.pdf: left out" in said.err
    referenced = {
        path.name: dcmread(path)
        .CurrentRequestedProcedureEvidenceSequence[0]
        .ReferencedSeriesSequence[0]
        .ReferencedSOPSequence[0]
        .ReferencedSOPInstanceUID
        for path in out.glob("*.dcm")
    }
    assert referenced == {
        "film_sr.dcm": films[0].SOPInstanceUID,
        "film_2_sr.dcm": films[1].SOPInstanceUID,
        "a#b_sr.dcm": films[2].SOPInstanceUID,
        "single.dcm_sr.dcm": films[3].SOPInstanceUID,
        "IM1_sr.dcm": films[0].SOPInstanceUID,
    }
    with (out / "answers.csv").open(encoding="utf-8") as file:
        assert len({row["image"] for row in csv.DictReader(file)}) == 5


def test_results_of_a_frame_refer_to_it(
    checkpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "film.dcm", tmp_path / "out"
    path.write_bytes(content(two_frames()))
    assert export(checkpoint, out, path, "--format", "sr", "--format", "sc") == 0
    names = {"film_1_sr.dcm", "film_1_sc1.dcm", "film_2_sr.dcm", "film_2_sc1.dcm"}
    assert {file.name for file in out.glob("*.dcm")} == names
    for frame in (1, 2):
        capture = dcmread(out / f"film_{frame}_sc1.dcm")
        assert capture.SourceImageSequence[0].ReferencedFrameNumber == frame
        report = dcmread(out / f"film_{frame}_sr.dcm")
        numbers = [
            element.value for element in report.iterall() if element.keyword == "ReferencedFrameNumber"
        ]
        assert numbers and set(numbers) == {frame}
        assert errors_of(out / f"film_{frame}_sr.dcm") == []
    assert export(checkpoint, out, path, "--format", "seg") == 1
    assert capsys.readouterr().err.count("A segmentation of one frame of several is not written") == 2
