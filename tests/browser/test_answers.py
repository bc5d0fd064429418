"""What is said of an answer: nothing contradicts the picture, Grad-CAM comes or says why not."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from patchclip.localize import find_regions
from patchclip.types import PatchMap, Region
from tests.browser.drawn_chest import HEIGHT, WIDTH
from tests.browser.late import Late
from tests.browser.page_reader import ask, coloured, lit, open_file, slide, until
from tests.browser.serving import Server

EXTENT = [0, 0, WIDTH, HEIGHT]


def one_patch(value: float) -> dict[str, Any]:
    """A map of 8 x 8 patches, one of which is not dark."""
    values = np.zeros((8, 8))
    values[3, 4] = value
    return {"extent": EXTENT, "values": values.tolist(), "max": value}


def region_json(region: Region) -> dict[str, Any]:
    """A region as the server sends it."""
    return {**asdict(region), "peak": list(region.peak)}


@pytest.mark.parametrize(
    ("value", "least", "said"),
    [
        (0.62, 0.5, "lung mass: no region above .50; a spot too small to count reaches .62"),
        (0.5, 0.5, "lung mass: no region above .50; a spot too small to count reaches .50"),
        (0.499, 0.5, "lung mass: nothing above .50; highest .49"),
        (0.21, 0.5, "lung mass: nothing above .50; highest .21"),
        (0.9, 0.0, "lung mass: 1 region above .50"),
    ],
)
def test_the_caption_never_contradicts_the_map(
    page: Page, server: Server, dicom: Path, value: float, least: float, said: str
) -> None:
    late = Late(page, "start", "ask")
    page.goto(server.url)
    late.change(min_patches=least)
    page.wait_for_selector('#pc[data-ready="true"]')
    open_file(page, dicom)
    page.locator("#pc-query").fill("mass")
    page.locator("#pc-run").click()
    shown = one_patch(value)
    patch_map = PatchMap(np.array(shown["values"], np.float32), (0.0, 0.0, float(WIDTH), float(HEIGHT)))
    regions = [region_json(region) for region in find_regions(patch_map, 0.5, (HEIGHT, WIDTH), least)]
    late.change(map=shown, regions=regions)
    expect(page.locator("#pc-caption")).to_have_text(said)
    until(page, lambda: bool(coloured(page).any()) is ("1 region" in said))


def test_the_threshold_is_the_answers_and_a_moved_one_too(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    late = Late(opened, "ask")
    for text, own in (("mass", 0.4), ("nodule", 0.7)):
        opened.locator("#pc-query").fill(text)
        opened.locator("#pc-run").click()
        late.change(map=one_patch(0.6), threshold=own, regions=[])
        expect(opened.locator("#pc-reading-of")).to_contain_text(text)
        expect(opened.locator("#pc-threshold")).to_have_value(str(own))
    expect(opened.locator("#pc-caption")).to_contain_text("nothing above .70; highest .60")
    slide(opened, "threshold", 0.3)
    opened.locator("#pc-answers li").nth(1).click()
    expect(opened.locator("#pc-threshold")).to_have_value("0.4")
    opened.locator("#pc-answers li").nth(0).click()
    expect(opened.locator("#pc-threshold")).to_have_value("0.3")


def test_grad_cam_comes_with_every_study_in_compare_mode(opened: Page, dicom: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.png"
    cv2.imwrite(str(path), np.tile(np.linspace(0, 255, 400).astype(np.uint8), (420, 1)))
    for number, file in enumerate((path, dicom)):
        open_file(opened, file)
        opened.locator("#pc-studies button").nth(number).click()
        ask(opened, "mass")
    late = Late(opened, "compare")
    opened.locator('[data-view="compare"]').click()
    late.let_go()
    expect(opened.locator("#pc-tag-right")).to_contain_text("no probability")
    opened.locator("#pc-studies button").nth(0).click()
    expect(opened.locator("#pc-tag-right")).to_have_text("Grad-CAM …")
    late.let_go()
    expect(opened.locator("#pc-tag-right")).to_contain_text("no probability")


def test_grad_cam_is_computed_once_however_often_it_is_asked_for(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "mass")
    opened.locator("#pc-canvas").focus()
    late = Late(opened, "compare")
    for key in "cmcic":
        opened.keyboard.press(key)
    late.let_go()
    expect(opened.locator("#pc-tag-right")).to_contain_text("no probability")
    opened.keyboard.press("c")
    opened.wait_for_timeout(200)
    assert late.met.count("compare") == 1


def test_grad_cam_that_fails_says_so_and_can_be_tried_again(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "mass; nodule")
    opened.locator("#pc-canvas").focus()
    late = Late(opened, "compare")
    opened.keyboard.press("c")
    late.answer({"error": "The server is out of memory."})
    expect(opened.locator("#pc-tag-right")).to_contain_text("Grad-CAM failed: The server is out of memory.")
    expect(opened.locator("#pc-ask-error")).to_be_hidden()
    opened.keyboard.press("c")
    expect(opened.locator("#pc-tag-right")).to_have_text("Grad-CAM …")
    late.let_go()
    expect(opened.locator("#pc-tag-right")).to_contain_text("no probability")
    assert lit(opened).shape == (HEIGHT, WIDTH)


def test_the_swatch_has_the_colours_of_the_map(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "mass")
    selected = "document.querySelector('#pc-answers [aria-selected=true] .swatch')"
    swatch = f"() => getComputedStyle({selected}).backgroundImage"
    assert "rgb(252, 255, 164)" in opened.evaluate(swatch)  # the bright ends of inferno and of viridis
    opened.locator("#pc-colours").select_option("viridis")
    assert "rgb(253, 231, 37)" in opened.evaluate(swatch)


def test_history_has_no_number_out_of_scope_and_says_what_it_leaves_out(opened: Page) -> None:
    said: dict[str, Any] = {
        "created_at": "2026-01-02T03:04:05+00:00",
        "reader": "R",
        "presence": "absent",
        "location": None,
        "boxes": [],
        "outlines": [],
        "comment": "",
    }
    known: dict[str, Any] = {**said, "image_sha256": "a" * 64, "query": "mass", "query_probability": 0.83}
    unknown = {**known, "query_probability": None}
    opened.locator("#pc-reader").fill("R")
    late = Late(opened, "history")
    opened.locator("#pc-history").click()
    late.answer({"rows": [known, unknown], "total": 1234})
    expect(opened.locator("#pc-rows tr").nth(0).locator("td").nth(4)).to_have_text(".83")
    expect(opened.locator("#pc-rows tr").nth(1).locator("td").nth(4)).to_have_text("–")
    expect(opened.locator("#pc-more-rows")).to_have_text(
        "The newest 2 of 1234 are listed; CSV and JSON hold all of them."
    )
    opened.keyboard.press("Escape")
    opened.locator("#pc-history").click()
    late.answer({"rows": [known], "total": 1})
    expect(opened.locator("#pc-rows tr")).to_have_count(1)
    expect(opened.locator("#pc-more-rows")).to_be_hidden()
