"""A real Orthanc: films found and fetched, results stored, films pushed, and what goes wrong said in a
sentence."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from pydicom import dcmread

from patchclip.archive import Archive
from patchclip.archive.dicomweb import ArchiveError
from patchclip.archive.receiver import Receiver
from patchclip.export import map_segmentation, read_source, structured_report
from tests.archive.orthanc import Orthanc, running
from tests.export.sources import INSTANCE, STUDY, film, result
from tests.image.dicoms import content

SECOND = "1.2.826.0.1.3680043.2.1125.9"


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """Holds a study with two films and one object that is no film."""
    with running(tmp_path_factory.mktemp("orthanc")) as server:
        server.upload(content(film(InstanceNumber=2)))
        server.upload(content(film(SOPInstanceUID=SECOND, InstanceNumber=1)))
        server.upload(
            content(film(SOPInstanceUID=f"{SECOND}.1", SeriesInstanceUID=f"{SECOND}.2", Modality="MR"))
        )
        yield server


def test_films_are_found_in_order_and_fetched_as_they_were(orthanc: Orthanc) -> None:
    archive = Archive(orthanc.dicomweb)
    films = archive.find(STUDY)
    assert [item.instance_uid for item in films] == [SECOND, INSTANCE]  # by instance number; no MR
    fetched = dcmread(io.BytesIO(archive.fetch(films[1])))
    assert fetched.PixelData == film().PixelData
    assert fetched.file_meta.TransferSyntaxUID == film().file_meta.TransferSyntaxUID


def test_results_are_stored_beside_their_film(orthanc: Orthanc) -> None:
    source = read_source(content(film()))
    results = [structured_report(result(), source), map_segmentation(result(), source)]
    Archive(orthanc.dicomweb).store(results)
    stored = {row["SOPInstanceUID"]: row for row in orthanc.tags()}
    for item in results:
        assert stored[item.SOPInstanceUID]["StudyInstanceUID"] == STUDY
        assert stored[item.SOPInstanceUID]["Modality"] == item.Modality
    assert [film.modality for film in Archive(orthanc.dicomweb).find(STUDY)] == [
        "DX",
        "DX",
    ]  # results are no films


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://archive", "http"),
        ("http://127.0.0.1:9/dicom-web", "cannot be reached"),
        ("{plain}/dicom-web", "check user and password"),
        ("{full}/nowhere", "check the address"),
        ("{full}/app/explorer.html", "address"),
    ],
)
def test_what_goes_wrong_is_said_in_one_sentence_without_a_password(
    orthanc: Orthanc, url: str, words: str
) -> None:
    full = orthanc.dicomweb.removesuffix("/dicom-web")
    url = url.format(plain=f"http://127.0.0.1:{orthanc.http}", full=full)
    with pytest.raises(ArchiveError, match=words) as failed:
        Archive(url).find(STUDY)
    assert "f1lms" not in str(failed.value)
    assert str(failed.value).count(". ") == 0


@pytest.mark.parametrize(
    ("status", "rows", "words"),
    [
        (404, None, "would not find the study"),
        (None, None, "cannot be reached"),
        (200, [], "has no radiograph"),
    ],
)
def test_what_fails_for_a_study_never_names_it(
    monkeypatch: pytest.MonkeyPatch, status: int | None, rows: list[object] | None, words: str
) -> None:
    archive = Archive("http://archive.example/dicom-web")

    def search(**asked: object) -> list[object]:
        if rows is not None:
            return rows
        if status is None:
            raise requests.ConnectionError(f"no way to studies/{STUDY}")
        reply = requests.Response()
        reply.status_code = status
        raise requests.HTTPError(f"nothing at studies/{STUDY}", response=reply)

    monkeypatch.setattr(archive._client, "search_for_instances", search)
    with pytest.raises(ArchiveError, match=words) as failed:
        archive.find(STUDY)
    assert STUDY not in str(failed.value)


def test_a_study_without_films_is_said(orthanc: Orthanc) -> None:
    with pytest.raises(ArchiveError, match="no radiograph"):
        Archive(orthanc.dicomweb).find("1.2.3")


def test_an_object_that_the_archive_refuses_is_said(orthanc: Orthanc) -> None:
    broken = structured_report(result(), read_source(content(film())))
    del broken.SOPInstanceUID
    with pytest.raises(ArchiveError, match="store the results"):
        Archive(orthanc.dicomweb).store([broken])


def test_pushed_films_are_taken(orthanc: Orthanc) -> None:
    taken: list[bytes] = []
    lock = threading.Lock()

    def take(one: bytes) -> None:
        with lock:
            taken.append(one)

    with Receiver(take, port=0) as receiver:
        orthanc.push(receiver.port, "PATCHCLIP")
    uids = {dcmread(io.BytesIO(one)).SOPInstanceUID for one in taken}
    assert {INSTANCE, SECOND} <= uids


# pynetdicom's thread for a connection that it has just refused may still read its socket, which is closed.
@pytest.mark.filterwarnings(
    "ignore:Exception in thread AcceptorThread:pytest.PytestUnhandledThreadExceptionWarning"
)
def test_a_sender_that_calls_another_name_is_refused(orthanc: Orthanc) -> None:
    taken: list[bytes] = []
    with Receiver(taken.append, port=0) as receiver, pytest.raises(OSError, match="500"):
        orthanc.push(receiver.port, "ANOTHER")
    assert taken == []


def test_a_film_that_cannot_be_taken_is_told_to_the_sender_and_the_next_is_taken(orthanc: Orthanc) -> None:
    calls: list[int] = []

    def fail(one: bytes) -> None:
        calls.append(len(one))
        if len(calls) == 1:
            raise MemoryError

    with Receiver(fail, port=0) as receiver:
        with pytest.raises(OSError, match="500"):
            orthanc.push(receiver.port, "PATCHCLIP")
        calls.append(0)
        orthanc.push(receiver.port, "PATCHCLIP")
    assert len(calls) > 3


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with Receiver(lambda _: None, port=0) as first, pytest.raises(ArchiveError, match="cannot be used"):
        Receiver(lambda _: None, port=first.port)
