"""A study in the browser: making it, and reading it by keys alone, as `study_plan` has it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.page_reader import begin_box, end_box
from tests.browser.study_plan import CASES, FINDINGS, PLANS, READERS, Opinion, boxed

KEYS = {"present": "1", "absent": "2", "unsure": "3"}
VERDICT_KEYS = {"correct": "4", "partly": "5", "wrong": "6"}
PICTURES = os.environ.get("PATCHCLIP_PICTURES")
WIDTH, HEIGHT = 1366, 768
PATIENCE = 120_000
NAME = "Effusion and heart"
_drawn: set[str] = set()


def entered(stack: ExitStack, browser: Browser, link: str) -> Page:
    """A browser of their own, signed in by a personal link."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, accept_downloads=True)
    page = stack.enter_context(context).new_page()
    page.goto(link)
    page.locator("#link-form button").click()
    page.wait_for_selector('#pc[data-ready="true"]')
    return page


def create(page: Page) -> None:
    """An administrator makes the study on the page, with its truth."""
    page.locator("#pc-new").click()
    page.locator("#pc-new-name").fill(NAME)
    page.locator("#pc-new-folder").select_option("chest")
    page.locator("#pc-new-truth").select_option("chest/truth.csv")
    page.locator("#pc-new-boxes-table").select_option("chest/boxes.csv")
    page.locator("#pc-new-readers").fill(", ".join(READERS))
    page.locator("#pc-new-findings").fill("\n".join(FINDINGS))
    picture(page, "new-study")
    page.locator("#pc-new-form [type=submit]").click()
    making = page.locator("#pc-creations")
    expect(making).to_contain_text(f"Made, with {CASES} cases.", timeout=PATIENCE)
    expect(making).to_contain_text(f"File {CASES + 2}: ")  # after boxes.csv and the films, by name
    expect(making).not_to_contain_text("notes")
    picture(page, "made")


def begin(page: Page) -> None:
    """A reader finds the study in their list."""
    page.reload()
    page.wait_for_selector('#pc[data-ready="true"]')
    expect(page.locator("#pc-cards .card")).to_contain_text(f"0 of {CASES} read")
    page.keyboard.press("Enter")


def read(page: Page, reader: str) -> None:
    """Both opinions of the case on screen, by keys alone but for a box, which is dragged."""
    said = PLANS[reader]
    expect(page.locator("#pc-opinion")).to_contain_text("First opinion", timeout=PATIENCE)
    expect(page.locator("#pc-busy")).to_be_hidden(timeout=PATIENCE)
    case = int(page.locator("#pc-case").inner_text().removeprefix("Case "))
    expect(page.locator("#pc-map-tools")).to_be_hidden()
    give(page, {finding: said[case, finding, "first"] for finding in FINDINGS})
    if case == boxed(reader)[0]:
        for _ in range(FINDINGS.index(boxed(reader)[1])):
            page.keyboard.press("n")
        begin_box(page)
        end_box(page)
        page.keyboard.press("Escape")
        expect(page.locator("#pc-boxes")).to_contain_text("1 box")
    picture(page, "first-opinion")
    page.keyboard.press("Enter")
    expect(page.locator("#pc-caption")).to_contain_text("map A", timeout=PATIENCE)
    give(page, {finding: said[case, finding, "second"] for finding in FINDINGS})
    picture(page, "second-opinion")
    page.keyboard.press("Enter")
    # The next case, or none.
    finished = page.locator("#pc-empty:not([hidden]), #pc-opinion:text('First opinion')")
    expect(finished.first).to_be_visible(timeout=PATIENCE)


def give(page: Page, said: Mapping[str, Opinion]) -> None:
    """Says of each finding what is to be said, by keys."""
    for opinion in said.values():
        now = page.locator(".line[aria-current=true] [aria-checked=true]")
        if not now.count() or now.get_attribute("data-presence") != opinion.presence:
            page.keyboard.press(KEYS[opinion.presence])
        if opinion.presence != "unsure":
            page.keyboard.press("9")
            for _ in range(0 if opinion.confidence is None else 1 + (opinion.confidence - 50) // 10):
                page.keyboard.press("8")
        for letter, verdict in zip("AB", opinion.verdicts or (), strict=False):
            page.keyboard.press(letter)
            page.keyboard.press(VERDICT_KEYS[verdict])
        page.keyboard.press("n")


def picture(page: Page, name: str) -> None:
    """A picture for the README, where one is wanted and not drawn yet in this run."""
    if not PICTURES or name in _drawn:
        return
    _drawn.add(name)
    Path(PICTURES).mkdir(parents=True, exist_ok=True)
    page.wait_for_timeout(300)
    page.screenshot(path=Path(PICTURES) / f"{name}.jpg", type="jpeg", quality=82)
