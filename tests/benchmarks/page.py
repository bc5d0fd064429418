"""The page in Chromium at 3,000 x 3,000 pixels: a frame of each interaction, and what a reader waits for.

python -m tests.benchmarks.page. Times are those of this machine, printed and never asserted; where there is a
limit, the ratio to it stands beside them.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Page, sync_playwright
from pydicom import dcmread

from patchclip import Engine, load_radiograph
from tests.benchmarks.frames import interactions
from tests.browser.conftest import FLAGS
from tests.browser.drawn_chest import pixels, write_dicom
from tests.browser.page_reader import ask, open_file
from tests.browser.serving import Server, free_port

LENGTH = 3000
REPEATS = 5
LIMIT_MS = 33.0
OPEN_LIMIT = 1.5  # times decoding and one pass through the model
VISIBLE = """() => new Promise((done) => {
  const film = document.querySelector("#pc-film");
  const look = () => {
    const canvas = film.querySelector(".cornerstone-canvas");
    const { width, height } = canvas;
    const hidden = getComputedStyle(film).visibility === "hidden";
    const empty = hidden || !document.querySelector("#pc-empty").hidden;
    const middle = () => canvas.getContext("2d").getImageData(width / 2, height / 2, 1, 1).data[0];
    if (!empty && width && middle() > 0) requestAnimationFrame(() => done());
    else requestAnimationFrame(look);
  };
  look();
})
"""
"""Waits until the film's middle, which is bright in the drawn chest, is painted, and one frame more."""


def large_film(path: Path) -> Path:
    """A drawn chest of 3,000 x 3,000 pixels and 12 bits, with noise, as DICOM."""
    image = dcmread(write_dicom(path))
    grown = cv2.resize(pixels().astype(np.float32), (LENGTH, LENGTH), interpolation=cv2.INTER_CUBIC)
    noisy = grown + np.random.default_rng(0).normal(0, 12, grown.shape)
    image.Rows = image.Columns = LENGTH
    image.PixelData = np.clip(np.round(noisy), 0, 4095).astype(np.uint16).tobytes()
    image.save_as(path)
    return path


def seconds(act: Callable[[], object]) -> float:
    """How long a call takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def median(act: Callable[[], object]) -> float:
    """Of some calls, in seconds."""
    return statistics.median(seconds(act) for _ in range(REPEATS))


def measure(page: Page, other: Path) -> list[str]:
    """One line for each figure; the large film is the one on screen."""
    lines = []
    ask(page, "pleural effusion")
    for frames in interactions(page):
        lines.append(f"frame, {frames.words()}, limit {LIMIT_MS:.0f} ms")
    queries = iter(("mass", "nodule", "edema", "hernia", "cardiomegaly", "pneumothorax"))
    lines.append(f"query: median {median(lambda: ask(page, next(queries))):.2f} s")
    lines.append(f"saliency: median {median(lambda: saliency(page)):.2f} s")
    open_file(page, other)
    page.locator("#pc-busy").wait_for(state="hidden")
    lines.append(f"switch of studies: median {median(lambda: switch(page)):.2f} s")
    return lines


def opening(visit: Callable[[], Page], film: Path, decode_and_pass_s: float) -> str:
    """From the choice of a file to the film on screen, and until it can be asked, in a new window each."""
    times = [opening_of_one(visit(), film) for _ in range(REPEATS)]
    visible, whole = (statistics.median(each) for each in zip(*times, strict=True))
    return (
        f"open {LENGTH} x {LENGTH}: film visible after median {visible:.2f} s, "
        f"{visible / decode_and_pass_s:.2f} x (decode + one pass), limit {OPEN_LIMIT}; "
        f"ready to be asked after {whole:.2f} s"
    )


def opening_of_one(page: Page, film: Path) -> tuple[float, float]:
    """Seconds until the middle of the film is grey on its canvas, and until the server knows it."""
    with page.expect_file_chooser() as chooser:
        page.locator("#pc-open").click()
    started = time.perf_counter()
    chooser.value.set_files(film)
    page.evaluate(VISIBLE)
    visible = time.perf_counter() - started
    page.locator("#pc-studies li").first.wait_for()
    whole = time.perf_counter() - started
    page.context.close()
    return visible, whole


def saliency(page: Page) -> None:
    """Grad-CAM of the next answer."""
    page.locator("#pc-canvas").focus()
    page.keyboard.press("m")
    page.keyboard.press("n")
    page.keyboard.press("c")
    page.locator("#pc-tag-right", has_text="no probability").wait_for()


def switch(page: Page) -> None:
    """To the other study, until its film is there."""
    page.locator("#pc-canvas").focus()
    page.keyboard.press("j")
    page.wait_for_selector("#pc-busy", state="hidden")


def run() -> str:
    """All of them, over several lines."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        return "not measured: Chromium is missing"
    with tempfile.TemporaryDirectory() as room, sync_playwright() as playwright:
        folder = Path(room)
        film, other = large_film(folder / "large.dcm"), write_dicom(folder / "other.dcm")
        engine = Engine.from_pretrained()
        load = median(lambda: load_radiograph(film))
        radiograph = load_radiograph(film)
        passed = median(lambda: engine.encode(radiograph))
        with Server(folder / "feedback.sqlite3", free_port()) as server:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))

            def visit() -> Page:
                return server.visit(browser.new_context(viewport={"width": 1366, "height": 768}).new_page())

            opening_of_one(visit(), other)  # whatever is made once is made
            lines = [opening(visit, film, load + passed)]
            page = visit()
            open_file(page, film)
            lines += measure(page, other)
            browser.close()
    return "\n  ".join([f"decode {load:.2f} s, one pass {passed:.2f} s", *lines])


if __name__ == "__main__":
    print(run())
