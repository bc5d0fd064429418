"""Hands and ears: every key on every keyboard, focus that stays, roles that say what they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.page_reader import ask, open_file, slide

CONTRAST = """(id) => {
  const field = document.querySelector(id), rgb = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const linear = (v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = (text) => {
    const [r, g, b] = rgb(text).map((v) => linear(v / 255));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const a = light(getComputedStyle(field, '::placeholder').color);
  const b = light(getComputedStyle(field).backgroundColor);
  return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
}"""


def threshold(page: Page) -> float:
    """Where the slider stands."""
    return float(page.locator("#pc-threshold").input_value())


@pytest.mark.parametrize("held", ["", "Control+Alt+", "Alt+"])
def test_brackets_work_on_keyboards_that_need_another_key_for_them(opened: Page, held: str) -> None:
    before = threshold(opened)
    opened.keyboard.press(f"{held}]")
    assert threshold(opened) == pytest.approx(before + 0.05)
    opened.keyboard.press(f"{held}[")
    assert threshold(opened) == pytest.approx(before)


@pytest.mark.parametrize("held", ["Control+", "Control+Alt+", "Alt+"])
def test_other_keys_are_left_to_the_browser_when_held_with_another(opened: Page, held: str) -> None:
    opened.keyboard.press(f"{held}y")
    expect(opened.locator('[data-view="map"]')).to_have_attribute("aria-checked", "true")


def test_studies_and_the_curtain_have_keys(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    opened.locator("#pc-examples button").first.click()
    studies = opened.locator("#pc-studies button")
    expect(studies).to_have_count(2)
    for key, number in (("j", 0), ("j", 1), ("k", 0)):
        opened.keyboard.press(key)
        expect(studies.nth(number)).to_have_attribute("aria-current", "true")
    curtain = opened.locator("#pc-curtain")
    opened.keyboard.press(".")
    assert float(curtain.input_value()) == 0.5  # out of sight it stays where it is
    ask(opened, "mass")
    opened.locator("#pc-canvas").focus()
    opened.keyboard.press("c")
    opened.keyboard.press(".")
    assert float(curtain.input_value()) == pytest.approx(0.55)
    opened.keyboard.press(",")
    opened.keyboard.press(",")
    assert float(curtain.input_value()) == pytest.approx(0.45)
    opened.keyboard.press("?")
    for meaning in ("next study", "previous study", "curtain to the left", "curtain to the right"):
        expect(opened.locator("#pc-keys")).to_contain_text(meaning)


def test_a_study_and_a_chip_keep_the_focus(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    opened.locator("#pc-examples button").first.click()
    expect(opened.locator("#pc-studies li")).to_have_count(2)
    other = opened.locator("#pc-studies button").nth(0)
    other.focus()
    opened.keyboard.press("Enter")
    expect(other).to_have_attribute("aria-current", "true")
    expect(other).to_be_focused()
    opened.locator("#pc-chips button", has_text="cardiomegaly").focus()
    opened.keyboard.press("Enter")
    expect(opened.locator("#pc-answers li")).to_have_count(1)
    expect(opened.locator("#pc-chips button", has_text="cardiomegaly")).to_be_focused()


def test_answers_are_a_list_that_arrows_walk(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    expect(opened.locator("#pc-answers")).to_be_hidden()
    ask(opened, "mass; nodule; hernia")
    answers = opened.get_by_role("listbox", name="Answers").get_by_role("option")
    expect(answers).to_have_count(3)
    assert [line.get_attribute("tabindex") for line in answers.all()] == ["0", "-1", "-1"]
    answers.nth(0).focus()
    for key, number in (("ArrowDown", 1), ("ArrowDown", 2), ("ArrowDown", 0), ("ArrowUp", 2)):
        opened.keyboard.press(key)
        expect(answers.nth(number)).to_have_attribute("aria-selected", "true")
        expect(answers.nth(number)).to_be_focused()


def test_radio_buttons_are_one_stop_and_arrows_choose(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    group = opened.get_by_role("radiogroup", name="Finding is").get_by_role("radio")
    assert [button.get_attribute("tabindex") for button in group.all()] == ["0", "-1", "-1"]
    group.nth(0).focus()
    for key, number in (("ArrowRight", 1), ("ArrowDown", 2), ("ArrowRight", 0), ("ArrowLeft", 2)):
        opened.keyboard.press(key)
        expect(group.nth(number)).to_be_focused()
        expect(group.nth(number)).to_have_attribute("aria-checked", "true")
    assert [button.get_attribute("tabindex") for button in group.all()] == ["-1", "-1", "0"]
    opened.locator('[data-view="map"]').focus()
    opened.keyboard.press("ArrowLeft")
    expect(opened.locator('[data-view="image"]')).to_have_attribute("aria-checked", "true")


def test_a_chip_that_is_cut_off_takes_no_focus(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    for text in (
        "is there any fluid in the left angle",
        "an enlarged heart silhouette overall",
        "signs of a collapsed lung on the right",
    ):
        ask(opened, text)
    hidden = opened.evaluate(
        """() => { const p = document.querySelector('#pc-chips').getBoundingClientRect();
          const chips = [...document.querySelectorAll('#pc-chips button')];
          const visible = chips.filter((c) => c.checkVisibility());
          const cut = visible.some((c) => c.getBoundingClientRect().bottom > p.bottom + 1);
          return [cut, chips.length - visible.length]; }"""
    )
    assert hidden[0] is False
    assert hidden[1] > 0


def test_the_caption_is_read_out_once_the_slider_rests(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "mass")
    assert opened.locator("#pc-caption").get_attribute("role") is None
    opened.evaluate(
        """() => {
          const place = document.querySelector('#pc-spoken');
          window.spoken = [];
          new MutationObserver(() => window.spoken.push(place.textContent))
            .observe(place, { childList: true, characterData: true, subtree: true });
        }"""
    )
    opened.wait_for_timeout(900)
    opened.evaluate("window.spoken.length = 0")
    for value in (0.9, 0.92, 0.94, 0.96, 0.98, 1):
        slide(opened, "threshold", value)
    expect(opened.locator("#pc-caption")).to_contain_text("nothing above 1.00")
    expect(opened.locator('#pc-spoken[role="status"]')).to_contain_text("nothing above 1.00")
    assert opened.evaluate("window.spoken.length") == 1


@pytest.mark.parametrize("field", ["#pc-query", "#pc-comment", "#pc-reader"])
def test_placeholders_can_be_read(opened: Page, field: str) -> None:
    assert opened.evaluate(CONTRAST, field) >= 4.5
