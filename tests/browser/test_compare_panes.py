"""Films side by side: one place and one zoom, each under a map of its own; figures and maps that leave."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from patchclip import Engine, load_radiograph
from tests.browser.page_reader import BOX, ask, canvas, draw_box, open_file, until

SHOT = "(k) => document.querySelectorAll('#pc .pane canvas')[k].toDataURL()"

ACCENT = (79, 179, 217)  # what is drawn on the film, in the page's style sheet
TITLE = 23  # pixels above the film of a figure


@pytest.fixture
def asked(opened: Page, dicom: Path) -> Page:
    """A film that was asked for an effusion, beside one under Grad-CAM."""
    open_file(opened, dicom)
    ask(opened, "pleural effusion")
    opened.locator("[data-panes='2']").click()
    expect(opened.locator(".pane-caption").first).to_contain_text("relative, no probability", timeout=20_000)
    return opened


def test_each_film_has_its_map_and_its_own_threshold(asked: Page) -> None:
    pane = asked.locator(".pane").first
    expect(pane.locator(".pane-caption")).to_contain_text("same lit area as the patch map")
    expect(pane.locator("input[type=range]")).to_be_disabled()
    asked.locator("#pc-matched").uncheck()
    slider = pane.locator("input[type=range]")
    slider.fill("0.3")
    expect(pane.locator(".pane-caption")).to_contain_text("from .30")
    expect(asked.locator("#pc-threshold")).to_have_value("0.5")
    pane.locator("select").select_option("raw_cosine")
    expect(pane.locator(".pane-caption")).to_contain_text("from .50")


def test_keys_choose_films_their_maps_and_thresholds(asked: Page) -> None:
    asked.locator("#pc-canvas").focus()
    for key, count in (("L", 3), ("J", 0), ("K", 1)):
        asked.keyboard.press(key)
        expect(asked.locator(".pane:visible")).to_have_count(count)
    asked.keyboard.press("L")
    chosen = asked.locator(".pane").nth(1)
    asked.keyboard.press("N")
    expect(chosen.locator(".map-head")).to_have_class(re.compile("chosen"))
    choice = chosen.locator("select")
    before = choice.input_value()
    asked.keyboard.press("V")
    expect(choice).not_to_have_value(before)
    asked.keyboard.press("B")
    expect(choice).to_have_value(before)
    choice.select_option("raw_cosine")
    expect(chosen.locator(".pane-caption")).to_contain_text(re.compile("regions? from"), timeout=20_000)
    asked.locator("#pc-canvas").focus()
    value = float(chosen.locator("input").input_value())
    asked.keyboard.press("}")
    expect(asked.locator("#pc-matched")).not_to_be_checked()
    assert float(chosen.locator("input").input_value()) == pytest.approx(min(value + 0.05, 1), abs=0.011)
    asked.keyboard.press("Q")
    expect(asked.locator("#pc-matched")).to_be_checked()


def test_the_pointer_of_one_film_is_a_cross_on_all(asked: Page) -> None:
    plain = canvas(asked)
    box = asked.locator(".pane canvas").first.bounding_box()
    assert box is not None
    asked.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    until(asked, lambda: (canvas(asked) != plain).any())
    changed = (canvas(asked) != plain).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert abs(rows.mean() - changed.shape[0] / 2) < 3
    assert abs(columns.mean() - changed.shape[1] / 2) < 3
    assert 20 < np.ptp(columns) < 30
    assert 20 < np.ptp(rows) < 30


def test_films_move_together(asked: Page) -> None:
    before = asked.evaluate(SHOT, 0)
    box = asked.locator(".pane canvas").first.bounding_box()
    assert box is not None
    asked.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    asked.mouse.wheel(0, -600)
    expect(asked.locator("#pc-zoom")).not_to_have_text("100 %")
    until(asked, lambda: asked.evaluate(SHOT, 0) != before)


def test_a_drawn_box_is_what_maps_are_measured_against(asked: Page) -> None:
    asked.locator("[data-panes='1']").click()
    draw_box(asked)
    asked.locator("[data-panes='2']").click()
    caption = asked.locator(".pane-caption").first
    expect(caption).to_contain_text("Against 1 drawn box: pointing")
    expect(caption).to_contain_text("false-positive region")
    asked.locator(".pane select").first.select_option("boxes")
    expect(caption).to_have_text("drawn by the reader: 1")


def test_every_map_is_scored_at_once_and_after_each_edit(asked: Page) -> None:
    asked.locator("[data-panes='1']").click()
    asked.locator("#pc-canvas").focus()
    asked.keyboard.press("E")
    scores = asked.locator("#pc-scores")
    expect(scores).to_contain_text("Draw a box around pleural effusion")
    draw_box(asked)
    expect(scores).to_contain_text("against 1 drawn box")
    lines = scores.locator("tbody tr")
    methods = len(asked.evaluate("import('/page/state.js').then(({ state }) => state.maps)"))
    expect(lines).to_have_count(methods + 1)
    own = lines.first.locator("td")
    threshold = float(asked.locator("#pc-threshold").input_value())
    expect(own.nth(0)).to_have_text(f"{threshold:.2f}"[1:])
    expect(lines.nth(1).locator("td")).to_have_count(5, timeout=30_000)
    before = own.all_inner_texts()
    asked.locator("#pc-canvas").focus()
    for _ in range(3):
        asked.keyboard.press("[")
    until(asked, lambda: own.all_inner_texts() != before)
    expect(own.nth(0)).to_have_text(f"{threshold - 0.15:.2f}"[1:])
    expect(scores.get_by_role("button", name="compute").first).to_be_visible()
    asked.locator("#pc-scores-close").click()
    expect(scores).to_be_hidden()


def test_every_film_has_the_letters_of_the_sides(asked: Page) -> None:
    asked.locator("[data-panes='4']").click()
    asked.locator("#pc-canvas").focus()
    for key, order in (("", "R L"), ("h", "L R"), ("r", "")):
        if key:
            asked.keyboard.press(key)
        asked.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        first = letters(asked, "#pc-stage > .side", "#pc-film")
        if order:
            assert " ".join(letter for letter, _, _ in sorted(first, key=lambda one: one[1])) == order
        else:
            assert abs(first[0][1] - first[1][1]) < 2  # one above the other
        for k in range(3):
            pane = f".pane >> nth={k}"
            for (letter, x, y), there in zip(first, letters(asked, f"{pane} >> .side", pane), strict=True):
                assert there[0] == letter
                assert there[1] == pytest.approx(x, abs=2)
                assert order == "" or there[2] == pytest.approx(y, abs=2)
            head, caption = (top_and_bottom(asked, f"{pane} >> {part}") for part in (".map-head", "p"))
            for element in asked.locator(f"{pane} >> .side").all():
                top, bottom = top_and_bottom(asked, element)
                assert head[1] <= top and bottom <= caption[0]  # nothing covers a letter


def top_and_bottom(page: Page, what: str | Locator) -> tuple[float, float]:
    """In CSS pixels of the window."""
    box = (page.locator(what) if isinstance(what, str) else what).bounding_box()
    assert box is not None
    return box["y"], box["y"] + box["height"]


def letters(page: Page, name: str, film: str) -> list[tuple[str, float, float]]:
    """Each letter, and where it lies on its film, in CSS pixels."""
    around = page.locator(film).bounding_box()
    assert around is not None
    found = []
    for letter in page.locator(name).all():
        box = letter.bounding_box()
        assert box is not None
        found.append((letter.inner_text(), box["x"] - around["x"], box["y"] - around["y"]))
    return found


def test_the_figure_goes_to_the_clipboard(asked: Page) -> None:
    asked.context.grant_permissions(["clipboard-read", "clipboard-write"])
    asked.locator("#pc-canvas").focus()
    asked.keyboard.press("Z")
    expect(asked.locator("#pc-note")).to_have_text("figure copied")
    copied = asked.evaluate(
        """async () => {
          const [item] = await navigator.clipboard.read();
          const content = await item.getType("image/png");
          const bytes = new Uint8Array(await content.arrayBuffer());
          return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
        }"""
    )
    with Image.open(io.BytesIO(base64.b64decode(copied))) as image:
        assert image.width > 800
        assert len(np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)) > 100


def test_the_figure_and_the_maps_leave(asked: Page, engine: Engine, dicom: Path) -> None:
    draw_box(asked)
    film, letter = (asked.locator(name).bounding_box() for name in ("#pc-canvas", "#pc-side-left"))
    assert film and letter
    asked.locator("#pc-results").click()
    with asked.expect_download() as picture:
        asked.locator("#pc-save-figure").click()
    with Image.open(picture.value.path()) as image:
        assert image.format == "PNG" and image.width > 800
        pixels = np.asarray(image.convert("RGB")).astype(int)[: round(film["height"])]
    rows, columns = np.nonzero(np.abs(pixels - ACCENT).max(axis=2) < 8)  # the box that was drawn
    assert np.ptp(columns) / np.ptp(rows) == pytest.approx(BOX[2] / BOX[3], abs=0.05)
    row, column = (round(letter[side] - film[side]) for side in ("y", "x"))
    part = pixels[row + TITLE :, column:][: round(letter["height"]), : round(letter["width"])]
    assert (part.min(axis=2) > 200).sum() > 20  # the letter of that side
    with asked.expect_download() as maps:
        asked.locator("#pc-save-maps").click()
    with np.load(io.BytesIO(Path(maps.value.path()).read_bytes()), allow_pickle=False) as file:
        answer = engine.query(engine.encode(load_radiograph(dicom)), ["pleural effusion"])[0]
        assert file["patch_map"] == pytest.approx(answer.map.values, abs=1e-5)
        assert "grad_cam" in file and str(file["model_sha256"]) == engine.sha256


def test_truth_boxes_have_a_film_and_are_what_maps_are_measured_against(opened: Page, dicom: Path) -> None:
    """The server's reply with a truth box put in, since the film of this test is of no case."""
    x, y, w, h = 100.0, 320.0, 120.0, 160.0
    truth = f'"truth":[{{"finding":"effusion","label":"Effusion","x":{x},"y":{y},"w":{w},"h":{h}}}]'

    def known(route: Route) -> None:
        reply = route.fetch()
        assert b'"truth":[]' in reply.body()
        route.fulfill(response=reply, body=reply.body().replace(b'"truth":[]', truth.encode()))

    opened.route("**/api/open_upload", known)
    open_file(opened, dicom)
    ask(opened, "pleural effusion; nodule")
    opened.locator("[data-panes='2']").click()
    pane = opened.locator(".pane").first
    pane.locator("select").select_option("truth")
    expect(pane.locator(".pane-caption")).to_have_text("truth of pleural effusion: 1")
    expect(opened.locator("#pc-caption")).to_contain_text("Against 1 truth box: pointing ")
    shot = base64.b64decode(opened.evaluate(SHOT, 0).partition(",")[2])
    pixels = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)
    rows, columns = np.nonzero((pixels[:, :, 0] > 200) & (pixels[:, :, 2] < 120))  # amber
    assert np.ptp(columns) / np.ptp(rows) == pytest.approx(w / h, abs=0.03)
    opened.locator("#pc-answers li", has_text="nodule").click()
    expect(pane.locator(".pane-caption")).to_have_text("no truth box of lung nodule")
    expect(opened.locator("#pc-caption")).not_to_contain_text("Against")
