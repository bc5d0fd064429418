"""Two maps on one film: any two, beside a curtain or in turn on the whole of it, each with its threshold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.late import Late
from tests.browser.page_reader import ask, canvas, draw_box, lit, open_file, until


@pytest.fixture
def compared(opened: Page, dicom: Path) -> Page:
    """A film that was asked for a large heart, under its patch map and Grad-CAM."""
    open_file(opened, dicom)
    ask(opened, "cardiomegaly")
    opened.locator("#pc-canvas").focus()
    opened.keyboard.press("c")
    expect(opened.locator("#pc-tag-right")).to_contain_text(
        "Grad-CAM, relative, no probability", timeout=20_000
    )
    return opened


def test_each_side_has_its_method_and_its_threshold(compared: Page) -> None:
    expect(compared.locator("#pc-tag-left")).to_contain_text("patch map, probability per patch")
    expect(compared.locator("#pc-tag-right")).to_contain_text("the same lit area as the patch map")
    left, right = (compared.locator("#pc-tags .map-head").nth(k) for k in (0, 1))
    expect(right.locator("input")).to_be_disabled()
    compared.locator("#pc-matched").uncheck()
    right.locator("input").fill("0.2")
    expect(compared.locator("#pc-tag-right")).to_contain_text("from .20")
    expect(compared.locator("#pc-threshold")).to_have_value("0.5")
    left.locator("select").select_option("raw_cosine")
    expect(compared.locator("#pc-tag-left")).to_contain_text("relative, no probability", timeout=20_000)
    left.locator("input").fill("0.7")
    expect(compared.locator("#pc-tag-left")).to_contain_text("from .70")
    expect(compared.locator("#pc-tag-right")).to_contain_text("from .20")


def test_flicker_puts_one_map_after_the_other_on_the_whole_film(compared: Page) -> None:
    compared.locator("#pc-matched").uncheck()
    compared.locator("#pc-tags .map-head").nth(1).locator("input").fill("0.2")
    compared.locator("#pc-threshold").fill("0.3")
    compared.locator("#pc-canvas").focus()
    compared.keyboard.press(";")
    expect(compared.locator("#pc-curtain")).to_have_value("1")
    expect(compared.locator("#pc-tag-right")).to_be_hidden()
    first = lit(compared)
    compared.keyboard.press(";")
    expect(compared.locator("#pc-curtain")).to_have_value("0")
    expect(compared.locator("#pc-tag-left")).to_be_hidden()
    second = lit(compared)
    compared.keyboard.press(";")
    until(compared, lambda: (lit(compared) == first).mean() > 0.999)
    # Both lungs under either map: what one has on the left of the film the other may have there too.
    middle = first.shape[1] // 2
    for half in (slice(20, middle), slice(middle, -20)):
        assert (first[:, half] != second[:, half]).any()


def test_the_sides_of_the_curtain_change_places(compared: Page) -> None:
    compared.locator("#pc-matched").uncheck()
    compared.locator("#pc-tags .map-head").nth(1).locator("input").fill("0.2")
    compared.locator("#pc-curtain").fill("0.5")
    compared.locator("#pc-canvas").focus()
    left = compared.locator("#pc-tag-left").inner_text()
    inside = np.s_[6:-6, 6:-6]  # without the ring of the focus, which comes with the first key
    before = canvas(compared)[inside]
    compared.keyboard.press(":")
    expect(compared.locator("#pc-tag-right")).to_have_text(left)
    until(compared, lambda: (canvas(compared)[inside] != before).any())
    compared.keyboard.press(":")
    until(compared, lambda: (canvas(compared)[inside] == before).all())


def test_boxes_can_stand_on_a_side_and_every_map_is_fetched_once(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "cardiomegaly")
    late = Late(opened)
    opened.locator("[data-panes='2']").click()
    expect(opened.locator(".pane-caption").first).to_contain_text("no probability", timeout=20_000)
    opened.locator("[data-panes='1']").click()
    opened.locator("#pc-canvas").focus()
    opened.keyboard.press("c")
    expect(opened.locator("#pc-tag-right")).to_contain_text("no probability")
    assert late.met.count("compare") == 1  # the films beside the first and the curtain share their maps
    opened.keyboard.press("m")
    draw_box(opened)
    opened.locator("#pc-canvas").focus()
    opened.keyboard.press("c")
    expect(opened.locator("#pc-tag-left")).to_contain_text("Against 1 drawn box: pointing")
    opened.locator("#pc-tags select").nth(1).select_option("boxes")
    expect(opened.locator("#pc-tag-right")).to_have_text("drawn by the reader: 1")
