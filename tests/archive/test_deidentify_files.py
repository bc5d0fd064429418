"""De-identified copies of files: names, keys, writing in the picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import UID

from patchclip import load_radiograph
from patchclip.__main__ import main
from patchclip.archive.files import deidentify_files
from patchclip.errors import DataError
from patchclip.image.burnt_in import find_text
from patchclip.image.synthetic import synthetic_dicom, synthetic_radiograph
from tests.export.sources import SERIES, STUDY
from tests.image.dicoms import content

NAME = "QUIXOTE"
INSTANCE = "1.2.826.0.1.3680043.2.1125.77"


def chest(*, writing: bool, photometric: str = "MONOCHROME2") -> bytes:
    """A film of a patient, with a name in its picture or without."""
    picture = np.round(synthetic_radiograph("effusion", size=640, seed=5).pixels * 255).astype(np.uint8)
    # The program that draws the film writes a line of its own at its upper border.
    picture[:80] = 5
    if writing:
        text, font = f"{NAME} ALONSO 19470101", cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(picture, text, (60, 60), font, 1.0, 255, 2, cv2.LINE_AA)
    pixels = (picture / 255).astype(np.float32)
    if photometric == "MONOCHROME1":
        pixels = 1 - pixels
    made = synthetic_dicom(pixels)
    made.PhotometricInterpretation = photometric
    made.StudyInstanceUID, made.SeriesInstanceUID = STUDY, SERIES
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = UID(INSTANCE)
    made.PatientName, made.PatientID = f"{NAME}^ALONSO", "MRN-4711"
    return content(made)


def test_copies_have_no_name_anywhere_and_the_same_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in" / NAME
    source.mkdir(parents=True)
    (source / f"{NAME}.dcm").write_bytes(chest(writing=False))
    (source / "notes.txt").write_text(NAME)
    assert main(["deidentify", str(tmp_path / "in"), str(tmp_path / "out")]) == 1  # the notes are no film
    said = capsys.readouterr()
    assert "1 files written, 0 of them with writing masked, 1 left out" in said.out
    assert NAME not in said.out + said.err
    (copy,) = (tmp_path / "out").iterdir()
    assert copy.stem == str(dcmread(copy).SOPInstanceUID) != INSTANCE
    assert NAME.encode() not in copy.read_bytes()
    assert load_radiograph(copy).sha256 == load_radiograph(source / f"{NAME}.dcm").sha256


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
def test_writing_in_the_picture_is_blackened_and_nothing_else_changes(
    tmp_path: Path, photometric: str
) -> None:
    before = load_radiograph(chest(writing=True, photometric=photometric)).pixels
    (tmp_path / "film.dcm").write_bytes(chest(writing=True, photometric=photometric))
    report = deidentify_files(tmp_path / "film.dcm", tmp_path / "out")
    assert (report.written, report.masked, report.left_out) == (1, 1, ())
    (copy,) = (tmp_path / "out").iterdir()
    cleaned = load_radiograph(copy)
    assert find_text(cleaned.pixels) == ()
    assert cleaned.pixels[30:65, 60:450].max() < 0.1
    far = np.s_[200:600, 100:600]
    assert np.abs(cleaned.pixels[far] - before[far]).max() < 0.02
    header = dcmread(copy)
    assert header.BurnedInAnnotation == "NO"
    assert [item.CodeValue for item in header.DeidentificationMethodCodeSequence] == ["113100", "113101"]


def test_with_refuse_a_film_with_writing_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "film.dcm").write_bytes(chest(writing=True))
    report = deidentify_files(tmp_path / "film.dcm", tmp_path / "out", refuse=True)
    assert report.written == 0
    assert report.left_out == (
        "file 1 of 1 was left out: there may be writing in its picture; mask it, or look at it first.",
    )
    assert list((tmp_path / "out").iterdir()) == []


def test_the_same_key_gives_the_same_uids_in_another_run(tmp_path: Path) -> None:
    (tmp_path / "film.dcm").write_bytes(chest(writing=False))
    (tmp_path / "key").write_bytes(b"0123456789abcdef")
    names = []
    for run in ("a", "b"):
        deidentify_files(tmp_path / "film.dcm", tmp_path / run, key_file=tmp_path / "key")
        names += [path.name for path in (tmp_path / run).iterdir()]
    deidentify_files(tmp_path / "film.dcm", tmp_path / "c")
    assert names[0] == names[1] != next((tmp_path / "c").iterdir()).name


@pytest.mark.parametrize("case", ["absent", "in use", "short key"])
def test_what_cannot_be_done_is_said_before_anything_is_written(tmp_path: Path, case: str) -> None:
    film, out, key = tmp_path / "film.dcm", tmp_path / "out", tmp_path / "key"
    key.write_bytes(b"short" if case == "short key" else bytes(16))
    if case != "absent":
        film.write_bytes(chest(writing=False))
    if case == "in use":
        out.mkdir()
        (out / "mine").touch()
    words = {"absent": "There is no", "in use": "new or empty", "short key": "at least 16"}
    with pytest.raises(DataError, match=words[case]):
        deidentify_files(film, out, key_file=key)
    assert not list(out.glob("*.dcm"))


def test_only_dicom_is_copied(tmp_path: Path) -> None:
    picture = tmp_path / "film.png"
    cv2.imwrite(str(picture), (synthetic_radiograph(size=256).pixels * 255).astype(np.uint8))
    report = deidentify_files(picture, tmp_path / "out")
    assert report.written == 0 and "no DICOM" in report.left_out[0]
