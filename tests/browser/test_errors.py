"""Every error reaches the reader as a sentence beside its cause, and what was typed and drawn stays."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.page_reader import ask, coloured, open_file, slide, until
from tests.browser.serving import Server
from tests.browser.test_round_trip import draw_box

# Sends a body past the page's own check, with a token as the page has one.
SEND = """async (body) => {
  const window = (await (await fetch("api/window", { method: "POST" })).json()).window;
  const headers = { "x-patch-clip-window": window };
  const response = await fetch("api/open_upload", { method: "POST", headers, body });
  return { status: response.status, ...(await response.json()) };
}"""


def upload_error(page: Page, path: Path) -> str:
    """Opens a file that cannot be opened; returns what is said."""
    open_file(page, path)
    expect(page.locator("#pc-open-error")).to_be_visible()
    return page.locator("#pc-open-error").inner_text()


def test_a_text_file_is_refused_and_the_study_on_screen_stays(
    opened: Page, dicom: Path, tmp_path: Path
) -> None:
    open_file(opened, dicom)
    (tmp_path / "Mustermann_report.txt").write_text("the heart is of normal size", encoding="utf-8")
    said = upload_error(opened, tmp_path / "Mustermann_report.txt")
    assert "DICOM" in said
    assert "PNG" in said
    assert "Mustermann" not in said
    expect(opened.locator("#pc-studies li")).to_have_count(1)


def test_a_dicom_that_was_cut_short_is_refused_with_advice(opened: Page, dicom: Path) -> None:
    dicom.write_bytes(dicom.read_bytes()[:5000])
    assert "export it again" in upload_error(opened, dicom)
    expect(opened.locator("#pc-empty")).to_be_visible()


def test_a_file_above_the_limit_is_refused_by_page_and_server(opened: Page, tmp_path: Path) -> None:
    big = tmp_path / "big.png"
    big.write_bytes(b"\x89PNG" + bytes(1_500_000))
    assert "the limit is 1 MB" in upload_error(opened, big)
    reply = opened.evaluate(SEND, bytes(1_500_000).decode("latin-1"))
    assert reply["status"] == 413
    assert "larger than 1 MB" in reply["error"]


@pytest.mark.parametrize(("text", "words"), [("", "empty"), ("x" * 6000, "6000 characters")])
def test_a_query_that_cannot_be_answered_stays_in_its_box(
    opened: Page, dicom: Path, text: str, words: str
) -> None:
    open_file(opened, dicom)
    ask(opened, text)
    expect(opened.locator("#pc-ask-error")).to_contain_text(words)
    expect(opened.locator("#pc-query")).to_have_value(text)
    ask(opened, "mass")
    expect(opened.locator("#pc-ask-error")).to_be_hidden()
    expect(opened.locator("#pc-answers li")).to_have_count(1)


def test_asking_before_opening_says_what_to_do(opened: Page) -> None:
    opened.locator("#pc-query").fill("mass")
    opened.locator("#pc-run").click()
    expect(opened.locator("#pc-ask-error")).to_contain_text("open a file or one of the examples")
    expect(opened.locator("#pc-query")).to_have_value("mass")


def test_what_is_out_of_vocabulary_has_neither_number_nor_map(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "fractured femur")
    answer = opened.locator("#pc-answers li")
    expect(answer).to_contain_text("far from what this model has learnt")
    expect(answer.locator(".number")).to_have_text("–")
    slide(opened, "threshold", 0.01)
    until(opened, lambda: coloured(opened).sum() == 0)


def test_a_reading_without_judgement_or_name_is_not_saved_and_not_lost(
    opened: Page, dicom: Path, server: Server
) -> None:
    open_file(opened, dicom)
    ask(opened, "pleural effusion")
    draw_box(opened)
    opened.locator("#pc-comment").fill("left base")
    opened.locator("#pc-save").click()
    expect(opened.locator("#pc-save-error")).to_contain_text("present, absent or unsure")
    opened.locator('[data-presence="present"]').click()
    opened.locator("#pc-save").click()
    expect(opened.locator("#pc-save-error")).to_contain_text("name or initials")
    expect(opened.locator("#pc-comment")).to_have_value("left base")
    expect(opened.locator("#pc-boxes")).to_have_text("1 box")
    until(opened, lambda: coloured(opened).sum() > 100)
    expect(opened.locator('[data-presence="present"]')).to_have_attribute("aria-checked", "true")
    with sqlite3.connect(server.database) as connection:
        assert connection.execute("SELECT count(*) FROM feedback WHERE comment = 'left base'").fetchone() == (
            0,
        )


def test_a_locked_database_loses_nothing(opened: Page, dicom: Path, server: Server) -> None:
    open_file(opened, dicom)
    ask(opened, "pleural effusion")
    draw_box(opened)
    opened.locator('[data-presence="present"]').click()
    opened.locator("#pc-comment").fill("written while locked")
    opened.locator("#pc-reader").fill("Reader Two")
    with sqlite3.connect(server.database, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        opened.locator("#pc-save").click()
        expect(opened.locator("#pc-save-error")).to_contain_text("busy", timeout=20_000)
        other.execute("ROLLBACK")
    expect(opened.locator("#pc-comment")).to_have_value("written while locked")
    expect(opened.locator("#pc-boxes")).to_have_text("1 box")
    opened.locator("#pc-save").click()
    expect(opened.locator("#pc-saved")).to_contain_text("saved, ")
    expect(opened.locator("#pc-save-error")).to_be_hidden()
    with sqlite3.connect(server.database) as connection:
        rows = connection.execute(
            "SELECT reader FROM feedback WHERE comment = 'written while locked'"
        ).fetchall()
    assert rows == [("Reader Two",)]


def test_a_server_that_went_away_is_said_and_the_query_stays(page: Page, dicom: Path, tmp_path: Path) -> None:
    from tests.browser.serving import free_port

    with Server(tmp_path / "gone.sqlite3", free_port()) as server:
        server.visit(page)
        open_file(page, dicom)
    page.locator("#pc-query").fill("cardiomegaly")
    page.locator("#pc-query").press("Enter")
    expect(page.locator("#pc-ask-error")).to_contain_text("does not answer")
    expect(page.locator("#pc-query")).to_have_value("cardiomegaly")


def test_boxes_and_words_survive_a_restart_of_the_server(page: Page, dicom: Path, tmp_path: Path) -> None:
    """The study is gone from memory: the page sends its file again, and asks again what was asked."""
    from tests.browser.serving import free_port

    port, database = free_port(), tmp_path / "again.sqlite3"
    with Server(database, port) as server:
        server.visit(page)
        open_file(page, dicom)
        ask(page, "mass; pleural effusion")
        page.locator("#pc-answers li").nth(1).click()
        draw_box(page)
        page.locator("#pc-comment").fill("typed before the restart")
        page.locator('[data-presence="present"]').click()
        page.locator("#pc-reader").fill("Reader Three")
    with Server(database, port):
        page.locator("#pc-save").click()
        expect(page.locator("#pc-saved")).to_contain_text("saved, ", timeout=20_000)
        expect(page.locator("#pc-save-error")).to_be_hidden()
        expect(page.locator("#pc-boxes")).to_have_text("1 box")
        expect(page.locator("#pc-studies li")).to_contain_text("judged")
        expect(page.locator("#pc-studies li")).to_have_count(1)
        expect(page.locator("#pc-answers li").nth(1)).to_have_attribute("aria-selected", "true")
        expect(page.locator("#pc-comment")).to_have_value("typed before the restart")
        page.locator("#pc-comment").fill("changed")
        expect(page.locator("#pc-saved")).to_have_text("")
    with sqlite3.connect(database) as connection:
        rows = connection.execute(
            "SELECT p.query, f.comment, f.presence, b.w > 0 FROM feedback f "
            "JOIN prediction p ON p.id = f.prediction_id JOIN box b ON b.feedback_id = f.id"
        ).fetchall()
    assert rows == [("pleural effusion", "typed before the restart", "present", 1)]
