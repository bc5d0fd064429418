"""Films from a real archive, and films that it pushes: found, listed, opened; results stored beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pydicom import dcmread
from pydicom.uid import UID, generate_uid

from tests.archive.orthanc import Orthanc, running
from tests.browser.drawn_chest import write_dicom
from tests.browser.page_reader import ask
from tests.browser.serving import Server, free_port

STUDY, SERIES = "1.2.826.0.1.3680043.2.1125.21", "1.2.826.0.1.3680043.2.1125.22"


def upload(orthanc: Orthanc, path: Path, instance: str, **tags: object) -> None:
    """The drawn chest as an archive holds it."""
    image = dcmread(write_dicom(path))
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = UID(instance)
    image.StudyInstanceUID, image.SeriesInstanceUID, image.StudyTime = STUDY, SERIES, "101500"
    image.AccessionNumber, image.StudyDescription, image.StudyID = "A1", "Chest PA", "1"
    for keyword, value in tags.items():
        setattr(image, keyword, value)
    image.save_as(path)
    orthanc.upload(path.read_bytes())


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """Holds a study of one film, and one of two."""
    folder = tmp_path_factory.mktemp("orthanc")
    with running(folder) as archive:
        upload(archive, folder / "one.dcm", f"{STUDY}.1")
        for number in (1, 2):
            other = {
                "StudyInstanceUID": f"{STUDY}.9",
                "SeriesInstanceUID": f"{SERIES}.9",
                "AccessionNumber": "A2",
                "StudyDate": "20251231",
            }
            upload(archive, folder / "two.dcm", generate_uid(), InstanceNumber=number, Modality="CR", **other)
        yield archive


@pytest.fixture(scope="module")
def port() -> int:
    """Where films are taken."""
    return free_port()


@pytest.fixture(scope="module")
def server(
    orthanc: Orthanc, port: int, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with that archive, which listens for films."""
    environment = {"PATCHCLIP_DICOMWEB": orthanc.dicomweb, "PATCHCLIP_RECEIVE_PORT": str(port)}
    folder = tmp_path_factory.mktemp("server")
    with Server(folder / "feedback.sqlite3", free_port(), environment) as listening:
        yield listening
        assert "f1lms" not in listening.output
        assert "Mustermann" not in listening.output


def test_a_film_is_found_opened_asked_and_its_results_stored(opened: Page, orthanc: Orthanc) -> None:
    opened.keyboard.press("q")
    dialog = opened.get_by_role("dialog", name="Archive")
    dialog.get_by_role("button", name="Find").click()
    expect(opened.locator("#pc-archive-error")).to_contain_text("Name a study UID")
    dialog.get_by_label("accession number").fill("A1")
    dialog.get_by_label("accession number").press("Enter")
    study = dialog.get_by_role("button", name="2026-01-02 10:15")
    expect(study).to_contain_text("DX Chest PA")
    assert "Mustermann" not in dialog.inner_text()
    study.click()
    expect(dialog).to_be_hidden()
    expect(opened.locator("#pc-studies li")).to_have_count(1)
    ask(opened, "pleural effusion")
    opened.locator("#pc-results").click()
    opened.locator("#pc-results-store").click()
    expect(opened.locator("#pc-results-done")).to_contain_text("stored in the archive: ", timeout=60_000)
    held = sorted(row["Modality"] for row in orthanc.tags() if row["StudyInstanceUID"] == STUDY)
    assert held[0] == "DX"
    assert {"OT", "SEG", "SR"} <= set(held)


def test_of_several_films_one_is_chosen(opened: Page) -> None:
    opened.locator("#pc-archive").click()
    dialog = opened.get_by_role("dialog", name="Archive")
    dialog.get_by_label("study date").fill("2025-12-31")
    dialog.get_by_label("modality").select_option("CR")
    dialog.get_by_role("button", name="Find").click()
    dialog.get_by_role("button", name="2025-12-31").click()
    films = dialog.get_by_role("button", name="film ")
    expect(films).to_have_text(["film 1 (CR)", "film 2 (CR)"])
    films.nth(1).click()
    expect(dialog).to_be_hidden()
    expect(opened.locator("#pc-studies li")).to_have_count(1)


def test_what_the_archive_does_not_have_is_said(opened: Page) -> None:
    opened.locator("#pc-archive").click()
    dialog = opened.get_by_role("dialog", name="Archive")
    dialog.get_by_label("study UID").fill("1.2.3")
    dialog.get_by_role("button", name="Find").click()
    expect(opened.locator("#pc-archive-more")).to_have_text("The archive has no such study.")


def test_pushed_films_are_listed_and_take_no_film_away(opened: Page, orthanc: Orthanc, port: int) -> None:
    expect(opened.locator("#pc-received-part")).to_be_hidden()
    opened.locator("#pc-examples button").first.click()
    expect(opened.locator("#pc-answers li")).to_have_count(1)
    before = opened.locator("#pc-studies button").inner_text()
    films = [key for key, modality in orthanc.held().items() if modality in ("DX", "CR")]
    orthanc.push(port, "PATCHCLIP", films)
    waiting = opened.locator("#pc-received button")
    expect(waiting).to_have_count(len(films), timeout=15_000)
    expect(waiting.first).to_contain_text("Digital X-Ray Image")
    assert opened.locator("#pc-studies button").inner_text() == before
    opened.locator("#pc-canvas").focus()
    opened.keyboard.press("d")
    expect(waiting).to_have_count(len(films) - 1, timeout=15_000)
    expect(opened.locator("#pc-studies li")).to_have_count(2)
    assert "Mustermann" not in opened.locator("#pc").inner_text()
