"""The header of the viewer: with every link that a server may have, its last button stays in the window."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

WINDOWS = [(1366, 768), (1920, 1080), (1200, 1920), (911, 512), (1280, 1024), (820, 1180), (800, 1280)]
PERSON = """(name) => {
  for (const id of ['insights', 'archive-search']) document.getElementById(`pc-${id}`).hidden = false;
  document.getElementById('pc-person').hidden = !name;
  document.getElementById('pc-person-name').textContent = name;
}"""
OUTSIDE = """() => [...document.querySelectorAll('#pc header :is(a, button, .notice, h1)')]
  .filter((item) => item.checkVisibility() && item.getBoundingClientRect().right > innerWidth)
  .map((item) => item.textContent)"""


@pytest.mark.parametrize("name", ["", "Dr Marguerite Example"])
def test_the_header_stays_in_the_window_whatever_the_server_has(opened: Page, name: str) -> None:
    opened.evaluate(PERSON, name)
    shown: dict[tuple[int, int], bool] = {}
    for width, height in WINDOWS:
        opened.set_viewport_size({"width": width, "height": height})
        assert opened.evaluate(OUTSIDE) == [], f"{width} x {height}"
        header = opened.locator("header").bounding_box()
        assert header is not None and header["height"] < 46, f"{width} x {height}"
        shown[width, height] = opened.locator("#pc-archive-search").is_visible()
        if name:
            expect(opened.locator("#pc-sign-out")).to_be_visible()
    assert shown[1366, 768] and shown[1920, 1080] and not shown[1200, 1920]
