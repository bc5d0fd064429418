"""Shapes on the film: drawn, chosen, moved, taken back; each belongs to the reading that it was begun in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.drawn_chest import HEIGHT, WIDTH
from tests.browser.page_reader import BOX, ask, draw_box, fit, open_file

SHAPES = """async () => {
  const { viewer } = await import("/page/state.js");
  return JSON.stringify(viewer.view.shapes);
}"""
ROUNDING = 1.5  # image pixels


def shapes(page: Page) -> list[dict[str, Any]]:
    """What the reading on screen holds."""
    return list(json.loads(page.evaluate(SHAPES)))


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """From one image pixel to another."""
    place = fit(page)
    page.mouse.move(*place.point(*start))
    page.mouse.down()
    page.mouse.move(*place.point((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), steps=3)
    page.mouse.move(*place.point(*end), steps=3)
    page.mouse.up()
    page.wait_for_timeout(100)


def boxed(opened: Page, dicom: Path) -> Page:
    """An answer with one box, which is chosen."""
    open_file(opened, dicom)
    ask(opened, "pleural effusion")
    draw_box(opened)
    expect(opened.locator("#pc-boxes")).to_have_text("1 box")
    opened.locator("#pc-canvas").focus()
    return opened


def test_a_corner_is_dragged_and_a_side_moves_the_box(opened: Page, dicom: Path) -> None:
    page = boxed(opened, dicom)
    x, y, w, h = BOX
    assert shapes(page)[0]["points"] == pytest.approx(BOX, abs=ROUNDING)
    drag(page, (x + w, y + h), (x + w + 40, y + h + 30))
    assert shapes(page)[0]["points"] == pytest.approx((x, y, w + 40, h + 30), abs=2 * ROUNDING)
    drag(page, (x + 60, y), (x + 40, y - 50))
    assert shapes(page)[0]["points"] == pytest.approx((x - 20, y - 50, w + 40, h + 30), abs=4 * ROUNDING)
    expect(page.locator("#pc-boxes")).to_have_text("1 box")


def test_arrows_nudge_the_chosen_box_by_pixels_of_the_radiograph(opened: Page, dicom: Path) -> None:
    page = boxed(opened, dicom)
    before = shapes(page)[0]["points"]
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    assert shapes(page)[0]["points"] == pytest.approx([before[0] - 8, before[1] + 1, *before[2:]])
    page.keyboard.press("h")
    page.keyboard.press("ArrowRight")
    assert shapes(page)[0]["points"][0] == pytest.approx(before[0] - 9)


def test_delete_undo_and_redo_belong_to_the_film(opened: Page, dicom: Path) -> None:
    page = boxed(opened, dicom)
    page.keyboard.press("Delete")
    expect(page.locator("#pc-boxes")).to_have_text("no boxes")
    page.keyboard.press("Control+z")
    expect(page.locator("#pc-boxes")).to_have_text("1 box")
    page.keyboard.press("Control+z")
    expect(page.locator("#pc-boxes")).to_have_text("no boxes")
    expect(page.locator("#pc-query")).to_have_value("pleural effusion")
    page.keyboard.press("Control+y")
    expect(page.locator("#pc-boxes")).to_have_text("1 box")
    expect(page.locator("#pc-query")).not_to_be_focused()
    page.keyboard.press("Control+Shift+z")
    expect(page.locator("#pc-boxes")).to_have_text("no boxes")
    assert page.locator("#pc-redo").is_disabled()


def test_escape_leaves_the_box_then_drawing(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    opened.locator("#pc-canvas").focus()
    opened.keyboard.press("b")
    place = fit(opened)
    opened.mouse.move(*place.point(100, 100))
    opened.mouse.down()
    opened.mouse.move(*place.point(180, 190), steps=4)
    opened.keyboard.press("Escape")
    opened.mouse.up()
    opened.wait_for_timeout(100)
    expect(opened.locator("#pc-boxes")).to_have_text("no boxes")
    expect(opened.locator("#pc-draw")).to_have_attribute("aria-pressed", "true")
    opened.keyboard.press("Escape")
    expect(opened.locator("#pc-draw")).to_have_attribute("aria-pressed", "false")


def test_points_and_polygons(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    opened.locator("#pc-canvas").focus()
    place = fit(opened)
    opened.keyboard.press("P")
    opened.mouse.click(*place.point(350, 200))
    expect(opened.locator("#pc-boxes")).to_have_text("1 point")
    opened.keyboard.press("G")
    corners = [(100.0, 100.0), (220.0, 110.0), (180.0, 260.0)]
    for corner in [*corners, corners[0]]:
        opened.mouse.click(*place.point(*corner))
        opened.wait_for_timeout(500)  # two clicks within less are a double click
    expect(opened.locator("#pc-boxes")).to_have_text("1 point, 1 polygon")
    point, polygon = shapes(opened)
    assert (point["kind"], polygon["kind"]) == ("point", "polygon")
    assert point["points"] == pytest.approx((350, 200), abs=ROUNDING)
    assert len(polygon["points"]) == 3
    for drawn, corner in zip(polygon["points"], corners, strict=True):
        assert drawn == pytest.approx(corner, abs=ROUNDING)
    opened.keyboard.press("Escape")
    drag(opened, corners[1], (260, 120))
    assert shapes(opened)[1]["points"][1] == pytest.approx((260, 120), abs=2 * ROUNDING)


def test_a_point_is_in_a_reading_that_is_saved_at_once(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "mass")
    opened.locator("#pc-reader").fill("clicks and saves")
    opened.locator("#pc-canvas").focus()
    opened.keyboard.press("1")
    opened.keyboard.press("P")
    with opened.expect_request("**/api/save") as saved:
        opened.mouse.click(*fit(opened).point(350, 200))
        opened.keyboard.press("s")
    (point,) = json.loads(saved.value.post_data or "")["shapes"]
    assert point["kind"] == "point"
    assert point["points"] == pytest.approx((350, 200), abs=ROUNDING)
    expect(opened.locator("#pc-saved")).to_contain_text("saved, ")
    opened.keyboard.press("P")
    opened.mouse.dblclick(*fit(opened).point(200, 300))
    expect(opened.locator("#pc-boxes")).to_have_text("2 points")
    drag(opened, (200, 300), (240, 330))  # what is there is moved, and nothing new begun
    expect(opened.locator("#pc-boxes")).to_have_text("2 points")
    assert shapes(opened)[1]["points"] == pytest.approx((240, 330), abs=2 * ROUNDING)


def test_a_lit_region_becomes_a_box(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    with opened.expect_response("**/api/ask") as answered:
        ask(opened, "pleural effusion")
    region = answered.value.json()["answers"][0]["regions"][0]
    opened.mouse.move(*fit(opened).point(*region["peak"]))
    opened.locator("#pc-canvas").focus()
    opened.keyboard.press("D")
    expect(opened.locator("#pc-boxes")).to_have_text("1 box")
    expected = [region[name] for name in "xywh"]
    assert shapes(opened)[0]["points"] == pytest.approx(expected, abs=6)


def test_each_reading_has_its_own_shapes_and_history(opened: Page, dicom: Path) -> None:
    page = boxed(opened, dicom)
    ask(page, "mass")
    page.locator("#pc-answers li").nth(0).click()
    expect(page.locator("#pc-boxes")).to_have_text("no boxes")
    page.locator("#pc-canvas").focus()
    page.keyboard.press("Control+z")
    page.locator("#pc-answers li").nth(1).click()
    expect(page.locator("#pc-boxes")).to_have_text("1 box")
    page.locator("#pc-canvas").focus()
    page.keyboard.press("Control+z")
    expect(page.locator("#pc-boxes")).to_have_text("no boxes")


def test_shapes_follow_the_film_when_it_turns_and_grows(opened: Page, dicom: Path) -> None:
    page = boxed(opened, dicom)
    before = shapes(page)
    rectangle = page.locator("#pc-film svg g rect, #pc-film svg rect").first
    narrow = rectangle.bounding_box()
    page.keyboard.press("r")
    page.wait_for_timeout(150)
    turned = rectangle.bounding_box()
    assert narrow is not None
    assert turned is not None
    ratio = (narrow["width"] / narrow["height"]) * (turned["width"] / turned["height"])
    assert ratio == pytest.approx(1, abs=0.1)
    assert shapes(page) == before


def test_a_box_is_put_chosen_moved_and_stretched_by_keys_alone(opened: Page, dicom: Path) -> None:
    page, key = opened, opened.keyboard
    open_file(page, dicom)
    ask(page, "pleural effusion")
    key.press("b")
    key.press("Enter")
    ((x, y, w, h),) = [shape["points"] for shape in shapes(page)]
    assert (x + w / 2, y + h / 2) == pytest.approx((WIDTH / 2, HEIGHT / 2), abs=1.5)
    for pressed in ("ArrowRight", "Shift+ArrowUp", "Control+ArrowRight", "Control+Shift+ArrowDown"):
        key.press(pressed)
    assert shapes(page)[0]["points"] == [x + 1, y - 10, w + 1, h + 10]
    key.press("h")
    key.press("Control+ArrowRight")  # the side that is at the right on the screen: the film's left
    assert shapes(page)[0]["points"] == [x, y - 10, w + 2, h + 10]
    key.press("P")
    key.press("Enter")
    key.press("*")
    key.press("Delete")
    assert [shape["kind"] for shape in shapes(page)] == ["point"]


def test_drawing_by_keys_leaves_the_control_that_had_the_focus(opened: Page) -> None:
    page, key = opened, opened.keyboard
    example = page.locator("#pc-examples button").first
    example.focus()
    key.press("Enter")
    expect(page.locator("#pc-answers li")).to_have_count(1)
    key.press("b")
    key.press("Enter")
    ((x, *_),) = [shape["points"] for shape in shapes(page)]
    key.press("ArrowRight")
    assert shapes(page)[0]["points"][0] == x + 1
    expect(page.locator("#pc-studies li")).to_have_count(1)  # Enter did not open the example again


def test_a_chosen_box_is_moved_by_its_inside_and_seen_to_be_chosen(opened: Page, dicom: Path) -> None:
    page = boxed(opened, dicom)
    line, chosen = "rgb(79,179,217)", "rgb(240,180,41)"
    x, y, w, h = BOX
    page.keyboard.press("b")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    box = page.locator("#pc-film svg rect").first
    expect(box).to_have_attribute("stroke", line)
    drag(page, (x + 60, y + 60), (x + 90, y + 60))  # of a box that is not chosen, it moves the film
    assert shapes(page)[0]["points"] == pytest.approx(BOX, abs=ROUNDING)
    page.locator("#pc-fit").click()
    page.locator("#pc-canvas").focus()
    page.keyboard.press("*")
    expect(box).to_have_attribute("stroke", chosen)
    drag(page, (x + 60, y + 60), (x + 90, y + 40))
    assert shapes(page)[0]["points"] == pytest.approx((x + 30, y - 20, w, h), abs=2 * ROUNDING)
    expect(box).to_have_attribute("stroke", chosen)
