"""Pushed films: taken from a real sender, listed in order, opened once, gone by age or with the process."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from pydicom import dcmread
from pynetdicom import AE, StoragePresentationContexts
from starlette.applications import Starlette

from app.models.in_use import InUse
from app.received import KEEP_S, ReceivedFilms, taking
from app.service import Service
from app.settings import Settings
from app.store import FeedbackRepository
from app.uploads import Uploads
from patchclip import Engine, PatchClipError, load_radiograph
from patchclip.archive.receiver import NoRoomError
from tests.app.fake_engine import FakeEngine
from tests.app.page_client import PageClient, make_api
from tests.browser.serving import free_port
from tests.export.sources import NAME, film
from tests.image.dicoms import content

FIRST, SECOND = content(film()), content(film(SOPInstanceUID="1.2.826.0.1.3680043.2.1125.7"))


class Clock:
    """Seconds that a test moves on."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """The folder that films lie in."""
    folder = tmp_path / "private"
    folder.mkdir()
    return folder


@pytest.fixture
def settings() -> Settings:
    """A listener for one sender."""
    return Settings(receive_port=free_port(), receive_title="READER", receive_senders="PACS, CR1")


@pytest.fixture
def received(settings: Settings, private: Path) -> Iterator[ReceivedFilms]:
    """A listener that is open."""
    with taking(settings, private) as films:
        assert films is not None
        yield films


@pytest.fixture
def reader(received: ReceivedFilms, repository: FeedbackRepository, uploads: Path) -> Iterator[PageClient]:
    """A window of a server that receives."""
    engine = cast(Engine, FakeEngine())
    service = Service(InUse(engine), repository, study_memory_mb=50, upload_limit_mb=1, received=received)
    yield PageClient(api(service, uploads))
    service.lanes.close()


def api(service: Service, uploads: Path) -> Starlette:
    """Its requests."""
    return make_api(service, Uploads(uploads, 1_000_000))


def push(port: int, *files: bytes, sender: str = "PACS", called: str = "READER") -> list[int]:
    """Sends films as an archive does; the status of each, none where the association is refused."""
    entity = AE(ae_title=sender)
    entity.requested_contexts = StoragePresentationContexts[:1]
    for file in files:
        dataset = dcmread(io.BytesIO(file))
        entity.add_requested_context(str(dataset.SOPClassUID), dataset.file_meta.TransferSyntaxUID)
    association = entity.associate("127.0.0.1", port, ae_title=called)
    if not association.is_established:
        return []
    statuses = [association.send_c_store(dcmread(io.BytesIO(file))).Status for file in files]
    association.release()
    return statuses


def port_of(settings: Settings) -> int:
    """Where the listener is."""
    assert settings.receive_port is not None
    return settings.receive_port


def test_films_are_listed_in_order_and_opened_once(
    reader: PageClient, settings: Settings, private: Path, uploads: Path
) -> None:
    assert reader.call("start")["receives"]
    assert reader.call("received") == {"films": []}
    assert push(port_of(settings), FIRST, SECOND, sender="CR1") == [0, 0]
    films = reader.call("received")["films"]
    assert [item["kind"] for item in films] == ["Secondary Capture Image"] * 2
    assert all(item["arrived"].endswith("+00:00") for item in films)
    assert list(private.rglob("*")) == []  # no name on the disk
    sent = [reader.fetch("received_film", b'{"film": "%s"}' % item["film"].encode()) for item in films]
    uids = [dcmread(io.BytesIO(file)).SOPInstanceUID for file in sent]
    assert uids == [dcmread(io.BytesIO(file)).SOPInstanceUID for file in (FIRST, SECOND)]
    assert len(reader.call("received")["films"]) == 2  # until one is open
    opened = reader.send("open_upload", sent[0], received=films[0]["film"])
    assert opened["sha256"] == load_radiograph(FIRST).sha256
    assert reader.call("received")["films"] == films[1:]
    assert "have it sent again" in reader.call("received_film", film=films[0]["film"])["error"]
    assert list(uploads.rglob("*")) == []
    assert not [part for part in NAME.split("^") if part in str(films)]


def test_a_film_that_cannot_be_opened_waits_on(reader: PageClient, received: ReceivedFilms) -> None:
    received.take(b"no film")
    (item,) = reader.call("received")["films"]
    assert item["kind"] == "film"
    assert "DICOM" in reader.send("open_upload", b"no film", received=item["film"])["error"]
    assert len(reader.call("received")["films"]) == 1


def test_refused_senders_leave_the_listener_as_it_was(
    received: ReceivedFilms, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    port = port_of(settings)
    assert push(port, FIRST, sender="STRANGER") == []
    assert push(port, FIRST, called="ANOTHER") == []
    assert received.films() == []
    assert push(port, FIRST) == [0]
    assert len(received.films()) == 1
    assert not [part for part in NAME.split("^") if part in caplog.text]


def test_what_is_too_much_is_refused_and_the_sender_hears_of_it(
    received: ReceivedFilms, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.received.MOST_FILMS", 1)
    assert push(port_of(settings), FIRST, SECOND) == [0, 0xA700]
    (kept,) = received.films()
    received.drop(kept.id)
    assert push(port_of(settings), SECOND) == [0]


def test_a_film_beyond_the_limit_and_a_full_disk_are_refused(
    private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = ReceivedFilms(private, largest=10)
    with pytest.raises(NoRoomError, match="larger"):
        films.take(bytes(11))

    class Full(io.BytesIO):
        def flush(self) -> None:
            raise OSError(28, os.strerror(28))

    monkeypatch.setattr("app.received.tempfile.TemporaryFile", lambda dir: Full())
    with pytest.raises(NoRoomError, match="full"):
        films.take(b"film")
    assert films.films() == []


def test_films_are_forgotten_by_age_and_at_the_end(private: Path) -> None:
    clock = Clock()
    films = ReceivedFilms(private, 10**6, clock)
    films.take(FIRST)
    clock.now += KEEP_S - 1
    films.take(SECOND)
    old, new = films.films()
    clock.now += 2
    assert films.films() == [new]
    with pytest.raises(PatchClipError, match="too old"):
        films.content(old.id)
    assert films.content(new.id) == SECOND
    films.close()
    assert films.films() == []
    assert list(private.rglob("*")) == []


def test_nothing_listens_unless_it_is_set(private: Path, window: PageClient) -> None:
    with taking(Settings(), private) as films:
        assert films is None
    assert window.call("start")["receives"] is False
    assert window.call("received") == {"films": []}
    assert "receives no films" in window.call("received_film", film="x")["error"]


def test_a_port_in_use_is_a_sentence(received: ReceivedFilms, settings: Settings, private: Path) -> None:
    with pytest.raises(PatchClipError, match="cannot be used for DICOM"), taking(settings, private):
        raise AssertionError("it listens twice")
