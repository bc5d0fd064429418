"""The archive on the page, against a real Orthanc: find, open, export, store; nothing but the archive."""

from __future__ import annotations

import http.server
import io
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
import sqlalchemy
from pydicom import dcmread
from pydicom.uid import UID

from app.archive_panel import archive_of
from app.lanes import Lanes
from app.models.in_use import InUse
from app.monai_label.desk import LabelDesk
from app.monai_label.messages import InferParams
from app.people.identity import Person, Role
from app.service import Service
from app.settings import Settings
from app.store import FeedbackRepository
from app.uploads import Uploads
from patchclip import Engine, PatchClipError, load_radiograph
from patchclip.archive.dicomweb import ArchiveError
from tests.app.fake_engine import FakeEngine
from tests.app.own_loop import in_own_loop
from tests.app.page_client import PageClient, make_api
from tests.archive.orthanc import PASSWORD, USER, Orthanc, running
from tests.export.sources import INSTANCE, NAME, SERIES, STUDY, film
from tests.image.dicoms import content

ADA = Person(7, "ada", Role.READER)
OLDER, OTHER = f"{STUDY}.1", f"{INSTANCE}.1"


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """Holds two studies."""
    with running(tmp_path_factory.mktemp("orthanc")) as server:
        server.upload(content(film(StudyDescription="Chest PA")))
        older = film(
            StudyInstanceUID=OLDER,
            SeriesInstanceUID=f"{SERIES}.1",
            SOPInstanceUID=OTHER,
            StudyDate="20251231",
            AccessionNumber="A2",
            Modality="CR",
        )
        older.file_meta.MediaStorageSOPInstanceUID = UID(OTHER)
        server.upload(content(older))
        yield server


def page_of(settings: Settings, repository: FeedbackRepository, uploads: Path) -> tuple[PageClient, Service]:
    """A window of a server with these settings."""
    service = Service(
        InUse(cast(Engine, FakeEngine())),
        repository,
        study_memory_mb=50,
        upload_limit_mb=1,
        archive=archive_of(settings),
    )
    return PageClient(make_api(service, Uploads(uploads, 1_000_000))), service


@pytest.fixture
def reader(orthanc: Orthanc, repository: FeedbackRepository, uploads: Path) -> Iterator[PageClient]:
    """A window of a server with the archive."""
    client, service = page_of(Settings(dicomweb=orthanc.dicomweb), repository, uploads)
    yield client
    service.lanes.close()


def find(reader: PageClient, **criteria: str) -> list[str]:
    """UIDs of the studies that are found."""
    reply = reader.call("archive_find", **criteria)
    assert reader.status == 200, reply
    return [str(item["study"]) for item in reply["studies"]]


def test_studies_are_found_by_what_names_no_patient(reader: PageClient) -> None:
    assert reader.call("start")["archive"]
    assert find(reader, study=STUDY) == [STUDY]
    assert find(reader, accession="A2") == [OLDER]
    assert find(reader, date="2026-01-02") == [STUDY]
    assert find(reader, modality="CR") == [OLDER]
    assert find(reader, modality="CR", date="2026-01-02") == []
    reply = reader.call("archive_find", study=STUDY)
    assert reply == {
        "studies": [
            {
                "study": STUDY,
                "date": "20260102",
                "time": "101500",
                "description": "Chest PA",
                "modalities": ["DX"],
            }
        ],
        "more": False,
    }


def test_a_film_is_opened_asked_exported_and_its_results_stored(reader: PageClient, orthanc: Orthanc) -> None:
    (item,) = reader.call("archive_films", study=STUDY)["films"]
    assert item == {"series": SERIES, "instance": INSTANCE, "modality": "DX"}
    file = reader.fetch(
        "archive_film", json.dumps({"study": STUDY, "series": SERIES, "instance": INSTANCE}).encode()
    )
    opened = reader.send("open_upload", file)
    assert opened["sha256"] == load_radiograph(content(film())).sha256
    reader.call("ask", study=opened["study"], text="pleural effusion")
    kinds = ["sr", "seg", "regions", "sc", "csv"]
    assert reader.send("store_results", file, study=opened["study"], kinds=kinds) == {"stored": 4}
    held = [row for row in orthanc.tags() if row["StudyInstanceUID"] == STUDY]
    assert sorted(row["Modality"] for row in held) == ["DX", "OT", "SEG", "SEG", "SR"]
    assert {row["PatientName"] for row in held} == {NAME}
    assert "tables are no DICOM" in str(
        reader.send("store_results", file, study=opened["study"], kinds=["csv"])["error"]
    )


def test_results_of_a_film_that_the_archive_lacks_are_not_stored(
    reader: PageClient, orthanc: Orthanc
) -> None:
    strange = content(film(StudyInstanceUID="1.2.3.4", SOPInstanceUID="1.2.3.4.5"))
    study = reader.send("open_upload", strange)["study"]
    reader.call("ask", study=study, text="mass")
    before = len(orthanc.tags())
    error = reader.send("store_results", strange, study=study, kinds=["sr"])["error"]
    assert "does not hold this film" in error
    assert len(orthanc.tags()) == before


@pytest.mark.parametrize(
    ("name", "request_", "words"),
    [
        ("archive_find", {}, "Name a study UID"),
        ("archive_find", {"study": "1.2/../../x"}, "study"),
        ("archive_find", {"accession": "*"}, "accession"),
        ("archive_find", {"accession": "A\\B"}, "accession"),
        ("archive_find", {"date": "2026"}, "date"),
        ("archive_find", {"modality": "dx"}, "modality"),
        ("archive_find", {"patient": "QUIXOTE"}, "does not know a part"),
        ("archive_films", {"study": "http://127.0.0.1/"}, "study"),
        ("archive_films", {"study": "1.2.3"}, "no radiograph"),
        ("archive_film", {"study": STUDY, "series": "..", "instance": INSTANCE}, "series"),
        ("archive_film", {"study": STUDY, "series": SERIES, "instance": "1.2.3"}, "would not fetch a film"),
    ],
)
def test_what_cannot_be_asked_for_is_one_sentence(
    reader: PageClient, name: str, request_: dict[str, Any], words: str
) -> None:
    error = reader.call(name, **request_)["error"]
    assert reader.status == 400
    assert words in error
    assert error.count(". ") == 0
    assert PASSWORD not in error and USER not in error


def test_without_an_archive_nothing_is_asked(window: PageClient) -> None:
    assert window.call("start")["archive"] is False
    assert "No archive is set" in window.call("archive_find", modality="DX")["error"]
    request = {"study": "1.2", "series": "1.2", "instance": "1.2"}
    assert "No archive is set" in window.call("archive_film", **request)["error"]


class _Elsewhere(http.server.BaseHTTPRequestHandler):
    """Sends every visitor to another place, and notes who comes there."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(302)
        self.send_header(
            "Location", f"http://{self.headers['Host'].replace('127.0.0.1', 'localhost')}/secret"
        )
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


def test_the_archive_cannot_send_the_server_elsewhere(
    repository: FeedbackRepository, uploads: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://{USER}:{PASSWORD}@127.0.0.1:{server.server_port}/dicom-web"
        reader, service = page_of(Settings(dicomweb=url), repository, uploads)
        with caplog.at_level(logging.DEBUG):
            error = reader.call("archive_find", accession="SECRET7")["error"]
        service.lanes.close()
        server.shutdown()
    assert "another address" in error
    assert len(_Elsewhere.asked) >= 1
    assert [path for path in _Elsewhere.asked if "/dicom-web/" not in path] == []
    assert PASSWORD not in error + caplog.text
    assert "SECRET7" not in caplog.text


def test_an_archive_that_is_not_there_and_a_wrong_address_are_sentences(
    repository: FeedbackRepository, uploads: Path, database: sqlalchemy.Engine
) -> None:
    gone = Settings(dicomweb=f"http://{USER}:{PASSWORD}@127.0.0.1:9/dicom-web")
    reader, service = page_of(gone, repository, uploads)
    error = reader.call("archive_find", modality="DX")["error"]
    service.lanes.close()
    assert "cannot be reached" in error
    assert PASSWORD not in error + repr(gone)
    with pytest.raises(ArchiveError, match="begins with http") as refused:
        archive_of(Settings(dicomweb=f"ftp://{USER}:{PASSWORD}@archive"))
    assert PASSWORD not in str(refused.value)


def test_a_token_goes_to_the_archive_alone(orthanc: Orthanc) -> None:
    archive = archive_of(
        Settings(dicomweb=f"http://127.0.0.1:{orthanc.http}/dicom-web", dicomweb_token="t0ken")
    )
    assert archive is not None
    assert archive._client._session.headers["Authorization"] == "Bearer t0ken"
    assert "t0ken" not in repr(Settings(dicomweb_token="t0ken"))


def test_the_film_that_is_sent_is_the_archives_own(reader: PageClient) -> None:
    file = reader.fetch(
        "archive_film", json.dumps({"study": STUDY, "series": SERIES, "instance": INSTANCE}).encode()
    )
    assert dcmread(io.BytesIO(file)).PixelData == film().PixelData


def test_a_client_of_monai_label_names_a_film_by_its_series(orthanc: Orthanc, tmp_path: Path) -> None:
    """As OHIF does, which shows films of the archive and sends none."""
    settings = Settings(dicomweb=orthanc.dicomweb, database=tmp_path / "x.sqlite3")
    desk = LabelDesk(InUse(cast(Engine, FakeEngine())), Lanes(), archive_of(settings), 1)
    expected = load_radiograph(content(film()))
    for uid in (SERIES, INSTANCE):
        picture = in_own_loop(desk.named(ADA, uid))
        assert picture.encoded.radiograph_sha256 == expected.sha256
        assert picture.geometry.size == (240, 320)
    made = in_own_loop(desk.infer("patch_clip", picture, InferParams(queries="effusion")))
    assert made.reply.findings[0].pixels > 0
    for uid, said in (("1.2.3", "has no radiograph by this UID"), ("CHEST 1", "send it again")):
        with pytest.raises(PatchClipError, match=said):
            in_own_loop(desk.named(ADA, uid))
