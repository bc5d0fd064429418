"""Whole texts on the page: an answer and a map for each finding, words, outlines, untested likeness."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from patchclip import Engine, load_radiograph
from tests.browser.drawn_chest import HEIGHT, WIDTH
from tests.browser.page_reader import ask, canvas, coloured, fit, lit, open_file, slide, until
from tests.browser.scripts import empty_page
from tests.browser.serving import Server

SENTENCE = "no focal consolidation, effusion or pneumothorax"
REPORT = """FINDINGS:
There is a small left plueral effusion, unchanged.
Possible pneumonia. Previous rib fracture. Banana.
IMPRESSION: No pneumothorax."""


def heads(page: Page) -> list[str]:
    """The names of the answers, in order."""
    return page.locator("#pc-answers .name").all_inner_texts()


def test_a_sentence_that_denies_three_findings_gets_three_answers_with_one_map_each(
    opened: Page, dicom: Path, engine: Engine
) -> None:
    """Names, assertions and numbers in the list; on the canvas each answer's own map, as the library's."""
    open_file(opened, dicom)
    ask(opened, SENTENCE)
    assert heads(opened) == ["no consolidation", "no pleural effusion", "no pneumothorax"]
    assert opened.locator("#pc-answers .tag").all_inner_texts() == ["1", "2", "3"]
    assert len(set(opened.locator("#pc-answers .tag").evaluate_all(COLOUR))) == 3
    expect(opened.locator("#pc-answers li small", has_text="negated")).to_have_count(3)
    encoded = engine.encode(load_radiograph(dicom))
    answers = engine.query(encoded, [SENTENCE])
    assert [answer.assertion for answer in answers] == ["absent"] * 3
    opened.locator("#pc-colours").select_option("viridis")  # inferno's low values are as dark as the film
    slide(opened, "opacity", 1)
    seen = []
    for place, answer in enumerate(answers):
        opened.locator("#pc-answers li").nth(place).click()
        shown = answer.map.upsample(HEIGHT, WIDTH)
        threshold = round(float(np.clip(np.percentile(shown, 80), 0.01, 1)), 2)
        slide(opened, "threshold", threshold)
        expected = shown >= threshold
        assert 0.01 < expected.mean() < 0.99
        seen.append(lit(opened))
        clear = np.abs(shown - threshold) > 0.005
        # Fragments too small for a region are not painted.
        assert (seen[-1] == expected)[clear].mean() > 0.95, answer.finding
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert (seen[one] != seen[other]).mean() > 0.02
    opened.locator("#pc-answers li").nth(0).click()
    opened.locator("#pc-canvas").focus()
    opened.keyboard.press("n")
    expect(opened.locator("#pc-answers li").nth(1)).to_have_attribute("aria-selected", "true")


COLOUR = "items => items.map(item => getComputedStyle(item).borderTopColor)"


def test_the_place_that_limits_an_answer_is_a_dashed_line_on_the_film(
    opened: Page, dicom: Path, engine: Engine
) -> None:
    open_file(opened, dicom)
    plain = canvas(opened)
    ask(opened, "left pleural effusion")
    slide(opened, "threshold", 1)
    opened.locator("#pc-threshold").blur()  # its focus ring would be on the screen
    expect(opened.locator("#pc-caption")).to_contain_text("dashed: left")
    changed = (canvas(opened) != plain).any(axis=2)
    answer = engine.query(engine.encode(load_radiograph(dicom)), ["left pleural effusion"])[0]
    assert answer.place_patches is not None
    edges, inner = edges_of(opened, answer.place_patches, answer.map.extent, changed.shape)
    # A dashed line is somewhat blurred, and both its tones may be the film's.
    assert changed[inner].mean() > 0.2
    assert not changed[cv2.dilate(edges.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0].any()
    opened.locator("[data-view=image]").click()
    opened.locator("[data-view=image]").blur()
    until(opened, lambda: not (canvas(opened) != plain).any())


def edges_of(
    page: Page, patches: np.ndarray, extent: tuple[float, ...], shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """bool [h, w] of the canvas: the edges of a place, and those of them between two patches."""
    box, place = page.locator("#pc-canvas").bounding_box(), fit(page)
    assert box is not None
    left, top, right, bottom = extent
    rows, columns = patches.shape
    x = [place.point(left + (right - left) * k / columns, 0)[0] - box["x"] for k in range(columns + 1)]
    y = [place.point(0, top + (bottom - top) * k / rows)[1] - box["y"] for k in range(rows + 1)]
    edges, inner = np.zeros(shape, bool), np.zeros(shape, bool)
    padded = np.pad(patches, 1)
    for turned, across, along in ((False, x, y), (True, y, x)):
        grid = padded.T if turned else padded
        for line, start in np.argwhere(grid[1:-1, 1:] != grid[1:-1, :-1]):
            at, span = round(across[start]), slice(max(0, round(along[line])), max(0, round(along[line + 1])))
            place_of = slice(max(0, at - 1), at + 1)
            for mask in [edges, inner] if 0 < start < len(across) - 1 else [edges]:
                (mask.T if turned else mask)[span, place_of] = True
    return edges, inner


def test_the_outlines_of_all_answers_are_shown_on_request(opened: Page, dicom: Path, engine: Engine) -> None:
    open_file(opened, dicom)
    ask(opened, "cardiomegaly; pleural effusion")
    answers = engine.query(engine.encode(load_radiograph(dicom)), ["cardiomegaly; pleural effusion"])
    slide(opened, "threshold", round(0.6 * min(float(answer.map.values.max()) for answer in answers), 2))
    one = canvas(opened)
    opened.locator("#pc-canvas").focus()
    opened.keyboard.press("a")
    expect(opened.locator("#pc-all")).to_be_checked()
    both = canvas(opened)
    for colour in ((230, 159, 0), (86, 180, 233)):  # of the first answer and of the second
        alike = [np.abs(picture.astype(int) - colour).max(axis=2) < 25 for picture in (one, both)]
        assert alike[1].sum() > alike[0].sum() + 40, colour
    opened.locator("#pc-all").click()
    until(opened, lambda: (canvas(opened) == one).all())


def test_a_report_is_shown_with_what_became_of_each_word(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, REPORT)
    assert heads(opened) == [
        "change in pleural effusion, left",
        "possible pneumonia",
        "previous rib fracture",
        "no pneumothorax",
    ]
    echo = opened.locator("#pc-echo")
    expect(echo).to_be_in_viewport()
    expect(echo).to_contain_text("plueral → pleural")
    expect(echo).to_contain_text("unchanged (a change)")
    expect(echo).to_contain_text("Possible pneumonia (uncertain)")
    expect(echo).to_contain_text("Previous rib fracture (in the past)")
    expect(echo.locator("s", has_text="Banana")).to_have_css("text-decoration-line", "line-through")
    assert "effusion" in echo.locator(".used").all_inner_texts()
    words = echo.evaluate(WITHOUT_REMARKS)
    assert words == REPORT
    expect(opened.locator("#pc-query")).to_have_value(REPORT)
    selected = opened.locator("#pc-answers li[aria-selected=true] .warn")
    for place, sentence in enumerate(("A change", "How sure somebody is", "The past")):
        opened.locator("#pc-answers li").nth(place).click()
        expect(selected.filter(has_text=sentence)).to_have_count(1)


WITHOUT_REMARKS = """echo => {
  const copy = echo.cloneNode(true);
  for (const remark of copy.querySelectorAll("em, .spoken")) remark.remove();
  for (const word of copy.querySelectorAll(".corrected"))
    for (let k = 0; k < 2; k++) word.nextSibling.remove();
  return copy.textContent;
}"""


def test_lines_are_typed_with_shift_and_nothing_of_a_text_is_lost(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    field = opened.locator("#pc-query")
    field.focus()
    opened.keyboard.type("mass")
    opened.keyboard.press("Shift+Enter")
    opened.keyboard.type("нет pneumothorax")
    expect(opened.locator("#pc-answers")).to_be_hidden()
    with opened.expect_response(lambda response: response.url.endswith("/api/ask")):
        opened.keyboard.press("Enter")
    expect(opened.locator("#pc-answers li")).to_have_count(1)
    assert heads(opened) == ["mass"]
    expect(opened.locator("#pc-ask-error")).to_contain_text("Not read: “нет pneumothorax”.")
    expect(field).to_have_value("mass\nнет pneumothorax")


def test_untested_likeness_is_grey_says_so_and_is_stored_nowhere(
    opened: Page, dicom: Path, engine: Engine, server: Server
) -> None:
    open_file(opened, dicom)
    ask(opened, "fractured femur")
    plain = canvas(opened)
    expect(opened.locator("#pc-anyway")).to_contain_text("untested, no probability")
    opened.locator("#pc-canvas").focus()
    with opened.expect_response(lambda response: response.url.endswith("/api/explore")):
        opened.keyboard.press("e")
    expect(opened.locator("#pc-caption")).to_contain_text("untested: likeness to “fractured femur”")
    expect(opened.locator("#pc-caption")).to_contain_text("no probability")
    expect(opened.locator("#pc-answers .number")).to_have_text("–")
    expect(opened.locator("#pc-legend")).to_be_hidden()
    opened.locator("#pc-canvas").blur()  # its focus ring has a colour
    hatched = canvas(opened)
    assert (hatched != plain).any(axis=2).mean() > 0.1
    until(opened, lambda: coloured(opened).sum() == 0)
    similarity = engine.explore(engine.encode(load_radiograph(dicom)), "fractured femur").similarity
    expect(opened.locator("#pc-caption")).to_contain_text(f"{similarity.values.max():.2f}")
    opened.locator("#pc-reader").fill("explorer")
    opened.locator('[data-presence="present"]').click()
    opened.locator("#pc-save").click()
    expect(opened.locator("#pc-save-error")).to_contain_text("no prediction to judge")
    with sqlite3.connect(server.database) as connection:
        assert connection.execute(
            "SELECT count(*) FROM prediction WHERE finding LIKE '%femur%'"
        ).fetchone() == (0,)
    opened.locator("#pc-explore").click()
    until(opened, lambda: (canvas(opened) == plain).all())
    ask(opened, "mass")
    expect(opened.locator("#pc-anyway")).to_be_hidden()


HATCH = """async () => {
  const { hatch } = await import("/hatch.js");
  const values = [[-0.2, -0.1, 0, 0.1, 0.2]];
  const picture = hatch({ values, extent: [0, 0, 500, 100], low: -0.2, high: 0.2 }, [100, 500], 1);
  const data = picture.getContext("2d").getImageData(0, 0, 500, 100).data;
  return values[0].map((_, patch) => {
    let grey = 0;
    for (let y = 0; y < 100; y++)
      for (let x = 100 * patch + 45; x < 100 * patch + 55; x++) grey += data[4 * (500 * y + x)] > 100;
    return grey / 1000;
  });
}"""


def test_the_more_alike_the_wider_the_hatching(page: Page) -> None:
    """Nothing at the lowest value, under two thirds at the highest, in proportion between them."""
    shares = empty_page(page).evaluate(HATCH)
    assert shares == sorted(shares)
    assert shares[0] < 0.05 and shares[-1] == pytest.approx(0.62, abs=0.06)
    assert shares[2] == pytest.approx(0.31, abs=0.06)


def test_words_of_another_language_are_not_compared(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "Fraktur am Bein")
    opened.locator("#pc-explore").click()
    expect(opened.locator("#pc-explore-error")).to_contain_text("not in English")
    expect(opened.locator("#pc-explore")).to_have_text("show it anyway")
