"""Keys alone: where the focus goes, and what is drawn, measured and windowed without a mouse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.page_reader import coloured, open_file, until
from tests.browser.test_film_shapes import shapes

FILM = "#pc-canvas"
ACCENT = "rgb(79, 179, 217)"


def press(page: Page, *keys: str) -> None:
    """One key after the other."""
    for key in keys:
        page.keyboard.press(key)


def asked(page: Page, film: Path) -> Page:
    """A film that was asked, as keys alone ask it."""
    open_file(page, film)
    press(page, "/")
    page.keyboard.insert_text("pleural effusion")
    press(page, "Enter")
    expect(page.locator("#pc-answers li")).to_have_count(1)
    return page


def saved(page: Page, film: Path, reader: str) -> Page:
    """A reading of it that was saved."""
    asked(page, film)
    page.locator("#pc-reader").fill(reader)
    press(page, "Enter", "1", "s")
    expect(page.locator("#pc-saved")).to_contain_text("saved, ")
    return page


def test_what_is_left_by_a_key_gives_the_focus_to_the_film(opened: Page, dicom: Path) -> None:
    page = asked(opened, dicom)
    expect(page.locator(FILM)).to_be_focused()
    expect(page.locator(FILM)).to_have_css("outline-color", ACCENT)
    press(page, "t", "Escape")
    expect(page.locator(FILM)).to_be_focused()
    for field in ("center", "width", "reader"):
        page.locator(f"#pc-{field}").focus()
        press(page, "Enter")
        expect(page.locator(FILM)).to_be_focused()
    page.locator("#pc-scores-button").focus()
    press(page, "Enter", "Tab")
    page.locator("#pc-scores-close").focus()
    press(page, "Enter")  # which hides it
    expect(page.locator("#pc-scores")).to_be_hidden()
    expect(page.locator(FILM)).to_be_focused()


def test_what_cannot_be_asked_stands_in_the_field_to_be_mended(opened: Page, dicom: Path) -> None:
    page = asked(opened, dicom)
    press(page, "/", "Control+a", "Delete", "Enter")
    expect(page.locator("#pc-ask-error")).to_contain_text("The query is empty")
    expect(page.locator("#pc-query")).to_be_focused()


def test_saving_without_a_name_leads_to_its_field_and_back(opened: Page, dicom: Path) -> None:
    page = asked(opened, dicom)
    press(page, "1", "s")
    expect(page.locator("#pc-reader")).to_be_focused()
    page.keyboard.insert_text("Dr K")
    press(page, "Enter", "s")
    expect(page.locator("#pc-saved")).to_contain_text("saved, ")


def test_withdrawing_is_asked_for_twice_in_words_and_keeps_the_focus(opened: Page, dicom: Path) -> None:
    page = saved(opened, dicom, "Dr K")
    press(page, "_")
    expect(page.locator("#pc-saved")).to_have_text("Really withdraw? The same once more does it.")
    press(page, "2")  # another word on the reading takes the doubt away
    expect(page.locator("#pc-saved")).to_have_text("")
    expect(page.locator("#pc-withdraw")).to_have_text("withdraw")
    page.locator("#pc-withdraw").focus()
    press(page, "Enter", "Enter")
    expect(page.locator("#pc-saved")).to_contain_text("withdrawn")
    expect(page.locator("#pc-save")).to_be_focused()


def test_undo_keeps_the_focus_when_nothing_is_left_to_undo(opened: Page, dicom: Path) -> None:
    page = asked(opened, dicom)
    press(page, "b", "Enter")
    expect(page.locator("#pc-boxes")).to_have_text("1 box")
    page.locator("#pc-undo").focus()
    press(page, "Enter")
    expect(page.locator("#pc-boxes")).to_have_text("no boxes")
    expect(page.locator("#pc-undo")).to_be_disabled()
    expect(page.locator("#pc-undo")).to_be_focused()


def test_arrows_change_the_window_while_its_key_is_held(opened: Page, dicom: Path) -> None:
    page = asked(opened, dicom)
    before = [float(page.locator(f"#pc-{field}").input_value()) for field in ("center", "width")]
    page.keyboard.down("w")
    press(page, "ArrowRight", "Shift+ArrowDown")
    page.keyboard.up("w")
    center, width = before
    wider = width * 1.02
    for field, value in (("width", wider), ("center", center + wider / 5)):
        assert float(page.locator(f"#pc-{field}").input_value()) == pytest.approx(value, abs=1)
    press(page, "ArrowRight")  # the film's own again
    assert float(page.locator("#pc-width").input_value()) == pytest.approx(wider, abs=1)


def test_a_ratio_is_measured_without_a_mouse(opened: Page, dicom: Path) -> None:
    page = asked(opened, dicom)
    measured = page.locator("#pc-measured")
    press(page, "T")
    expect(measured).to_have_text("draw the width of the heart")
    press(page, "Enter")
    expect(measured).to_have_text("draw the width of the thorax")
    press(page, "Shift+ArrowDown", "Enter")
    expect(measured).to_have_text("cardiothoracic ratio 1.00")
    press(page, *["Control+Shift+ArrowRight"] * 5)
    expect(measured).to_have_text(re.compile(r"^cardiothoracic ratio 0\.[789]\d$"))
    press(page, "Delete")  # the chosen one: the thorax
    expect(measured).to_have_text("")


def test_a_ruler_is_chosen_moved_and_left_by_keys(opened: Page, dicom: Path) -> None:
    page = asked(opened, dicom)
    press(page, "R", "Enter")
    before = coloured(page)
    press(page, *["Shift+ArrowDown"] * 3)
    moved = coloured(page)
    assert before.any() and (before != moved).any()
    press(page, "Escape", "Escape", "*", "Delete")
    until(page, lambda: coloured(page).sum() < moved.sum())


def test_a_polygon_is_drawn_corner_by_corner_without_a_mouse(opened: Page, dicom: Path) -> None:
    page = asked(opened, dicom)
    press(page, "G", "Enter")
    expect(page.locator("#pc-boxes")).to_have_text("1 polygon")
    before = shapes(page)[0]["points"]
    assert len(before) == 8
    press(page, "Control+Shift+ArrowUp", "Enter", "Enter", "Control+ArrowRight")
    after = shapes(page)[0]["points"]
    assert after[0] == pytest.approx([before[0][0], before[0][1] - 10])
    assert after[2] == pytest.approx([before[2][0] + 1, before[2][1]])
    assert [after[place] for place in (1, 3, 4, 5, 6, 7)] == [before[place] for place in (1, 3, 4, 5, 6, 7)]


def test_the_magnifier_shows_the_middle_without_a_pointer(opened: Page, dicom: Path) -> None:
    page = asked(opened, dicom)
    press(page, "M")
    lens, stage = page.locator(".lens").bounding_box(), page.locator("#pc-film").bounding_box()
    assert lens and stage
    middle, expected = ((box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in (lens, stage))
    assert middle == pytest.approx(expected, abs=2)
    press(page, "M")
    expect(page.locator(".lens")).to_be_hidden()


def test_past_feedback_stands_in_whole_columns(opened: Page, dicom: Path) -> None:
    page = saved(opened, dicom, "Dr K")
    press(page, "H")
    row = page.locator("#pc-rows tr").first
    expect(row).to_contain_text("pleural effusion")
    for number in (0, 4):  # the time, and P
        words = (
            row.locator("td")
            .nth(number)
            .evaluate(
                "cell => { const range = document.createRange(); range.selectNodeContents(cell);"
                " return range.getClientRects().length; }"
            )
        )
        assert words == 1
    buttons = [button.bounding_box() for button in row.locator("button").all()]
    assert len({box and box["y"] for box in buttons}) == 1


def test_a_confidence_left_open_stands_in_the_middle(opened: Page, dicom: Path) -> None:
    page = asked(opened, dicom)
    press(page, "8", "8", "8")
    expect(page.locator("#pc-confidence")).to_have_value("60")
    press(page, "9")
    expect(page.locator("#pc-confidence")).to_have_value("50")
    expect(page.locator("#pc-confidence-number")).to_have_value("")


def test_withdrawing_in_the_list_keeps_the_focus_in_it(opened: Page, dicom: Path) -> None:
    page = saved(opened, dicom, "Dr K of the list")
    press(page, "H")
    page.locator("#pc-rows").get_by_role("button", name="withdraw").first.focus()
    press(page, "Enter", "Enter")
    expect(page.locator("#pc-rows tr").first).to_contain_text("2, withdrawn")
    expect(page.locator("#pc-rows").get_by_role("button", name="open").first).to_be_focused()
