"""The list of keys under "?": by task, whole in small windows, and one list for both pages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.fake_study import FakeStudy

WINDOWS = [(1366, 768), (1920, 1080), (1200, 1920), (911, 512)]
DIALOG = "#pc-help-dialog"
HELD = """(dialog) => dialog.scrollHeight <= dialog.clientHeight && dialog.scrollWidth <= dialog.clientWidth
  && dialog.getBoundingClientRect().top >= 0 && dialog.getBoundingClientRect().bottom <= innerHeight"""
BY_TASK = """() => Object.fromEntries([...document.querySelectorAll('#pc-keys section')].map((section) => [
  section.querySelector('h3').innerText,
  [...section.querySelectorAll('dd')].map((line) => line.innerText)]))"""


@pytest.fixture
def study(page: Page, troubles: list[str]) -> Page:
    """The page of studies, at its list."""
    return FakeStudy(["aided"]).serve(page)


def held(page: Page) -> dict[str, list[str]]:
    """Opens the list, which no window may cut, and reads it by task."""
    page.locator("#pc-help").click()
    expect(page.locator(DIALOG)).to_be_visible()
    for width, height in WINDOWS:
        page.set_viewport_size({"width": width, "height": height})
        assert page.locator(DIALOG).evaluate(HELD), f"{width} x {height}"
    lists: dict[str, list[str]] = page.evaluate(BY_TASK)
    return lists


def test_the_viewers_keys_stand_by_task(opened: Page) -> None:
    lists = held(opened)
    assert list(lists) == [
        "Studies",
        "Ask and answers",
        "Your reading",
        "Film",
        "Window and contrast",
        "Map",
        "Compare maps",
        "Boxes, points and rulers",
        "Results and help",
        "Mouse, arrows, Enter and Esc",
    ]
    assert {"ruler", "draw polygons", "undo"} <= set(lists["Boxes, points and rulers"])
    assert {"invert the film", "next window of the file for the model"} <= set(lists["Window and contrast"])
    assert "in a polygon" in " ".join(lists["Mouse, arrows, Enter and Esc"])
    assert len(opened.locator("#pc-keys dt button").all()) == sum(map(len, lists.values())) - 9


def test_the_studies_keys_stand_by_task_after_the_same_list(study: Page) -> None:
    lists = held(study)
    assert list(lists) == [
        "Cases",
        "Your reading",
        "Film",
        "Window and contrast",
        "Maps",
        "Boxes and rulers",
        "Help",
        "Mouse, arrows, Enter and Esc",
    ]
    assert lists["Maps"][0] == "next map" and lists["Maps"][-1] == "hold: hide the map"
    assert "puts what is drawn into the middle" in lists["Mouse, arrows, Enter and Esc"]
