"""Archives, folders and frames on the page: their images are offered, the chosen ones opened."""

from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect
from pydicom import dcmread

from patchclip import load_radiograph
from tests.browser.drawn_chest import pixels, write_dicom
from tests.image.test_containers import PDF, zipped

CHEST = pixels()


@pytest.fixture
def film(tmp_path: Path) -> bytes:
    return write_dicom(tmp_path / "film.dcm").read_bytes()


@pytest.fixture
def png() -> bytes:
    return bytes(cv2.imencode(".png", (CHEST[:, ::-1] >> 4).astype(np.uint8))[1])


def choose(page: Page, button: str, *files: object) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator(button).click()
    chooser.value.set_files(list(files))  # type: ignore[arg-type]


def open_chosen(page: Page, *names: str) -> None:
    """Ticks these lines, and these alone, and opens them."""
    for name in names:
        page.locator("#pc-contents").get_by_text(name, exact=False).click()
    page.locator("#pc-contents-open").click()
    expect(page.locator("#pc-contents-dialog")).to_be_hidden()
    page.locator("#pc-busy").wait_for(state="hidden")


def opened_studies(page: Page, count: int) -> list[str]:
    """The hashes of the studies in the list, once there are so many."""
    expect(page.locator("#pc-studies [data-key]")).to_have_count(count)
    items = page.locator("#pc-studies [data-key]")
    return [str(key) for key in items.evaluate_all("items => items.map((item) => item.dataset.key)")]


def test_the_images_of_an_archive_are_offered_and_the_chosen_one_is_opened(
    opened: Page, tmp_path: Path, film: bytes, png: bytes
) -> None:
    archive = tmp_path / "study.zip"
    archive.write_bytes(zipped({"CD/IM1": film, "CD/IM2.png": png, "CD/report.pdf": PDF}))
    choose(opened, "#pc-open", archive)
    lines = opened.locator("#pc-contents li")
    expect(lines).to_have_text(["study.zip / CD/IM1", "study.zip / CD/IM2.png"])
    expect(opened.locator("#pc-contents-left")).to_contain_text("CD/report.pdf: This is a PDF document")
    assert opened_studies(opened, 0) == []
    open_chosen(opened, "IM2.png")
    assert opened_studies(opened, 1) == [load_radiograph(png).sha256]
    expect(opened.locator("#pc-open-error")).to_be_hidden()


def test_frames_are_offered_and_several_may_be_opened(opened: Page, tmp_path: Path, film: bytes) -> None:
    path = tmp_path / "film.dcm"
    dataset = dcmread(path)
    small = cv2.resize(CHEST, (300, 360))
    dataset.NumberOfFrames = "3"
    dataset.Rows, dataset.Columns = small.shape
    dataset.PixelData = b"".join(np.roll(small, 50 * number, axis=1).tobytes() for number in range(3))
    dataset.save_as(path)
    choose(opened, "#pc-open", path)
    lines = opened.locator("#pc-contents li")
    expect(lines).to_have_text([f"film.dcm, image {number}" for number in (1, 2, 3)])
    open_chosen(opened, "image 1", "image 3")
    assert opened_studies(opened, 2) == [load_radiograph(path, frame=frame).sha256 for frame in (0, 2)]


def test_the_files_of_a_folder_are_offered(opened: Page, tmp_path: Path, film: bytes, png: bytes) -> None:
    folder = tmp_path / "disc"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "b.dcm").write_bytes(film)
    (folder / "a.png").write_bytes(png)
    (folder / "readme.txt").write_text("no image")
    (folder / "DICOMDIR").write_bytes(b"no image either")
    choose(opened, "#pc-open-folder", folder)
    lines = opened.locator("#pc-contents li")
    expect(lines).to_have_text(["disc/a.png", "disc/deep/b.dcm", "disc/readme.txt"])
    open_chosen(opened, "b.dcm", "readme.txt")
    assert opened_studies(opened, 1) == [load_radiograph(film).sha256]
    expect(opened.locator("#pc-open-error")).to_contain_text("disc/readme.txt: This is not a DICOM, PNG")


def test_a_folder_may_be_dropped(opened: Page, film: bytes, png: bytes) -> None:
    """Chromium makes no directory entries from a script: the entries are played, the walk is the page's."""
    opened.evaluate(
        """([film, png]) => {
          const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          const file = (name, text) => ({ isFile: true, isDirectory: false, fullPath: "/disc/" + name,
            file: (take) => take(new File([bytes(text)], name)) });
          const rounds = [[file("IM1", film)], [file("IM2", png)], []];
          const folder = { isFile: false, isDirectory: true,
            createReader: () => ({ readEntries: (take) => take(rounds.shift()) }) };
          const event = new Event("drop", { bubbles: true, cancelable: true });
          event.dataTransfer = { files: [], items: [{ webkitGetAsEntry: () => folder }] };
          document.dispatchEvent(event);
        }""",
        [_text(film), _text(png)],
    )
    expect(opened.locator("#pc-contents li")).to_have_text(["disc/IM1", "disc/IM2"])
    open_chosen(opened, "IM1")
    assert opened_studies(opened, 1) == [load_radiograph(film).sha256]


def test_nothing_chosen_opens_nothing(opened: Page, tmp_path: Path, film: bytes, png: bytes) -> None:
    archive = tmp_path / "study.zip"
    archive.write_bytes(zipped({"a.dcm": film, "b.png": png}))
    choose(opened, "#pc-open", archive)
    opened.locator("#pc-contents-dialog [data-close]").click()
    expect(opened.locator("#pc-contents-dialog")).to_be_hidden()
    assert opened_studies(opened, 0) == []


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
