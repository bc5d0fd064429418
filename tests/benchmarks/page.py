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
from tests.browser.conftest import FLAGS
from tests.browser.drawn_chest import pixels, write_dicom
from tests.browser.page_reader import ask, open_file
from tests.browser.serving import Server, free_port

LENGTH = 3000
FRAMES = 20
REPEATS = 5
LIMIT_MS = 33.0
OPEN_LIMIT = 1.5  # times decoding and one pass through the model
# Each interaction changes what is shown, and waits until the film was drawn and its pixels are there.
FRAME_TIMES = """async (count) => {
  const { viewer } = await import("/page/state.js");
  const { Enums } = await import("/page/cornerstone.js");
  const { camera, look } = viewer, { viewport } = camera;
  const drawn = () => new Promise((done) =>
    camera.element.addEventListener(Enums.Events.IMAGE_RENDERED, done, { once: true }));
  const one = async (act) => {
    const start = performance.now();
    const ready = drawn();
    act();
    viewport.render();
    await ready;
    for (const canvas of [viewport.canvas, viewer.canvas]) canvas.getContext("2d").getImageData(0, 0, 1, 1);
    return performance.now() - start;
  };
  const drag = (k) => viewport.setProperties({ voiRange: { lower: 100 + 9 * k, upper: 3900 - 9 * k } });
  const acts = {
    pan: (k) => camera.panBy(k % 2 ? 20 : -20, 5),
    zoom: (k) => camera.zoomBy(k % 2 ? 1.1 : 1 / 1.1),
    turn: () => camera.rotate(90),
    window: drag,
  };
  const times = {};
  const places = { fit: () => camera.fit(), "1:1": () => camera.zoomTo(100) };
  for (const [place, prepare] of Object.entries(places)) {
    prepare();
    for (const [name, act] of Object.entries(acts)) {
      const all = [];
      for (let k = 0; k < count; k++) all.push(await one(() => act(k)));
      times[`${name} at ${place}`] = all.sort((a, b) => a - b);
    }
    prepare();
  }
  look.reset();
  return times;
}"""


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


def measure(page: Page, film: Path, other: Path, decode_and_pass_s: float) -> list[str]:
    """One line for each figure."""
    opened = seconds(lambda: open_file(page, film))
    lines = [
        f"open {LENGTH} x {LENGTH}: {opened:.2f} s, {opened / decode_and_pass_s:.2f} x (decode + one pass), "
        f"limit {OPEN_LIMIT}"
    ]
    for name, times in page.evaluate(FRAME_TIMES, FRAMES).items():
        middle, late = times[len(times) // 2], times[int(len(times) * 0.95)]
        lines.append(
            f"frame, {name}: median {middle:.0f} ms, 95 % {late:.0f} ms, "
            f"{middle / LIMIT_MS:.2f} x {LIMIT_MS:.0f} ms"
        )
    queries = iter(("pleural effusion", "mass", "nodule", "edema", "hernia", "cardiomegaly"))
    lines.append(f"query: median {median(lambda: ask(page, next(queries))):.2f} s")
    lines.append(f"saliency: median {median(lambda: saliency(page)):.2f} s")
    open_file(page, other)
    page.locator("#pc-busy").wait_for(state="hidden")
    lines.append(f"switch of studies: median {median(lambda: switch(page)):.2f} s")
    return lines


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
            page = server.visit(browser.new_page(viewport={"width": 1366, "height": 768}))
            open_file(page, other)  # whatever is made once is made
            lines = measure(page, film, other, load + passed)
            browser.close()
    return "\n  ".join([f"decode {load:.2f} s, one pass {passed:.2f} s", *lines])


if __name__ == "__main__":
    print(run())
