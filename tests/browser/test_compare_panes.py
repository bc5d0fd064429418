"""Films side by side: one place and one zoom, each under a map of its own; figures and maps that leave."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from patchclip import Engine, load_radiograph
from tests.browser.page_reader import ask, draw_box, open_file

SHOT = "(k) => document.querySelectorAll('#pc .pane canvas')[k].toDataURL()"


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
    pane.locator("label").click()
    slider = pane.locator("input[type=range]")
    slider.fill("0.3")
    expect(pane.locator(".pane-caption")).to_contain_text("from .30")
    expect(asked.locator("#pc-threshold")).to_have_value("0.5")
    pane.locator("select").select_option("raw_cosine")
    expect(pane.locator(".pane-caption")).to_contain_text("from .50")


def test_films_move_together(asked: Page) -> None:
    before = asked.evaluate(SHOT, 0)
    box = asked.locator(".pane canvas").first.bounding_box()
    assert box is not None
    asked.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    asked.mouse.wheel(0, -600)
    expect(asked.locator("#pc-zoom")).not_to_have_text("100 %")
    assert asked.evaluate(SHOT, 0) != before


def test_a_drawn_box_is_what_maps_are_measured_against(asked: Page) -> None:
    asked.locator("[data-panes='1']").click()
    draw_box(asked)
    asked.locator("[data-panes='2']").click()
    caption = asked.locator(".pane-caption").first
    expect(caption).to_contain_text("Against 1 drawn box: pointing")
    expect(caption).to_contain_text("false-positive region")
    asked.locator(".pane select").first.select_option("boxes")
    expect(caption).to_have_text("drawn by the reader: 1")


def test_the_figure_and_the_maps_leave(asked: Page, engine: Engine, dicom: Path) -> None:
    asked.locator("#pc-results").click()
    with asked.expect_download() as picture:
        asked.locator("#pc-save-figure").click()
    with Image.open(picture.value.path()) as image:
        assert image.format == "PNG" and image.width > 800
    with asked.expect_download() as maps:
        asked.locator("#pc-save-maps").click()
    with np.load(io.BytesIO(Path(maps.value.path()).read_bytes()), allow_pickle=False) as file:
        answer = engine.query(engine.encode(load_radiograph(dicom)), ["pleural effusion"])[0]
        assert file["patch_map"] == pytest.approx(answer.map.values, abs=1e-5)
        assert "grad_cam" in file and str(file["model_sha256"]) == engine.sha256
