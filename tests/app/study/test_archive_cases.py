"""Cases from an archive: fetched once, without a name or UID of it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import cast

import pytest
from pydantic import SecretStr
from pydicom import dcmread
from pydicom.uid import generate_uid

from app.archive_panel import archive_of
from app.people.identity import Role
from app.settings import Settings
from app.study.archive_cases import fetched_cases
from app.study.cases import read_cases
from app.study.errors import StudyError
from app.study.server import study_server
from patchclip import Engine
from patchclip.archive import Archive, Film
from patchclip.archive.dicomweb import ArchivedStudy, StudyCriteria
from tests.app.study.conftest import SEQUENTIAL, Bench
from tests.app.study.reader_client import ReaderClient, ended, people_of, study_api
from tests.archive.orthanc import running
from tests.browser.drawn_chest import write_dicom
from tests.tiny import VOCABULARY

NAME = "MUSTERMANN^ERIKA"


class DrawnArchive:
    """Two studies of one film each."""

    def __init__(self, film: Path) -> None:
        image = dcmread(film)
        image.PatientName = NAME
        image.PatientID = "MRN-4711"
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
    archive, films = DrawnArchive(write_dicom(tmp_path / "drawn.dcm")), tmp_path / "films"
    words = "DICOMWEB:modality=DX,date=2026-01-02"
    with fetched_cases(words, cast(Archive, archive), films, lambda _: False) as folder:
        assert archive.asked == [StudyCriteria(date="20260102", modality="DX")]
        assert [path.name for path in folder.iterdir()] == ["0001.dcm"]
    content = (folder / "0001.dcm").read_bytes()
    for word in (NAME, "MRN-4711", *archive.uids):
        assert word.encode() not in content
    read = read_cases(folder, VOCABULARY)
    assert [case.place.path for case in read.cases] == ["0001.dcm"]


def test_a_creation_that_fails_or_is_killed_leaves_no_film(tmp_path: Path) -> None:
    archive, films = DrawnArchive(write_dicom(tmp_path / "drawn.dcm")), tmp_path / "films"
    for name in ("killed", "used"):
        (films / name).mkdir(parents=True)
        (films / name / "0001.dcm").write_bytes(b"a film")

    def fetched() -> AbstractContextManager[Path]:
        words = "DICOMWEB:modality=DX"
        return fetched_cases(words, cast(Archive, archive), films, lambda folder: folder.name == "used")

    with pytest.raises(StudyError, match="taken"), fetched() as first:
        with fetched() as second:  # by another process: neither clears the other's
            assert (second / "0001.dcm").exists()
        assert (first / "0001.dcm").exists()
        raise StudyError("The name is taken.")
    assert {path.name for path in films.iterdir()} == {"used", second.name}


@pytest.mark.parametrize("words", ["DICOMWEB:", "DICOMWEB:colour=red", "DICOMWEB:modality=DX,1.2"])
def test_words_that_are_not_understood_are_refused(tmp_path: Path, words: str) -> None:
    archive = DrawnArchive(write_dicom(tmp_path / "drawn.dcm"))
    with (
        pytest.raises(StudyError, match="modality=DX"),
        fetched_cases(words, cast(Archive, archive), tmp_path / "films", lambda _: False),
    ):
        pass


def test_a_study_is_made_of_a_real_archive_in_the_page(
    bench: Bench, tiny_engine: Engine, tmp_path: Path
) -> None:
    with running(tmp_path) as orthanc:
        for number in (1, 2):
            path = write_dicom(tmp_path / "film.dcm", number)
            image = dcmread(path)
            image.StudyInstanceUID, image.SeriesInstanceUID = generate_uid(), generate_uid()
            image.Modality = "DX"
            image.save_as(path)
            orthanc.upload(path.read_bytes())
        archive = archive_of(Settings(dicomweb=SecretStr(orthanc.dicomweb)))
        bench.server = study_server(
            bench.database, tiny_engine, None, bench.folder, None, bench.lanes, archive
        )
        api = study_api(bench, tmp_path, people_of(bench, reader=Role.ADMIN))
        admin = ReaderClient(api, "reader")
        assert admin.call("study_choices")["archive"] is True
        body = {"protocol": SEQUENTIAL, "readers": ["anna"]}
        none = admin.call("study_create", name="none", folder="DICOMWEB:modality=CT", **body)["creation"]
        assert "The archive has no study like that" in ended(admin, none)["error"]
        begun = admin.call("study_create", name="two", folder="DICOMWEB:modality=DX", **body)
        made = ended(admin, begun["creation"])
    assert (made["state"], made["cases"]) == ("made", 2)
    (folder,) = (bench.folder / "films").iterdir()  # that of the failed one is gone
    assert sorted(path.name for path in folder.iterdir()) == ["0001.dcm", "0002.dcm"]
    for path in folder.iterdir():
        assert b"Mustermann" not in path.read_bytes() and b"MRN-4711" not in path.read_bytes()
    bench.make_ready()  # the archive is not asked again
    cases = admin.call("study_cases", study=made["study"])["cases"]
    assert [case["ready"] for case in cases] == [True, True]
    bench.server.close()
