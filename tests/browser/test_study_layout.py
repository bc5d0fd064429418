"""The layout of the page of studies: nothing cut off or covered on any screen, whole focus rings, axe."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.fake_study import FakeStudy
from tests.browser.test_layout import RINGS, SPILLED, box, on_screen
from tests.browser.test_page import CLIPPED
from tests.browser.test_page import COVERED as COVERED_OR_SCROLLED
from tests.browser.test_study_page import begun, press

SCREENS = [(1366, 768), (1920, 1080), (2560, 1440), (1200, 1920), (820, 1180)]
LEAST_SHARE = 0.5  # of the window, for the film
COVERED = COVERED_OR_SCROLLED.replace("dialog,", "dialog, .lines, .detail > :not(:has(#pc-save)),")


@pytest.fixture
def second(page: Page) -> Page:
    """A second opinion: the fullest form there is."""
    begun(page, FakeStudy(arms=["sequential"] * 30, probability=True))
    press(page, "1", "8", "a", "Enter")
    expect(page.locator("#pc-caption")).to_contain_text("map A")
    return page


@pytest.mark.parametrize("screen", SCREENS)
def test_everything_is_in_sight(second: Page, screen: tuple[int, int]) -> None:
    for zoom in (1, 1.5):
        width, height = on_screen(second, screen, zoom)
        assert second.evaluate(CLIPPED) == [] and second.evaluate(SPILLED) == [], f"{width} x {height}"
        assert second.evaluate(COVERED) == [], f"{width} x {height}"
        save, film = box(second, "#pc-save"), box(second, "#pc-stage")
        assert save["y"] + save["height"] <= height and save["x"] + save["width"] <= width
        if zoom == 1:
            assert film["width"] * film["height"] >= LEAST_SHARE * width * height
        for line in second.locator("#pc-lines .line").all()[:2]:
            expect(line).to_be_in_viewport()
    assert second.evaluate("document.documentElement.scrollWidth") == width


def test_the_tools_take_two_lines_on_the_smallest_wide_screen(second: Page) -> None:
    on_screen(second, SCREENS[0], 1)
    tops = second.locator(".tools :is(button, select, input)").evaluate_all(
        "(all) => [...new Set(all.filter((one) => one.offsetParent)"
        ".map((one) => Math.round(one.getBoundingClientRect().bottom / 20)))]"
    )
    assert len(tops) == 2, tops


def test_focus_rings_are_whole(second: Page) -> None:
    assert second.evaluate(RINGS) == []


def test_axe_finds_no_violation(page: Page) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )

    def violations() -> list[str]:
        results = axe.Axe().run(page)
        return [f"{item['id']}: {item['nodes'][0]['html'][:120]}" for item in results.response["violations"]]

    study = FakeStudy(arms=["sequential"] * 3, role="admin", probability=True)
    study.serve(page)
    assert violations() == []
    page.locator("#pc-new").click()
    assert violations() == []
    press(page, "Escape")
    page.locator("#pc-cards button.primary").click()
    expect(page.locator("#pc-case")).to_have_text("Case 1")
    assert violations() == []
    press(page, "Enter")
    expect(page.locator("#pc-save-error")).to_be_visible()
    assert violations() == []
    press(page, "1", "a", "Enter")
    expect(page.locator("#pc-caption")).to_contain_text("map A")
    press(page, "4")
    assert violations() == []
    press(page, "?")
    assert violations() == []
