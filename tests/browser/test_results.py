"""The export dialog: forms by what the study is, what is warned of, and the ZIP that is downloaded."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from playwright.sync_api import Page, expect
from pydicom import dcmread
from pydicom.uid import generate_uid

from tests.browser.page_reader import ask, open_file

TABLES = ["about.txt", "answers.csv", "coco.json"]


def of_an_archive(path: Path, **tags: object) -> Path:
    """The file with what an archive gives every film."""
    image = dcmread(path)
    image.StudyInstanceUID, image.SeriesInstanceUID = generate_uid(), generate_uid()
    for keyword, value in tags.items():
        setattr(image, keyword, value)
    image.save_as(path)
    return path


def download(page: Page) -> dict[str, bytes]:
    """Presses the button; the files of the ZIP by name."""
    with page.expect_download(timeout=60_000) as started:
        page.locator("#pc-results-save").click()
    expect(page.locator("#pc-results-done")).to_have_text("downloaded")
    with zipfile.ZipFile(io.BytesIO(Path(started.value.path()).read_bytes())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_film_leaves_as_dicom_and_tables(opened: Page, dicom: Path) -> None:
    path = of_an_archive(dicom)
    open_file(opened, path)
    ask(opened, "pleural effusion; no pneumothorax")
    opened.locator("#pc-canvas").focus()
    opened.keyboard.press("I")
    expect(opened.locator("#pc-invert")).to_have_attribute("aria-pressed", "true")
    opened.locator("#pc-busy").wait_for(state="hidden")
    opened.keyboard.press("g")
    dialog = opened.get_by_role("dialog", name="Export results")
    expect(dialog).to_contain_text("2 answers on")
    expect(dialog).to_contain_text("patient's name and numbers")
    expect(opened.locator("#pc-results-text")).to_be_hidden()
    expect(opened.locator("#pc-results-store")).to_be_hidden()
    expect(dialog.get_by_role("checkbox")).to_have_count(6)
    dialog.get_by_role("checkbox", name="COCO").uncheck()
    files = download(opened)
    assert "coco.json" not in files
    report = dcmread(io.BytesIO(files["patch-clip_sr.dcm"]))
    assert report.StudyInstanceUID == dcmread(path).StudyInstanceUID
    assert b"black and white exchanged by the reader" in files["patch-clip_sr.dcm"]
    assert files["answers.csv"].count(b"black and white exchanged by the reader") >= 2
    assert {"patch-clip_seg.dcm", "patch-clip_sc1.dcm", "patch-clip_sc2.dcm", "about.txt"} <= set(files)


def test_a_picture_leaves_as_tables_and_the_rest_is_explained(opened: Page) -> None:
    opened.locator("#pc-examples button", has_text="no finding").click()
    expect(opened.locator("#pc-studies li")).to_have_count(1)
    ask(opened, "mass")
    opened.locator("#pc-results").click()
    dialog = opened.get_by_role("dialog", name="Export results")
    expect(dialog).to_contain_text("COCO and CSV are what there is")
    boxes = dialog.get_by_role("checkbox")
    assert [box.is_enabled() for box in boxes.all()] == [False] * 4 + [True] * 2
    assert sorted(download(opened)) == TABLES


def test_writing_in_the_picture_is_warned_of_and_pictures_are_not_chosen(opened: Page, dicom: Path) -> None:
    open_file(opened, of_an_archive(dicom, BurnedInAnnotation="YES"))
    ask(opened, "mass")
    opened.locator("#pc-results").click()
    expect(opened.locator("#pc-results-text")).to_contain_text("may identify the patient")
    dialog = opened.get_by_role("dialog", name="Export results")
    expect(dialog.get_by_role("checkbox", name="Pictures")).not_to_be_checked()
    assert not [name for name in download(opened) if "_sc" in name]


def test_what_cannot_be_exported_is_said_in_the_dialog(opened: Page, dicom: Path) -> None:
    opened.keyboard.press("g")
    expect(opened.locator("#pc-results-error")).to_contain_text("No radiograph is open")
    opened.keyboard.press("Escape")
    open_file(opened, dicom)
    opened.locator("#pc-results").click()
    opened.locator("#pc-results-save").click()
    expect(opened.locator("#pc-results-error")).to_contain_text("ask a question first")
    opened.get_by_role("dialog", name="Export results").get_by_role("button", name="close").click()
    ask(opened, "mass")
    opened.locator("#pc-results").click()
    opened.locator("#pc-results-save").click()
    expect(opened.locator("#pc-results-error")).to_contain_text("no StudyInstanceUID")
