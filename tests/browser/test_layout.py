"""The layout: a large film, Save in sight, nothing cut off on any screen at any zoom, for every reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FloatRect, Page, expect

from tests.browser.page_reader import ask, open_file
from tests.browser.serving import Server
from tests.browser.test_page import CLIPPED, TWENTY
from tests.browser.test_page import COVERED as COVERED_OR_SCROLLED

SCREENS = [(1366, 768), (1920, 1080), (2560, 1440), (1200, 1920), (820, 1180)]
ZOOMS = [1, 1.25, 1.5, 1.75, 2]
LEAST_SHARE = 0.6  # of the window, for the film
COVERED = COVERED_OR_SCROLLED.replace(
    "dialog,", "dialog, .reading > :not(:has(#pc-save)),"
)  # the form scrolls
SPILLED = """() => [...document.querySelectorAll('#pc :is(button, h1, h2, .notice)')].filter((item) => {
  if (item.closest('dialog, .chips, .list') || !item.offsetParent) return false;
  if (item.clientWidth <= 1) return false; // for screen readers alone
  return item.scrollWidth > item.clientWidth + 1 && getComputedStyle(item).textOverflow !== 'ellipsis';
}).map((item) => item.id || item.textContent)"""
RINGS = """() => [...document.querySelectorAll(
    '#pc :is(button, select, textarea, input:not([type=file]), li[tabindex="0"], canvas[tabindex])'
  )].filter((item) => {
  if (item.closest('dialog') || !item.checkVisibility({ visibilityProperty: true })) return false;
  item.focus();
  if (document.activeElement !== item) return false;
  const style = getComputedStyle(item);
  const reach = parseFloat(style.outlineWidth) + parseFloat(style.outlineOffset);
  const box = item.getBoundingClientRect();
  for (let around = item.parentElement; around && around.id !== 'pc'; around = around.parentElement) {
    const { overflowX, overflowY } = getComputedStyle(around);
    const edge = around.getBoundingClientRect();
    const beside = box.left - reach < edge.left - .5 || box.right + reach > edge.right + .5;
    const above = box.top - reach < edge.top - .5 || box.bottom + reach > edge.bottom + .5;
    if ((overflowX !== 'visible' && beside) || (overflowY === 'hidden' && above)) return true;
  }
  return reach <= 0 && parseFloat(style.outlineOffset) >= 0;
}).map((item) => item.id || item.textContent || item.outerHTML)"""

STOPS = """() => [...document.querySelectorAll('#pc :is(button, input, select, textarea)')].filter((item) =>
  item.id && !item.disabled && item.tabIndex >= 0 && !item.closest('dialog') &&
  item.checkVisibility({ visibilityProperty: true })
).map((item) => item.id)"""
CUT_NAMES = """() => [...document.querySelectorAll('#pc-answers .name')].filter((name) =>
  name.scrollWidth > name.clientWidth + 1 || name.scrollHeight > name.clientHeight + 1
).map((name) => name.textContent)"""


def on_screen(page: Page, screen: tuple[int, int], zoom: float) -> tuple[int, int]:
    """Makes the window as large as that screen is for a browser at that zoom, in CSS pixels."""
    width, height = round(screen[0] / zoom), round(screen[1] / zoom)
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(100)
    return width, height


def box(page: Page, selector: str) -> FloatRect:
    """Where something lies."""
    found = page.locator(selector).bounding_box()
    assert found is not None, f"{selector} is out of sight"
    return found


@pytest.mark.parametrize("screen", SCREENS)
def test_the_film_is_large_and_save_in_sight(opened: Page, dicom: Path, screen: tuple[int, int]) -> None:
    open_file(opened, dicom)
    ask(opened, TWENTY)
    opened.keyboard.press("Escape")
    for zoom in ZOOMS:
        width, height = on_screen(opened, screen, zoom)
        stage, save = box(opened, "#pc-stage"), box(opened, "#pc-save")
        share = stage["width"] * stage["height"] / (width * height)
        assert share >= LEAST_SHARE, f"{share:.3f} of {width} x {height}"
        assert save["y"] + save["height"] <= height and save["x"] + save["width"] <= width
        assert opened.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        ) == [
            width,
            height,
        ]
        assert opened.evaluate(COVERED) == [], f"{width} x {height}"
        assert opened.evaluate(CLIPPED) == [] and opened.evaluate(SPILLED) == [], f"{width} x {height}"
        expect(opened.locator("header .notice")).to_be_visible()
        assert box(opened, "#pc-query")["height"] > 0 and box(opened, "#pc-answers")["height"] > 20


def test_tab_comes_by_every_control_and_is_held_by_none(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "pleural effusion")
    wanted = set(opened.evaluate(STOPS))
    assert {"pc-width", "pc-threshold", "pc-save"} <= wanted
    opened.evaluate("document.activeElement.blur()")
    reached: list[str] = []
    for _ in range(2 * len(wanted) + 60):
        opened.keyboard.press("Tab")
        reached.append(opened.evaluate("document.activeElement.id"))
    assert wanted - set(reached) == set()


def test_names_of_answers_are_whole_and_the_form_scrolls_one_way(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "left pleural effusion; no pneumothorax; cardiomegaly")
    for screen in SCREENS:
        for zoom in (1, 1.5, 2):
            on_screen(opened, screen, zoom)
            assert opened.evaluate(CUT_NAMES) == [], f"{screen} at {zoom}"
            form = opened.locator(".reading")
            assert form.evaluate("(form) => form.scrollWidth - form.clientWidth") == 0, f"{screen} at {zoom}"


def test_type_grows_with_the_screen(opened: Page) -> None:
    sizes = []
    for screen in SCREENS[:3]:
        on_screen(opened, screen, 1)
        sizes.append(
            float(opened.evaluate("parseFloat(getComputedStyle(document.querySelector('#pc')).fontSize)"))
        )
    assert 13.5 <= sizes[0] < sizes[1] < sizes[2] and sizes[2] >= 18
    small = opened.evaluate(
        "[...document.querySelectorAll('#pc *')].filter((item) => item.offsetParent && item.innerText"
        " && parseFloat(getComputedStyle(item).fontSize) < 14).map((item) => item.outerHTML)"
    )
    assert small == []  # at 2560 x 1440


def test_studies_lie_over_the_film_where_there_is_no_room_beside_it(opened: Page, dicom: Path) -> None:
    on_screen(opened, SCREENS[0], 2)
    expect(opened.locator("#pc-examples")).to_be_visible()  # nothing is open yet
    on_screen(opened, SCREENS[0], 1)
    open_file(opened, dicom)
    on_screen(opened, SCREENS[0], 2)
    expect(opened.locator("#pc-examples")).to_be_hidden()
    expect(opened.locator("#pc-panel")).to_have_attribute("aria-expanded", "false")
    opened.locator("#pc-panel").click()
    expect(opened.locator("#pc-examples")).to_be_visible()
    expect(opened.locator("#pc-panel")).to_have_attribute("aria-expanded", "true")


def test_tools_that_do_not_fit_are_one_press_away(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    on_screen(opened, SCREENS[0], 2)
    expect(opened.locator("#pc-reset")).to_be_hidden()
    opened.locator("#pc-more").click()
    expect(opened.locator("#pc-more")).to_have_attribute("aria-expanded", "true")
    opened.locator("#pc-reset").click()
    opened.locator("#pc-more").click()
    expect(opened.locator("#pc-reset")).to_be_hidden()


def test_every_selection_comes_into_sight_and_takes_the_focus_along(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, TWENTY)
    opened.locator("#pc-answers li").first.click()
    opened.locator("#pc-answers li").first.focus()
    for _ in range(14):
        opened.keyboard.press("n")
        chosen = opened.locator("#pc-answers [aria-selected=true]")
        expect(chosen).to_be_focused()
        item, panel = box(opened, "#pc-answers [aria-selected=true]"), box(opened, "#pc-answers")
        assert item["y"] >= panel["y"] - 1
        assert (
            min(item["y"] + item["height"], item["y"] + panel["height"]) <= panel["y"] + panel["height"] + 1
        )


@pytest.mark.parametrize("zoom", [1, 2])
def test_focus_rings_are_whole(opened: Page, dicom: Path, zoom: float) -> None:
    open_file(opened, dicom)
    ask(opened, "mass; nodule")
    on_screen(opened, SCREENS[0], zoom)
    opened.keyboard.press("Tab")  # rings are for those who work by keys
    assert opened.evaluate(RINGS) == []


def test_colours_of_the_system_keep_every_state(
    browser: Browser, browser_context_args: dict[str, Any], server: Server, dicom: Path
) -> None:
    context = browser.new_context(**browser_context_args, forced_colors="active")
    page = server.visit(context.new_page())
    open_file(page, dicom)
    ask(page, "mass; nodule")
    page.locator("[data-presence=present]").click()
    page.locator("#pc-draw").click()

    def colours(selector: str) -> list[str]:
        return list(
            page.evaluate(
                "(name) => { const s = getComputedStyle(document.querySelector('#pc ' + name));"
                " return [s.backgroundColor, s.color]; }",
                selector,
            )
        )

    for chosen, other in (
        ("[data-presence=present]", "[data-presence=absent]"),
        ("[data-view=map]", "[data-view=image]"),
        ("#pc-answers [aria-selected=true]", "#pc-answers [aria-selected=false]"),
        ("#pc-studies [aria-current=true]", "#pc-examples button"),
        ("#pc-draw", "#pc-undo"),
    ):
        assert colours(chosen) != colours(other), chosen
    bar, filled, tick = (colours("#pc-answers .bar" + part)[0] for part in ("", " i", " .tick"))
    assert len({bar, filled, tick}) == 3
    context.close()


def test_the_page_has_names_for_what_it_has(opened: Page, dicom: Path) -> None:
    expect(opened.get_by_role("heading", level=1)).to_have_text("Patch-CLIP")
    for name in ("Studies", "Questions and reading"):
        expect(opened.get_by_role("complementary", name=name)).to_have_count(1)
    expect(opened.get_by_role("main", name="Radiograph")).to_have_count(1)
    film = opened.locator("#pc-canvas")
    expect(film).to_have_attribute("aria-label", "No radiograph is open")
    open_file(opened, dicom)
    ask(opened, "mass")
    label = film.get_attribute("aria-label") or ""
    assert "PA" in label and "asked for mass" in label
    assert (opened.locator("#pc-caption").text_content() or "-") in label


def test_a_file_that_cannot_be_opened_is_said_though_the_studies_are_folded(
    opened: Page, dicom: Path, tmp_path: Path
) -> None:
    open_file(opened, dicom)
    on_screen(opened, SCREENS[0], 1.5)
    opened.locator("#pc-query").click()
    expect(opened.locator("#pc-studies")).to_be_hidden()
    text = tmp_path / "text.png"
    text.write_text("no picture")
    opened.locator("#pc-file").set_input_files(text)
    expect(opened.locator("#pc-open-error")).to_be_visible()
    expect(opened.locator("#pc-open-error")).to_be_in_viewport()
    expect(opened.locator("#pc-open-error")).to_contain_text("export the radiograph")


def test_axe_finds_no_violation(opened: Page, dicom: Path) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )

    def violations() -> list[str]:
        results = axe.Axe().run(opened)
        return [f"{item['id']}: {item['nodes'][0]['html'][:120]}" for item in results.response["violations"]]

    assert violations() == []
    open_file(opened, dicom)
    ask(opened, "mass; no pneumothorax; fractured femur")
    assert violations() == []
    opened.locator("#pc-answers li").first.click()
    opened.locator("[data-presence=present]").click()
    opened.locator("#pc-save").click()
    assert violations() == []
    for button in ("#pc-help", "#pc-results", "#pc-history"):
        opened.locator(button).click()
        assert violations() == [], button
        opened.keyboard.press("Escape")
    for zoom in (1.5, 2):
        on_screen(opened, SCREENS[0], zoom)
        assert violations() == []


@pytest.mark.parametrize("size", [(683, 384), (600, 960), (410, 590)])
def test_films_side_by_side_are_reached_in_small_windows(
    opened: Page, dicom: Path, size: tuple[int, int]
) -> None:
    open_file(opened, dicom)
    opened.set_viewport_size({"width": size[0], "height": size[1]})
    for count in ("4", "2", "1"):
        opened.locator(f"[data-panes='{count}']").click()
        expect(opened.locator(".pane:visible")).to_have_count(int(count) - 1)
