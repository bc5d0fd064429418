"""The answer card: where P stands beside the operating point, and where image and map disagree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.late import Late
from tests.browser.page_reader import ask, open_file

POINT = {
    "threshold": 0.25,
    "sensitivity": {"value": 0.8, "ci": [0.66, 0.9], "n": 45},
    "specificity": {"value": 0.7, "ci": [0.6, 0.79], "n": 90},
}
STANDING = "P 0.60 is above 0.25, where sensitivity is 0.80"
HINT = "A region is lit, but the image as a whole speaks against mass: take the region as a weak hint."


def answered(page: Page, film: Path, **changes: Any) -> None:
    """A film that was asked for a mass, with another answer than the server's."""
    open_file(page, film)
    late = Late(page, "ask")
    page.locator("#pc-query").fill("mass")
    page.locator("#pc-run").click()
    late.change(**changes)
    expect(page.locator("#pc-answers li")).to_have_count(1)


@pytest.mark.parametrize(("assertion", "share"), [("present", 0.25), ("absent", 0.75)])
def test_a_tick_stands_at_the_operating_point(
    opened: Page, dicom: Path, assertion: str, share: float
) -> None:
    answered(opened, dicom, probability=0.6, assertion=assertion, operating_point=POINT, standing=STANDING)
    bar = opened.locator("#pc-answers .bar").bounding_box()
    tick = opened.locator("#pc-answers .tick").bounding_box()
    filled = opened.locator("#pc-answers .bar i").bounding_box()
    assert bar and tick and filled
    assert (tick["x"] + tick["width"] / 2 - bar["x"]) / bar["width"] == pytest.approx(share, abs=0.03)
    assert filled["width"] / bar["width"] == pytest.approx(0.6, abs=0.03)
    assert tick["height"] > bar["height"]
    expect(opened.locator("#pc-answers .standing")).to_have_text(STANDING)


def test_image_and_map_that_disagree_are_said_to(opened: Page, dicom: Path) -> None:
    answered(opened, dicom, contradiction=HINT, warnings=["Another warning."])
    expect(opened.locator("#pc-answers .contradiction")).to_have_text(HINT)
    expect(opened.locator("#pc-answers .contradiction")).to_be_visible()
    expect(opened.locator("#pc-answers .warn")).to_have_text(["⚠ Another warning."])


def test_the_servers_own_answers_say_where_they_stand(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "no pneumothorax; fractured femur")
    cards = opened.locator("#pc-answers li")
    expect(cards.nth(0).locator(".standing")).to_contain_text("P of presence")
    expect(cards.nth(0).locator(".tick")).to_have_count(1)
    expect(cards.nth(1).locator(".standing, .tick")).to_have_count(0)
