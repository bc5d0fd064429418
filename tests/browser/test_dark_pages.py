"""The pages that Gradio makes, like the viewer: dark for whoever prefers light, and plain where they fail."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.serving import Server

PATIENCE = 60_000
PAINTED = """() => {
  const light = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number).reduce((a, b) => a + b) / 765;
  const painted = (item) => getComputedStyle(item).backgroundColor;
  const parts = 'body, .block, input:not([type=radio]), textarea, th, td, button.secondary';
  return [...document.querySelectorAll(parts)]
    .filter((item) => item.checkVisibility() && !/, 0\\)$/.test(painted(item)) && light(painted(item)) > 0.3)
    .map((item) => `${item.tagName}.${item.className} ${painted(item)}`);
}"""


@pytest.mark.parametrize(
    ("path", "there"), [("insights/", "Save consensus"), ("models/", "Refresh"), ("endpoints/", "")]
)
def test_pages_are_dark_for_whoever_prefers_light(page: Page, server: Server, path: str, there: str) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(server.url + path)
    if there:
        expect(page.get_by_role("button", name=there)).to_be_visible(timeout=PATIENCE)
    expect(page.locator("body")).to_have_css("background-color", "rgb(11, 13, 16)", timeout=PATIENCE)
    assert page.evaluate(PAINTED) == []
    # What is being fetched is drawn faint, and one answer may start the next: looked at until it is still.
    axe, since = pytest.importorskip("axe_playwright_python.sync_playwright").Axe(), time.monotonic()
    while (faint := faintly_written(axe, page)) and time.monotonic() - since < PATIENCE / 1000:
        page.wait_for_timeout(500)
    assert faint == []


def faintly_written(axe: Any, page: Page) -> list[str]:
    """What axe finds of too little contrast, 160 letters of each part's HTML."""
    violations = axe.run(page, options={"runOnly": ["color-contrast"]}).response["violations"]
    return [node["html"][:160] for item in violations for node in item["nodes"]]


def test_what_fails_is_said_once_in_its_sentence(page: Page, server: Server) -> None:
    page.goto(server.url + "models/")
    compare = page.get_by_role("button", name="Compare", exact=True)
    expect(compare).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("was not made from another model here")).to_be_visible(timeout=PATIENCE)
    compare.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("toast-text")).to_have_text(
        "Choose another model to compare with, under Compare with.", timeout=PATIENCE
    )
    expect(page.locator('[data-testid="status-tracker"] .error').first).to_be_hidden()
    assert page.get_by_text("Error", exact=True).locator("visible=true").count() <= 1  # the head of the note
