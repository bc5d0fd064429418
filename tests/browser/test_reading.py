"""A reading is the reader's own: nothing that arrives late takes it away, nothing is stored twice or lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.browser.late import Late
from tests.browser.page_reader import ask, begin_box, draw_box, end_box, open_file
from tests.browser.serving import Server
from tests.browser.test_page import TWENTY


def stored(server: Server, reader: str) -> list[tuple[str, str, str]]:
    """(query, presence, comment) of a reader, oldest first."""
    with sqlite3.connect(server.database) as connection:
        return connection.execute(
            "SELECT p.query, f.presence, f.comment FROM feedback f "
            "JOIN prediction p ON p.id = f.prediction_id WHERE f.reader = ? ORDER BY f.id",
            (reader,),
        ).fetchall()


def begin_reading(page: Page, dicom: Path, reader: str, query: str = "mass") -> None:
    """An open study, an answer, and who reads."""
    open_file(page, dicom)
    ask(page, query)
    page.locator("#pc-reader").fill(reader)


def choose_again(page: Page, path: Path) -> None:
    """Opens a file that is open already, without waiting for what follows."""
    with page.expect_file_chooser() as chooser:
        page.locator("#pc-open").click()
    chooser.value.set_files(str(path))


def test_a_study_that_arrives_while_a_box_is_drawn_is_only_listed(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "mass")
    late = Late(opened, "open_example")
    opened.locator("#pc-examples button").first.click()
    begin_box(opened)
    late.let_go()
    expect(opened.locator("#pc-studies li")).to_have_count(2)
    end_box(opened)
    expect(opened.locator("#pc-boxes")).to_have_text("1 box")
    expect(opened.locator("#pc-reading-of")).to_contain_text("mass")
    expect(opened.locator("#pc-studies button").nth(0)).to_have_attribute("aria-current", "true")
    expect(opened.locator("#pc-studies button").nth(1)).to_contain_text("new")
    opened.locator("#pc-studies button").nth(1).click()
    expect(opened.locator("#pc-boxes")).to_have_text("no boxes")
    expect(opened.locator("#pc-studies button").nth(1)).to_contain_text("not asked")


def test_a_study_that_arrives_while_a_comment_is_typed_is_only_listed(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "mass")
    late = Late(opened, "open_example")
    opened.locator("#pc-examples button").first.click()
    opened.locator("#pc-comment").focus()
    opened.keyboard.type("left ")
    late.let_go()
    expect(opened.locator("#pc-studies li")).to_have_count(2)
    opened.keyboard.type("base")
    expect(opened.locator("#pc-comment")).to_have_value("left base")
    opened.locator("#pc-studies button").nth(1).click()
    expect(opened.locator("#pc-comment")).to_have_value("")


def test_an_answer_that_arrives_while_a_comment_is_typed_is_only_listed(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "mass")
    late = Late(opened, "ask")
    opened.locator("#pc-query").fill("nodule")
    opened.locator("#pc-query").press("Enter")
    late.wait()
    opened.locator("#pc-comment").focus()
    opened.keyboard.type("left ")
    late.let_go()
    expect(opened.locator("#pc-answers li")).to_have_count(2)
    expect(opened.locator("#pc-comment")).to_be_focused()
    opened.keyboard.type("base")
    expect(opened.locator("#pc-comment")).to_have_value("left base")
    expect(opened.locator("#pc-query")).to_have_value("nodule")
    expect(opened.locator("#pc-reading-of")).to_contain_text("mass")
    opened.locator("#pc-answers li").nth(0).click()
    expect(opened.locator("#pc-comment")).to_have_value("")


def test_the_first_answer_takes_over_the_comment_that_is_being_typed(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    late = Late(opened, "ask")
    opened.locator("#pc-query").fill("mass")
    opened.locator("#pc-run").click()
    opened.locator("#pc-comment").focus()
    opened.keyboard.type("left ")
    late.let_go()
    expect(opened.locator("#pc-reading-of")).to_contain_text("mass")
    opened.keyboard.type("base")
    expect(opened.locator("#pc-comment")).to_have_value("left base")


def test_a_box_lands_in_no_other_reading_than_the_one_it_was_begun_in(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "mass; nodule")
    begin_box(opened)
    opened.keyboard.press("n")
    end_box(opened)
    for number in range(2):
        opened.locator("#pc-answers li").nth(number).click()
        expect(opened.locator("#pc-boxes")).to_have_text("no boxes")


def test_a_query_typed_while_another_is_answered_is_not_overwritten(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    late = Late(opened, "ask")
    opened.locator("#pc-query").fill("mass")
    opened.locator("#pc-query").press("Enter")
    late.wait()
    opened.keyboard.press("/")
    opened.keyboard.press("End")
    opened.keyboard.type("; nod")
    late.let_go()
    expect(opened.locator("#pc-answers li")).to_have_count(1)
    opened.keyboard.type("ule")
    expect(opened.locator("#pc-query")).to_have_value("mass; nodule")


def test_a_change_during_a_save_is_not_called_saved(opened: Page, dicom: Path, server: Server) -> None:
    begin_reading(opened, dicom, "in flight")
    opened.locator('[data-presence="present"]').click()
    late = Late(opened, "save")
    opened.locator("#pc-save").click()
    expect(opened.locator("#pc-saved")).to_have_text("saving …")
    late.wait()
    opened.locator("#pc-comment").fill("an afterthought")
    late.let_go()
    expect(opened.locator("#pc-saved")).to_contain_text("changed since, not saved yet")
    opened.locator("#pc-save").click()
    late.let_go()
    expect(opened.locator("#pc-saved")).not_to_contain_text("changed")
    expect(opened.locator("#pc-saved")).to_contain_text("saved, ")
    assert stored(server, "in flight") == [("mass", "present", ""), ("mass", "present", "an afterthought")]


def test_pressing_save_again_stores_nothing_twice(opened: Page, dicom: Path, server: Server) -> None:
    begin_reading(opened, dicom, "twice")
    opened.locator('[data-presence="absent"]').click()
    late = Late(opened, "save")
    opened.keyboard.press("s")
    opened.keyboard.press("s")
    late.let_go()
    expect(opened.locator("#pc-saved")).to_contain_text("saved, ")
    opened.keyboard.press("s")
    opened.locator("#pc-save").click()
    opened.wait_for_timeout(200)
    assert late.met.count("save") == 1
    assert stored(server, "twice") == [("mass", "absent", "")]
    opened.locator("#pc-reader").fill("second reader")
    opened.locator("#pc-save").click()
    late.let_go()
    expect(opened.locator("#pc-saved")).to_contain_text("saved, ")
    assert stored(server, "second reader") == [("mass", "absent", "")]


def test_pressing_save_again_after_a_lost_answer_stores_one_row(
    opened: Page, dicom: Path, server: Server
) -> None:
    begin_reading(opened, dicom, "lost answer")
    opened.locator('[data-presence="present"]').click()
    late = Late(opened, "save")
    opened.locator("#pc-save").click()
    late.lose()
    expect(opened.locator("#pc-save-error")).to_contain_text("does not answer")
    assert stored(server, "lost answer") == [("mass", "present", "")]
    opened.locator("#pc-save").click()
    late.let_go()
    expect(opened.locator("#pc-saved")).to_contain_text("saved, ")
    assert stored(server, "lost answer") == [("mass", "present", "")]


def test_a_late_error_stands_beside_its_own_reading(opened: Page, dicom: Path) -> None:
    begin_reading(opened, dicom, "late error", "mass; nodule")
    opened.locator('[data-presence="present"]').click()
    late = Late(opened, "save")
    opened.locator("#pc-save").click()
    late.wait()
    opened.locator("#pc-answers li").nth(1).click()
    late.answer({"error": "The database is busy."})
    expect(opened.locator("#pc-save")).to_have_attribute("aria-disabled", "false")
    expect(opened.locator("#pc-save-error")).to_be_hidden()
    expect(opened.locator("#pc-saved")).to_have_text("")
    opened.locator("#pc-answers li").nth(0).click()
    expect(opened.locator("#pc-save-error")).to_have_text("The database is busy.")


def test_what_is_said_before_anything_is_open_is_kept(opened: Page, dicom: Path) -> None:
    opened.locator("#pc-comment").fill("compare with last year")
    opened.locator('[data-presence="unsure"]').click()
    open_file(opened, dicom)
    expect(opened.locator("#pc-comment")).to_have_value("compare with last year")
    ask(opened, "mass")
    expect(opened.locator("#pc-comment")).to_have_value("compare with last year")
    expect(opened.locator('[data-presence="unsure"]')).to_have_attribute("aria-checked", "true")


@pytest.mark.parametrize("query", ["constructor", "__proto__"])
def test_a_query_named_like_a_part_of_the_language_has_a_reading_of_its_own(
    opened: Page, dicom: Path, query: str
) -> None:
    open_file(opened, dicom)
    ask(opened, f"mass; {query}")
    opened.locator("#pc-answers li").nth(1).click()
    opened.locator("#pc-comment").fill("its own")
    opened.locator("#pc-answers li").nth(0).click()
    expect(opened.locator("#pc-comment")).to_have_value("")
    opened.locator("#pc-answers li").nth(1).click()
    expect(opened.locator("#pc-comment")).to_have_value("its own")


def test_opening_a_study_again_asks_every_answer_anew(opened: Page, dicom: Path, server: Server) -> None:
    begin_reading(opened, dicom, "twenty-three", TWENTY)
    opened.locator("#pc-answers li").nth(19).click()
    opened.locator("#pc-comment").fill("on the twentieth")
    opened.locator('[data-presence="absent"]').click()
    ask(opened, "left nodule; scoliosis; left mass")
    late = Late(opened)
    choose_again(opened, dicom)
    opened.locator("#pc-busy").wait_for(state="visible")
    opened.locator("#pc-busy").wait_for(state="hidden")
    expect(opened.locator("#pc-answers li")).to_have_count(23)
    assert late.met.count("ask") == 2
    last = opened.locator("#pc-answers li").nth(22)
    last.click()
    expect(opened.locator("#pc-comment")).to_have_value("on the twentieth")
    opened.locator("#pc-save").click()
    expect(opened.locator("#pc-saved")).to_contain_text("saved, ")
    assert stored(server, "twenty-three") == [("no pulmonary edema", "absent", "on the twentieth")]


def test_what_is_said_while_a_study_is_asked_anew_is_saved_with_its_answer(
    opened: Page, dicom: Path, server: Server
) -> None:
    begin_reading(opened, dicom, "between")
    late = Late(opened, "ask")
    choose_again(opened, dicom)
    late.wait()
    opened.locator("#pc-comment").fill("typed between")
    opened.locator('[data-presence="present"]').click()
    opened.locator("#pc-save").click()
    expect(opened.locator("#pc-saved")).to_have_text("saving …")
    late.let_go()
    expect(opened.locator("#pc-saved")).to_contain_text("saved, ")
    expect(opened.locator("#pc-comment")).to_have_value("typed between")
    assert stored(server, "between") == [("mass", "present", "typed between")]


def test_leaving_the_page_with_an_unsaved_reading_asks_first(
    opened: Page, dicom: Path, server: Server
) -> None:
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    opened.on("dialog", leave)
    begin_reading(opened, dicom, "leaving")
    opened.locator('[data-presence="present"]').click()
    opened.locator("#pc-save").click()
    expect(opened.locator("#pc-saved")).to_contain_text("saved, ")
    server.visit(opened)
    assert asked == []
    open_file(opened, dicom)
    ask(opened, "mass; nodule")
    opened.locator("#pc-comment").fill("not saved")
    opened.locator("#pc-answers li").nth(1).click()
    server.visit(opened)
    assert asked == ["beforeunload"]


def test_no_part_of_a_files_name_is_sent(opened: Page, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "plain.png"), np.tile(np.arange(256, dtype=np.uint8), (300, 1)))
    path = (tmp_path / "plain.png").rename(tmp_path / "Mustermann.Erika")
    sent: list[bytes] = []
    opened.on(
        "request",
        lambda request: sent.append(
            request.url.encode() + repr(request.headers).encode() + (request.post_data_buffer or b"")
        ),
    )
    open_file(opened, path)
    expect(opened.locator("#pc-studies li")).to_have_count(1)
    told = b"".join(sent)
    assert b"/api/open_upload" in told
    assert b"content-type': 'application/octet-stream" in told
    assert not [word for word in (b"Mustermann", b"Erika") if word in told]


def test_a_box_and_its_undo_change_one_reading_alone(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "mass; nodule")
    draw_box(opened)
    opened.locator("#pc-answers li").nth(1).click()
    opened.keyboard.press("z")
    opened.locator("#pc-answers li").nth(0).click()
    expect(opened.locator("#pc-boxes")).to_have_text("1 box")
    opened.keyboard.press("z")
    expect(opened.locator("#pc-boxes")).to_have_text("no boxes")
