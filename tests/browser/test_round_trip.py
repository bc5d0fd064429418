"""The main job in a real browser: open, ask, look, draw, save, restart, find again."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from patchclip import Answer, Engine, load_radiograph
from tests.browser.drawn_chest import HEIGHT, SECRETS, WIDTH
from tests.browser.page_reader import BOX, ask, coloured, draw_box, lit, open_file, slide, until
from tests.browser.serving import Server, free_port


def witness(engine: Engine, path: Path, query: str) -> Answer:
    """The library's own answer, past the page."""
    return engine.query(engine.encode(load_radiograph(path)), [query])[0]


def short(probability: float) -> str:
    """.83 as the page writes it."""
    return f"{probability:.2f}".removeprefix("0")


def test_the_overlay_is_the_map_at_the_threshold_shown(opened: Page, dicom: Path, engine: Engine) -> None:
    open_file(opened, dicom)
    ask(opened, "pleural effusion")
    answer = witness(engine, dicom, "pleural effusion")
    expect(opened.locator("#pc-answers li .number")).to_have_text(short(answer.require_probability()))
    opened.locator("#pc-colours").select_option("viridis")  # inferno's low values are as dark as the film
    full = answer.map.upsample(HEIGHT, WIDTH)
    threshold = round(float(np.clip(np.percentile(full, 75), 0.01, 1.0)), 2)
    slide(opened, "threshold", threshold)
    slide(opened, "opacity", 1)
    expected = full >= threshold
    assert 0.02 < expected.mean() < 0.98
    seen = lit(opened)
    clear = np.abs(full - threshold) > 0.005  # the outline is one pixel wide and grey
    agreement = (seen == expected)[clear].mean()
    assert agreement > 0.97, agreement
    slide(opened, "opacity", 0)
    until(opened, lambda: coloured(opened).sum() == 0)
    slide(opened, "opacity", 0.6)
    until(opened, lambda: coloured(opened).sum() > 100)
    slide(opened, "threshold", 1)
    until(opened, lambda: coloured(opened).sum() == 0)
    highest = short(np.floor(answer.map.values.max() * 100) / 100)
    expect(opened.locator("#pc-caption")).to_have_text(
        f"pleural effusion: nothing above 1.00; highest {highest}"
    )
    slide(opened, "threshold", threshold)
    opened.locator('[data-view="image"]').click()
    until(opened, lambda: coloured(opened).sum() == 0)


def test_feedback_is_found_again_after_a_restart_and_nobody_is_named(
    page: Page, requests: list[str], troubles: list[str], dicom: Path, engine: Engine, tmp_path: Path
) -> None:
    database, query = tmp_path / "data" / "feedback.sqlite3", "no pneumothorax"
    answer = witness(engine, dicom, query)
    with Server(database, free_port()) as server:
        server.visit(page)
        open_file(page, dicom)
        expect(page.locator("#pc-studies li")).to_contain_text("PA")
        ask(page, f"pleural effusion; {query}")
        page.locator("#pc-answers li", has_text=query).click()
        expect(
            page.locator('#pc-answers li[aria-selected="true"] small:not(.warn, .standing)')
        ).to_contain_text("pneumothorax, negated")
        slide(page, "threshold", 0.35)
        draw_box(page)
        page.locator('[data-presence="present"]').click()
        page.locator('[data-location="partly"]').click()
        page.locator("#pc-comment").fill("Größe unklar; =1+1")
        page.locator("#pc-reader").fill("Reader One")
        page.locator("#pc-save").click()
        expect(page.locator("#pc-saved")).to_contain_text("saved, ")
        expect(page.locator("#pc-studies li")).to_contain_text("judged")
        printed = server.output
        page.goto("about:blank")  # else the server gives the page's stream a few seconds to end
    with Server(database, free_port()) as server:
        server.visit(page)
        expect(page.locator("#pc-studies li")).to_have_count(0)
        page.locator("#pc-reader").fill("Reader One")
        page.locator("#pc-history").click()
        row = page.locator("#pc-rows tr")
        expect(row).to_have_count(1)
        for text in (
            "Reader One",
            query,
            "present",
            "partly",
            "Größe unklar; =1+1",
            short(answer.require_probability()),
        ):
            expect(row).to_contain_text(text)
        with page.expect_download() as csv:
            page.locator("#pc-csv").click()
        with page.expect_download() as exported:
            page.locator("#pc-json").click()
        printed += server.output
        page.goto("about:blank")
    assert "Größe unklar" in csv.value.path().read_text(encoding="utf-8")
    feedback = json.loads(exported.value.path().read_text(encoding="utf-8"))["feedback"][0]
    assert feedback["boxes"][0] == pytest.approx(BOX, abs=1.5)
    assert feedback["parameters"]["display"]["threshold"] == 0.35
    with sqlite3.connect(database) as connection:
        stored = connection.execute(
            "SELECT p.image_sha256, p.image_height, p.image_width, p.model_sha256, p.query, p.finding, "
            "p.negated, p.probability, p.threshold, "
            "f.presence, f.location, f.comment, f.reader, b.x, b.y, b.w, b.h FROM box b "
            "JOIN feedback f ON f.id = b.feedback_id JOIN prediction p ON p.id = f.prediction_id"
        ).fetchall()
    assert len(stored) == 1
    sha, height, width, model, asked, finding, negated, probability, threshold, *said = stored[0]
    assert (sha, height, width) == (load_radiograph(dicom).sha256, HEIGHT, WIDTH)
    assert (model, asked, finding, negated) == (engine.sha256, query, "pneumothorax", 1)
    assert probability == pytest.approx(answer.probability, abs=1e-4)
    assert threshold == answer.threshold
    assert said[:4] == ["present", "partly", "Größe unklar; =1+1", "Reader One"]
    assert said[4:] == pytest.approx(BOX, abs=1.5)
    kept = b"".join(path.read_bytes() for path in database.parent.glob("feedback.sqlite3*"))
    for secret in SECRETS:
        assert secret.encode() not in kept, secret
        assert secret not in printed, secret
    assert not [url for url in requests if any(secret in url for secret in SECRETS)]


def test_compare_shows_both_maps_under_one_curtain(opened: Page, dicom: Path, engine: Engine) -> None:
    open_file(opened, dicom)
    ask(opened, "cardiomegaly")
    opened.locator('[data-view="compare"]').click()
    expect(opened.locator("#pc-tag-right")).to_contain_text("Grad-CAM, relative, no probability: ")
    slide(opened, "opacity", 1)
    slide(opened, "threshold", 0.3)
    opened.locator("#pc-matched").uncheck()
    opened.locator("#pc-tags input").nth(1).fill("0.3")
    encoded = engine.encode(load_radiograph(dicom))
    shown = {
        0.0: engine.saliency(encoded, "cardiomegaly", "grad_cam").upsample(HEIGHT, WIDTH),
        1.0: engine.query(encoded, ["cardiomegaly"])[0].map.upsample(HEIGHT, WIDTH),
    }
    for curtain, values in shown.items():
        slide(opened, "curtain", curtain)
        clear = np.abs(values - 0.3) > 0.01
        clear[:, :12] = clear[:, -12:] = False  # the curtain's handle
        assert (lit(opened) == (values >= 0.3))[clear].mean() > 0.97, curtain
