"""What a test reads off the page: the pixels of the film and its overlay, and where the image lies."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from playwright.sync_api import Page

from tests.browser.drawn_chest import HEIGHT, WIDTH

WORDS_HIDDEN = (
    "#pc-stage > :not(#pc-film) { visibility: hidden !important; } #pc-canvas { outline: none !important; }"
)
FRAMES = """() => new Promise((done) => {
  let left = 4;
  const next = () => (left-- ? requestAnimationFrame(next) : done());
  next();
})"""
"""What was asked for is heard in one frame and drawn in the next, however long frames take."""
MARGIN = 8  # CSS pixels that the page leaves around a fitted image
BOX = (300.0, 400.0, 150.0, 120.0)  # x, y, w, h in image pixels, what `draw_box` draws


@dataclass(frozen=True)
class Fit:
    """Where the fitted image lies, in CSS pixels of the window."""

    left: float
    top: float
    scale: float

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Image pixels to window pixels."""
        return self.left + x * self.scale, self.top + y * self.scale


def fit(page: Page) -> Fit:
    """The image centred on the canvas, as large as it goes: written down here anew, not asked of the page."""
    box = page.locator("#pc-canvas").bounding_box()
    assert box is not None
    scale = min((box["width"] - 2 * MARGIN) / WIDTH, (box["height"] - 2 * MARGIN) / HEIGHT)
    return Fit(
        box["x"] + (box["width"] - WIDTH * scale) / 2, box["y"] + (box["height"] - HEIGHT * scale) / 2, scale
    )


def until(page: Page, holds: Callable[[], object], patience_s: float = 20.0) -> None:
    """Waits until what a test expects is there: whatever a machine with other work needs for it.

    Raises:
        AssertionError: it is not in that time.
    """
    deadline = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {patience_s} s"
        page.wait_for_timeout(50)


def canvas(page: Page) -> np.ndarray:
    """The film's pixels on the screen, with all that is drawn over it, uint8 [h, w, 3]."""
    box = page.locator("#pc-canvas").bounding_box()
    assert box is not None
    page.evaluate(FRAMES)
    shown = page.screenshot(clip=box, style=WORDS_HIDDEN)
    return np.asarray(Image.open(io.BytesIO(shown)).convert("RGB"))


def coloured(page: Page) -> np.ndarray:
    """bool [h, w]: where something other than grey was painted, which only an overlay or a box does."""
    pixels = canvas(page).astype(int)
    return np.asarray(pixels.max(axis=2) - pixels.min(axis=2) > 12)


def lit(page: Page) -> np.ndarray:
    """bool [HEIGHT, WIDTH]: the coloured pixels, read back at each image pixel's centre."""
    seen, place = coloured(page), fit(page)
    box = page.locator("#pc-canvas").bounding_box()
    assert box is not None
    columns = np.clip(
        ((np.arange(WIDTH) + 0.5) * place.scale + place.left - box["x"]).astype(int), 0, seen.shape[1] - 1
    )
    rows = np.clip(
        ((np.arange(HEIGHT) + 0.5) * place.scale + place.top - box["y"]).astype(int), 0, seen.shape[0] - 1
    )
    return seen[np.ix_(rows, columns)]


def slide(page: Page, name: str, value: float) -> None:
    """Sets a slider as dragging does."""
    page.locator(f"#pc-{name}").fill(str(value))


def ask(page: Page, text: str) -> None:
    """Types a query, presses Enter, and waits until the server has answered."""
    page.locator("#pc-query").fill(text)
    with page.expect_response(lambda response: response.url.endswith("/api/ask")):
        page.locator("#pc-query").press("Enter")
    page.locator("#pc-busy").wait_for(state="hidden")


def open_file(page: Page, *files: object) -> None:
    """Chooses files in the page's own file dialog and waits until they were dealt with."""
    with page.expect_file_chooser() as chooser:
        page.locator("#pc-open").click()
    chooser.value.set_files(list(files))  # type: ignore[arg-type]
    page.locator("#pc-open-error:not([hidden]), #pc-studies li").first.wait_for()
    page.locator("#pc-busy").wait_for(state="hidden")


def begin_box(page: Page) -> None:
    """Half of `draw_box`: the button is still down."""
    place = fit(page)
    page.locator("#pc-draw").click()
    page.mouse.move(*place.point(BOX[0], BOX[1]))
    page.mouse.down()
    page.mouse.move(*place.point(BOX[0] + 60, BOX[1] + 30))


def end_box(page: Page) -> None:
    """The other half."""
    page.mouse.move(*fit(page).point(BOX[0] + BOX[2], BOX[1] + BOX[3]))
    page.mouse.up()


def draw_box(page: Page) -> None:
    """Drags `BOX` on the image."""
    begin_box(page)
    end_box(page)
    page.locator("#pc-draw").click()
