"""What the smallest screen shows at once: three answers, and a form in which nothing is cut or moves."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.page_reader import ask, open_file

SEEN = """() => {
  const room = document.querySelector('#pc .answers').getBoundingClientRect();
  return [...document.querySelectorAll('#pc-answers .answer-head')]
    .filter((head) => head.getBoundingClientRect().top >= room.top
      && head.getBoundingClientRect().bottom <= room.bottom)
    .map((head) => head.querySelector('.name').textContent);
}"""
CUT = "(field) => field.scrollHeight > field.clientHeight"
THREE = ["pleural effusion", "cardiomegaly", "pneumothorax"]


def test_three_answers_are_seen_at_once_and_an_error_moves_nothing(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "; ".join(THREE))
    expect(opened.locator("#pc-answers .standing").first).to_contain_text("where sensitivity is")
    assert opened.evaluate(SEEN) == THREE
    comment = opened.locator("#pc-comment")
    assert comment.evaluate(CUT) is False
    opened.keyboard.press("Escape")
    before = opened.locator("[data-presence=present]").bounding_box()
    opened.keyboard.press("s")
    expect(opened.locator("#pc-save-error")).to_contain_text("present, absent or unsure")
    after = opened.locator("[data-presence=present]").bounding_box()
    assert before and after and after["y"] == pytest.approx(before["y"], abs=0.1)
    assert comment.evaluate(CUT) is False and opened.evaluate(SEEN) == THREE
    expect(opened.locator("#pc-undo")).to_be_hidden()
    opened.keyboard.press("b")
    opened.keyboard.press("Enter")
    expect(opened.locator("#pc-boxes")).to_have_text("1 box")
    expect(opened.locator("#pc-undo")).to_be_visible()


def test_a_name_takes_back_the_sentence_that_asked_for_it(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "pleural effusion")
    opened.keyboard.press("Escape")
    opened.keyboard.press("1")
    opened.keyboard.press("s")
    expect(opened.locator("#pc-save-error")).to_have_text(
        "Type your name or initials as reader before saving."
    )
    expect(opened.locator("#pc-reader")).to_be_focused()
    opened.keyboard.type("JR")
    expect(opened.locator("#pc-save-error")).to_be_hidden()
    opened.keyboard.press("Enter")
    expect(opened.locator("#pc-canvas")).to_be_focused()
    opened.keyboard.press("s")
    expect(opened.locator("#pc-saved")).to_contain_text("saved")
