"""Cases from an archive: fetched once, without a name or UID of it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from app.study.archive_cases import fetch_cases
from app.study.cases import read_cases
from app.study.errors import StudyError
from patchclip.archive import Archive, Film
from patchclip.archive.dicomweb import ArchivedStudy, StudyCriteria
from tests.browser.drawn_chest import write_dicom
from tests.tiny import VOCABULARY

NAME = "MUSTERMANN^ERIKA"


class DrawnArchive:
    """Two studies of one film each."""

    def __init__(self, film: Path) -> None:
        image = dcmread(film)
        image.PatientName = NAME
        image.PatientID = "4711"
        image.StudyInstanceUID, image.SeriesInstanceUID = generate_uid(), generate_uid()
        image.save_as(film)
        self.uids = (str(image.StudyInstanceUID), str(image.SOPInstanceUID))
        self._content = film.read_bytes()
        self.asked: list[StudyCriteria] = []

    def search(self, criteria: StudyCriteria, limit: int) -> list[ArchivedStudy]:
        """Whatever is asked for."""
        self.asked.append(criteria)
        return [ArchivedStudy("1.2.3", "", "", "", ("DX",))]

    def find(self, study_uid: str) -> list[Film]:
        """One film."""
        return [Film(study_uid, "1.2.3.4", "1.2.3.4.5", "DX")]

    def fetch(self, film: Film) -> bytes:
        """The drawn one."""
        return self._content


def test_films_are_fetched_without_what_identifies(tmp_path: Path) -> None:
    archive = DrawnArchive(write_dicom(tmp_path / "drawn.dcm"))
    folder = fetch_cases("DICOMWEB:modality=DX,date=2026-01-02", cast(Archive, archive), tmp_path / "cases")
    assert archive.asked == [StudyCriteria(date="20260102", modality="DX")]
    (path,) = folder.iterdir()
    assert path.name == "0001.dcm"
    content = path.read_bytes()
    for word in (NAME, "4711", *archive.uids):
        assert word.encode() not in content
    read = read_cases(folder, VOCABULARY)
    assert [case.place.path for case in read.cases] == ["0001.dcm"]


@pytest.mark.parametrize("words", ["DICOMWEB:", "DICOMWEB:colour=red", "DICOMWEB:modality=DX,1.2"])
def test_words_that_are_not_understood_are_refused(tmp_path: Path, words: str) -> None:
    archive = DrawnArchive(write_dicom(tmp_path / "drawn.dcm"))
    with pytest.raises(StudyError, match="modality=DX"):
        fetch_cases(words, cast(Archive, archive), tmp_path / "cases")
