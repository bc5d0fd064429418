"""How the page looks and is worked: no scrolling, nothing covered, keys, focus, the notice in sight."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.page_reader import ask, canvas, open_file, slide

LONG = "is there possibly any fluid in the left costophrenic angle??"  # 60 characters
TWENTY = "; ".join(
    "effusion,cardiomegaly,mass,nodule,pneumonia,pneumothorax,atelectasis,edema,fibrosis,hernia,emphysema,"
    "consolidation,infiltration,lung opacity,fracture,calcification,pleural thickening,no mass,no nodule,"
    "no edema".split(",")
)
COVERED = """() => {
  const controls = 'button, input:not([type=file]), select, textarea, .notice';
  const apart = 'dialog, .answers, .list, .chips';
  return [...document.querySelectorAll('#pc :is(' + controls + ')')].filter((item) => {
    if (item.closest(apart) || !item.checkVisibility({ visibilityProperty: true })) return false;
    const box = item.getBoundingClientRect();
    const panel = item.closest('aside, main, header').getBoundingClientRect();
    const fits = box.right <= innerWidth + .5 && box.bottom <= innerHeight + .5;
    const inside = box.left >= 0 && box.top >= 0 && fits;
    const top = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
    const seen = top && (item.contains(top) || top.contains(item));
    return !inside || box.right > panel.right + .5 || box.left < panel.left - .5 || !seen;
  }).map((item) => item.id || item.textContent || item.outerHTML);
}"""
CLIPPED = """() => [...document.querySelectorAll('#pc .chips button')].filter((chip) => {
  const panel = chip.parentElement.getBoundingClientRect(), box = chip.getBoundingClientRect();
  return box.top < panel.bottom - 1 && box.bottom > panel.bottom + 1;
}).map((chip) => chip.textContent)"""
PANELS = """() => ['header', '.left', 'main', '.right'].map((panel) => {
  const box = document.querySelector('#pc ' + panel).getBoundingClientRect();
  return [box.left, box.top, box.right, box.bottom];
})"""


def assert_tidy(page: Page) -> None:
    """Nothing scrolls, no control is cut off or covered, no panel reaches into another."""
    size = page.viewport_size
    assert size is not None
    scroll = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight, scrollX, scrollY]"
    )
    assert scroll == [size["width"], size["height"], 0, 0]
    assert page.evaluate(COVERED) == []
    assert page.evaluate(CLIPPED) == []
    header, left, centre, right = page.evaluate(PANELS)
    assert header[2] <= size["width"]
    assert left[2] <= centre[0] + 1
    assert centre[2] <= right[0] + 1
    assert right[2] <= size["width"]


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
def test_nothing_scrolls_or_is_covered_in_any_state(opened: Page, dicom: Path, size: tuple[int, int]) -> None:
    opened.set_viewport_size({"width": size[0], "height": size[1]})
    assert_tidy(opened)
    open_file(opened, dicom)
    assert_tidy(opened)
    ask(opened, TWENTY)
    expect(opened.locator("#pc-answers li")).to_have_count(20)
    assert_tidy(opened)
    ask(opened, LONG)
    ask(opened, "fractured femur")
    slide(opened, "threshold", 1)
    assert_tidy(opened)
    opened.locator("#pc-answers li").nth(1).click()
    opened.locator('[data-view="compare"]').click()
    expect(opened.locator("#pc-tag-right")).to_contain_text("no probability")
    assert_tidy(opened)
    opened.locator("#pc-save").click()
    expect(opened.locator("#pc-save-error")).to_be_visible()
    ask(opened, "x" * 6000)
    expect(opened.locator("#pc-ask-error")).to_be_visible()
    assert_tidy(opened)


@pytest.mark.parametrize(("height", "width"), [(1600, 300), (300, 1600)])
def test_a_tall_or_wide_image_fits(opened: Page, tmp_path: Path, height: int, width: int) -> None:
    path = tmp_path / "odd.png"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(90, 255, (height, width)).astype(np.uint8))
    open_file(opened, path)
    shown = canvas(opened).max(axis=2) > 40
    canvas_height, canvas_width = shown.shape
    columns, rows = np.flatnonzero(shown.any(axis=0)), np.flatnonzero(shown.any(axis=1))
    left, right, top, bottom = columns[0], columns[-1], rows[0], rows[-1]
    assert (right - left + 1) / (bottom - top + 1) == pytest.approx(width / height, rel=0.05)
    assert left >= 4
    assert top >= 4
    assert right <= canvas_width - 4
    assert bottom <= canvas_height - 4
    assert_tidy(opened)


def test_the_notice_is_in_sight_beside_every_dialog(opened: Page) -> None:
    notice = "Research use only, not for clinical use"
    expect(opened.locator("header .notice")).to_have_text(notice)
    for button, dialog in (("#pc-history", "#pc-history-dialog"), ("#pc-help", "#pc-help-dialog")):
        opened.locator(button).click()
        expect(opened.locator(f"{dialog} .notice")).to_have_text(notice)
        expect(opened.locator(f"{dialog} .notice")).to_be_visible()
        opened.keyboard.press("Escape")
        expect(opened.locator(dialog)).to_be_hidden()


def test_keys_work_and_are_silent_while_typing(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    opened.keyboard.press("/")
    expect(opened.locator("#pc-query")).to_be_focused()
    opened.keyboard.type("y3b mass?")
    expect(opened.locator("#pc-query")).to_have_value("y3b mass?")
    expect(opened.locator('[data-view="map"]')).to_have_attribute("aria-checked", "true")
    expect(opened.locator('[data-presence="unsure"]')).to_have_attribute("aria-checked", "false")
    expect(opened.locator("#pc-help-dialog")).to_be_hidden()
    opened.keyboard.press("Escape")
    opened.keyboard.press("3")
    expect(opened.locator('[data-presence="unsure"]')).to_have_attribute("aria-checked", "true")
    opened.keyboard.press("y")
    expect(opened.locator('[data-view="image"]')).to_have_attribute("aria-checked", "true")
    opened.keyboard.press("m")
    before = float(opened.locator("#pc-threshold").input_value())
    opened.keyboard.press("]")
    assert float(opened.locator("#pc-threshold").input_value()) == pytest.approx(before + 0.05)
    opened.keyboard.press("b")
    expect(opened.locator("#pc-draw")).to_have_attribute("aria-pressed", "true")
    opened.keyboard.press("?")
    expect(opened.locator("#pc-help-dialog")).to_be_visible()
    opened.keyboard.press("1")
    expect(opened.locator('[data-presence="present"]')).to_have_attribute("aria-checked", "false")


def test_an_answer_is_chosen_by_keyboard_and_keeps_the_focus(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "mass; nodule")
    second = opened.locator("#pc-answers li").nth(1)
    second.focus()
    opened.keyboard.press("Enter")
    expect(second).to_have_attribute("aria-selected", "true")
    expect(second).to_be_focused()


def test_the_readers_name_is_remembered(opened: Page) -> None:
    opened.locator("#pc-reader").fill("Dr Example")
    opened.locator("#pc-reader").press("Tab")
    opened.reload()
    opened.wait_for_selector('#pc[data-ready="true"]')
    expect(opened.locator("#pc-reader")).to_have_value("Dr Example")


def test_markup_in_a_query_stays_text(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "<img src=x onerror=document.title='run'> ${1+1} {{value}}")
    expect(opened.locator("#pc-answers li .name")).to_have_text(
        "<img src=x onerror=document.title='run'> ${1+1} {{value}}"
    )
    assert "run" not in opened.title()


def test_each_answer_keeps_its_own_draft(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    opened.locator("#pc-comment").fill("before asking")
    ask(opened, "mass; nodule")
    expect(opened.locator("#pc-comment")).to_have_value("before asking")
    opened.locator("#pc-answers li").nth(1).click()
    expect(opened.locator("#pc-comment")).to_have_value("")
    opened.locator('[data-presence="absent"]').click()
    opened.locator("#pc-answers li").nth(0).click()
    expect(opened.locator("#pc-comment")).to_have_value("before asking")
    expect(opened.locator('[data-presence="absent"]')).to_have_attribute("aria-checked", "false")


def test_an_answer_goes_to_the_study_that_was_asked(opened: Page, dicom: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.png"
    cv2.imwrite(str(path), np.tile(np.linspace(0, 255, 400).astype(np.uint8), (420, 1)))
    open_file(opened, path)
    open_file(opened, dicom)
    expect(opened.locator("#pc-studies li")).to_have_count(2)
    with opened.expect_response(lambda response: response.url.endswith("/api/ask")):
        opened.evaluate("""() => {
          document.querySelector('#pc-query').value = 'mass';
          document.querySelector('#pc-run').click();
          document.querySelectorAll('#pc-studies li button')[1].click();
        }""")
    opened.locator("#pc-busy").wait_for(state="hidden")
    expect(opened.locator("#pc-answers li")).to_have_count(0)
    expect(opened.locator("#pc-reading-of")).to_have_text("")
    opened.locator("#pc-studies li button").nth(0).click()
    expect(opened.locator("#pc-answers li")).to_have_count(1)
    expect(opened.locator("#pc-reading-of")).to_contain_text("mass")


def test_a_bundled_example_asks_its_question_and_says_where_it_is_from(opened: Page) -> None:
    opened.locator("#pc-examples button", has_text="a DICOM file, drawn").click()
    expect(opened.locator("#pc-image-warnings")).to_contain_text("no patient")
    expect(opened.locator("#pc-no-answers")).to_be_visible()  # it asks nothing
    opened.locator("#pc-examples button").first.click()
    expect(opened.locator("#pc-image-warnings")).to_contain_text("NIH Clinical Center")
    expect(opened.locator("#pc-query")).to_have_value("cardiomegaly")
    expect(opened.locator("#pc-answers li")).to_have_count(1)
    expect(opened.locator("#pc-answers li")).to_contain_text("cardiomegaly")
