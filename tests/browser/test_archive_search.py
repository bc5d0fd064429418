"""The archive search in a real browser, under the strict policy: hits, their stored maps, the viewer."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from patchclip.__main__ import main
from tests.batch.archives import films
from tests.browser.serving import Server, free_port
from tests.tiny import tiny_checkpoint

PATIENCE = 60_000
RING = """() => {
  const field = document.activeElement;
  const style = getComputedStyle(field.closest('.wrap:has(> .wrap-inner)') || field);
  return [style.outlineStyle, style.outlineWidth];
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Searches three films, of which one is gone since the batch."""
    folder = tmp_path_factory.mktemp("archive")
    checkpoint = tiny_checkpoint(folder / "model")
    places = films(folder / "films", 3)
    (folder / "queries.txt").write_text("pleural effusion")
    flags = ["--queries", str(folder / "queries.txt"), "--out", str(folder / "out")]
    assert main(["batch", str(folder / "films"), *flags, "--checkpoint", str(checkpoint)]) == 0
    (folder / "films" / places[1]).unlink()
    environment = {
        "PATCHCLIP_CHECKPOINT": str(checkpoint),
        "PATCHCLIP_SEARCH_FOLDER": str(folder / "out"),
        "PATCHCLIP_SEARCH_FILMS": str(folder / "films"),
    }
    with Server(folder / "feedback.sqlite3", free_port(), environment) as running:
        yield running


def test_a_hit_opens_in_the_viewer_and_one_without_its_film_shows_what_is_stored(
    page: Page, server: Server, requests: list[str], troubles: list[str]
) -> None:
    page.goto(server.url + "archive-search/")
    for selector in ("#search-text textarea", "input[role=listbox], input[role=combobox]"):
        page.locator(selector).first.focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        assert page.evaluate(RING) == ["solid", "2px"]
    page.locator("#search-text textarea, #search-text input").first.fill("telephone")
    page.locator("#search-go").click()
    expect(page.get_by_text("far from what this model has learnt").first).to_be_visible(timeout=PATIENCE)

    page.locator("#search-text textarea, #search-text input").first.fill("pneumothorax, left, large")
    page.locator("#search-go").click()
    expect(page.locator("#search-note")).to_contain_text("3 of 3 images scanned", timeout=PATIENCE)
    expect(page.locator("#search-note")).to_contain_text('measures no size: for "large"')
    expect(page.locator("#search-hits")).to_contain_text("pneumothorax")
    expect(page.locator("#search-plot .js-plotly-plot")).to_be_visible(timeout=PATIENCE)
    words, without, link = page.locator("#search-words"), 0, None
    for number in (1, 2, 3):
        page.locator("#search-number input").fill(str(number))
        expect(words).to_contain_text("96 x 96 pixels", timeout=PATIENCE)
        page.wait_for_timeout(1500)
        if words.get_by_role("link").count():
            link = words.get_by_role("link").get_attribute("href")
        else:
            expect(words).to_contain_text("not within reach of the server")
            without += 1
    page.locator("#search-hits").get_by_test_id("cell-1-2").click()
    expect(page.locator("#search-number input")).to_have_value("2", timeout=PATIENCE)
    page.get_by_label("View").fill("XX")
    page.get_by_label("View").press("Enter")  # any field searches
    expect(words).to_contain_text("No image fits", timeout=PATIENCE)
    assert without == 1 and link is not None and "png" not in link

    page.goto(server.url)
    expect(page.locator("#pc-archive-search")).to_be_visible(timeout=PATIENCE)
    page.goto(server.url + "insights/")
    page.get_by_role("link", name="Archive search").click()
    expect(page.locator("#search-go")).to_be_visible(timeout=PATIENCE)
    for other in ("study", "accounts"):
        page.goto(server.url + other)
        page.get_by_role("link", name=re.compile("^archive search$", re.IGNORECASE)).click()
        expect(page).to_have_url(server.url + "archive-search/")
        expect(page.locator("#search-go")).to_be_visible(timeout=PATIENCE)
    viewer = page.context.new_page()
    viewer.goto(server.url.rstrip("/") + link[link.index("/#hit=") :])
    expect(viewer.locator("#pc-studies li")).to_have_count(1, timeout=PATIENCE)
    assert "#hit" not in viewer.url
    # What was looked for is asked of the film.
    expect(viewer.locator("#pc-answers .name").first).to_contain_text("pneumothorax", timeout=PATIENCE)
    viewer.close()
