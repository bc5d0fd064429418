"""The form for a reading: what is asked, what contradicts itself, revisions, findings read without asking."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.late import Late
from tests.browser.page_reader import ask, draw_box, open_file
from tests.browser.serving import Server

SAVED = "#pc-saved"


def rows(server: Server, reader: str) -> list[dict[str, Any]]:
    """What is stored of a reader, oldest first."""
    with sqlite3.connect(server.database) as connection:
        connection.row_factory = sqlite3.Row
        return [
            dict(row)
            for row in connection.execute(
                "SELECT p.query, p.finding, p.asked, p.probability, p.parameters, f.* FROM feedback f "
                "JOIN prediction p ON p.id = f.prediction_id WHERE f.reader = ? ORDER BY f.id",
                (reader,),
            )
        ]


def begin(page: Page, dicom: Path, reader: str, query: str = "mass") -> None:
    """An open study, answers, and who reads."""
    open_file(page, dicom)
    ask(page, query)
    page.locator("#pc-reader").fill(reader)
    page.locator("#pc-reader").blur()


def save(page: Page) -> None:
    """Presses Save and waits until it is stored."""
    page.locator("#pc-save").click()
    expect(page.locator(SAVED)).to_contain_text("saved")


def test_keys_are_the_films_as_soon_as_a_question_was_asked(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    opened.keyboard.press("/")
    opened.keyboard.type("mass")
    opened.keyboard.press("Enter")
    opened.keyboard.press("1")
    opened.keyboard.press("8")
    expect(opened.locator("#pc-answers li")).to_have_count(1)
    expect(opened.locator('[data-presence="present"]')).to_have_attribute("aria-checked", "true")
    expect(opened.locator("#pc-confidence-number")).to_have_value("50")
    expect(opened.locator("#pc-query")).to_have_value("mass")
    ask(opened, "")
    expect(opened.locator("#pc-ask-error")).to_be_visible()
    expect(opened.locator("#pc-query")).to_be_focused()  # to be mended


def test_the_map_is_judged_only_where_it_was_shown(opened: Page, dicom: Path, server: Server) -> None:
    open_file(opened, dicom)
    expect(opened.locator("#pc-map-row")).to_be_hidden()
    opened.locator('[data-view="image"]').click()
    ask(opened, "mass; fractured femur")
    expect(opened.locator("#pc-map-row")).to_be_hidden()
    opened.keyboard.press("6")
    opened.locator('[data-view="map"]').click()
    expect(opened.locator("#pc-map-row")).to_be_visible()
    expect(opened.locator('[data-location="wrong"]')).to_have_attribute("aria-checked", "false")
    opened.locator("#pc-answers li", has_text="fractured femur").click()
    expect(opened.locator("#pc-map-row")).to_be_hidden()
    opened.locator("#pc-answers li").first.click()
    opened.locator("#pc-reader").fill("judges the map")
    opened.locator('[data-presence="unsure"]').click()
    opened.locator('[data-location="correct"]').click()
    save(opened)
    (row,) = rows(server, "judges the map")
    assert (row["location"], row["presence"]) == ("correct", "unsure")


@pytest.mark.parametrize(
    ("query", "presence", "location", "draws", "words"),
    [
        ("mass", "absent", "", True, "called absent, yet 1 outline is drawn"),
        ("pleural effusion", "absent", "correct", False, "lit where the finding is called absent"),
        ("mass", "present", "correct", False, "dark where the finding is called present"),
    ],
)
def test_what_contradicts_itself_is_told_before_anything_is_sent(
    opened: Page, dicom: Path, query: str, presence: str, location: str, draws: bool, words: str
) -> None:
    begin(opened, dicom, "contradicts", query)
    opened.locator("#pc-threshold").fill("0.05" if "lit" in words else "0.99")
    if draws:
        draw_box(opened)
    opened.locator(f'[data-presence="{presence}"]').click()
    if location:
        opened.locator(f'[data-location="{location}"]').click()
    controls = opened.locator(".reading :is(button, input):visible")
    before = [box["y"] for control in controls.all() if (box := control.bounding_box())]
    late = Late(opened)
    opened.locator("#pc-save").click()
    expect(opened.locator("#pc-save-error")).to_contain_text(words)
    assert "save" not in late.met
    after = [box["y"] for control in controls.all() if (box := control.bounding_box())]
    assert after == pytest.approx(before, abs=0.1)  # an error moves nothing


def test_confidence_time_and_what_was_looked_at_are_stored(opened: Page, dicom: Path, server: Server) -> None:
    begin(opened, dicom, "looks around")
    opened.keyboard.press("c")
    expect(opened.locator("#pc-tag-right")).to_contain_text("no probability")
    opened.locator('[data-presence="absent"]').click()
    opened.locator("#pc-confidence").fill("80")
    expect(opened.locator("#pc-confidence-number")).to_have_value("80")
    opened.locator("#pc-confidence-number").fill("90")
    opened.locator("#pc-confidence-number").blur()
    opened.keyboard.press("7")
    expect(opened.locator("#pc-confidence-number")).to_have_value("85")
    save(opened)
    opened.keyboard.press("9")
    save(opened)
    first, second = rows(server, "looks around")
    assert (first["confidence"], second["confidence"]) == (85, None)
    assert 0 < first["seconds"] <= second["seconds"] < 120
    assert '"saliency_shown": ["grad_cam"]' in first["parameters"]
    assert '"map_shown": true' in first["parameters"]
    assert '"zoom": 1' in first["parameters"]


def test_all_others_absent_in_one_key(opened: Page, dicom: Path, server: Server) -> None:
    begin(opened, dicom, "in one key", "mass; nodule; left effusion; pneumothorax; previous fracture; banana")
    opened.locator("#pc-answers li", has_text="pneumothorax").click()
    opened.locator("#pc-comment").fill("look again")
    opened.locator("#pc-answers li").first.click()
    opened.keyboard.press("1")
    opened.keyboard.press("A")
    expect(opened.locator(SAVED)).to_have_text(
        "saved 3 readings; absent: lung nodule, pleural effusion; not saved: pneumothorax"
    )
    said = {(row["finding"], row["presence"], row["comment"]) for row in rows(server, "in one key")}
    assert said == {
        ("lung mass", "present", ""),
        ("lung nodule", "absent", ""),
        ("pleural effusion", "absent", ""),
    }
    expect(opened.locator("#pc-answers li", has_text="lung nodule").locator(".mark")).to_have_text("✓ absent")
    expect(opened.locator("#pc-answers li", has_text="pneumothorax").locator(".mark")).to_have_text(
        "● begun, not saved"
    )
    opened.keyboard.press("A")
    expect(opened.locator(SAVED)).to_have_text("saved 0 readings; not saved: pneumothorax")
    assert len(rows(server, "in one key")) == 3


def test_others_absent_needs_a_name_and_a_question(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    opened.locator("#pc-others").click()
    expect(opened.locator("#pc-save-error")).to_contain_text("No finding was asked")
    ask(opened, "mass; nodule")
    opened.locator("#pc-others").click()
    expect(opened.locator("#pc-save-error")).to_contain_text("name or initials")
    expect(opened.locator("#pc-answers li .mark")).to_have_count(0)


def test_a_saved_reading_is_revised_and_opened_again_from_the_history(
    opened: Page, dicom: Path, server: Server
) -> None:
    begin(opened, dicom, "revises", "mass; nodule")
    opened.locator('[data-presence="present"]').click()
    draw_box(opened)
    save(opened)
    opened.locator('[data-presence="unsure"]').click()
    expect(opened.locator("#pc-answers li").first.locator(".mark")).to_have_text("● unsure, not saved")
    save(opened)
    expect(opened.locator(SAVED)).to_contain_text("revision 2")
    opened.locator("#pc-answers li").nth(1).click()
    opened.locator("#pc-history").click()
    lines = opened.locator("#pc-rows tr", has_text="revises")
    expect(lines).to_have_count(2)
    expect(lines.nth(0).locator("td").nth(10)).to_have_text("2")
    expect(lines.nth(1).locator("td").nth(10)).to_have_text("1, superseded")
    lines.nth(1).get_by_role("button", name="open").click()
    expect(opened.locator("#pc-history-dialog")).to_be_hidden()
    expect(opened.locator(SAVED)).to_have_text("revision 2, saved")
    expect(opened.locator("#pc-reading-of")).to_contain_text("lung mass")
    expect(opened.locator('[data-presence="unsure"]')).to_have_attribute("aria-checked", "true")
    expect(opened.locator("#pc-boxes")).to_have_text("1 box")
    opened.locator("#pc-comment").fill("third thought")
    opened.locator("#pc-history").click()
    lines.nth(1).get_by_role("button", name="open").click()
    opened.locator("#pc-history-dialog").press("Escape")
    save(opened)
    first, second, third = rows(server, "revises")
    assert [row["revision"] for row in (first, second, third)] == [1, 2, 3]
    assert [row["supersedes_id"] for row in (first, second, third)] == [None, first["id"], second["id"]]
    assert [row["first_id"] for row in (second, third)] == [first["id"]] * 2


def test_an_answer_that_arrives_while_a_finding_is_named_is_only_listed(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    late = Late(opened, "ask")
    opened.locator("#pc-query").fill("mass")
    opened.locator("#pc-run").click()
    opened.locator("#pc-finding").focus()
    opened.keyboard.type("rib ")
    late.let_go()
    expect(opened.locator("#pc-answers li")).to_have_count(1)
    opened.keyboard.type("fracture")
    expect(opened.locator("#pc-finding")).to_have_value("rib fracture")
    opened.keyboard.press("Enter")
    opened.keyboard.press("1")
    expect(opened.locator("#pc-unasked-list button")).to_have_text("rib fracture: ● present, not saved")


def test_a_reading_of_a_film_that_is_not_open_says_so(opened: Page, dicom: Path, server: Server) -> None:
    begin(opened, dicom, "elsewhere")
    opened.locator('[data-presence="present"]').click()
    save(opened)
    other = opened.context.new_page()
    server.visit(other)
    other.locator("#pc-reader").fill("elsewhere")
    other.locator("#pc-history").click()
    other.locator("#pc-rows tr", has_text="elsewhere").get_by_role("button", name="open").click()
    expect(other.locator("#pc-history-error")).to_contain_text("not open here; open its file")


def test_a_finding_is_read_before_any_question(opened: Page, dicom: Path, server: Server) -> None:
    open_file(opened, dicom)
    opened.locator("#pc-reader").fill("asks nobody")
    opened.locator('[data-presence="present"]').click()
    opened.locator("#pc-save").click()
    expect(opened.locator("#pc-save-error")).to_contain_text("Name the finding that you read")
    opened.locator("#pc-finding").fill("effusion")
    opened.locator("#pc-finding").press("Enter")
    opened.locator("#pc-finding").press("Escape")
    save(opened)
    opened.keyboard.press("u")
    expect(opened.locator("#pc-finding")).to_be_focused()
    opened.keyboard.type("Chilaiditi sign")
    opened.keyboard.press("Enter")
    opened.keyboard.press("Escape")
    opened.keyboard.press("3")
    expect(opened.locator("#pc-unasked-list button")).to_have_text(
        ["effusion: ✓ present", "Chilaiditi sign: ● unsure, not saved"]
    )
    expect(opened.locator("#pc-studies li")).to_contain_text("not saved")
    save(opened)
    expect(opened.locator("#pc-studies li")).not_to_contain_text("not saved")
    ask(opened, "mass")  # begins a reading of its own
    expect(opened.locator('[data-presence="present"]')).to_have_attribute("aria-checked", "false")
    opened.locator("#pc-unasked-list button").first.click()
    expect(opened.locator('[data-presence="present"]')).to_have_attribute("aria-checked", "true")
    stored = [
        (row["query"], row["finding"], row["asked"], row["probability"], row["presence"])
        for row in rows(server, "asks nobody")
    ]
    assert stored == [
        ("", "pleural effusion", 0, None, "present"),
        ("", "Chilaiditi sign", 0, None, "unsure"),
    ]
    opened.locator("#pc-history").click()
    line = opened.locator("#pc-rows tr", has_text="Chilaiditi")
    expect(line).to_contain_text("read without asking")
    expect(line.locator("td").nth(4)).to_have_text("–")


def test_a_saved_reading_is_withdrawn_and_taken_up_again(opened: Page, dicom: Path, server: Server) -> None:
    begin(opened, dicom, "withdraws")
    button = opened.locator("#pc-withdraw")
    expect(button).to_be_hidden()
    opened.locator('[data-presence="absent"]').click()
    save(opened)
    button.click()
    expect(button).to_have_text("really withdraw?")
    assert [row["withdrawn"] for row in rows(server, "withdraws")] == [0]
    button.click()
    expect(opened.locator(SAVED)).to_contain_text("withdrawn, ")
    expect(button).to_be_hidden()
    expect(opened.locator("#pc-answers .mark")).to_have_text("✗ absent, withdrawn")
    opened.locator("#pc-history").click()
    expect(opened.locator("#pc-rows tr").first).to_contain_text("2, withdrawn")
    opened.keyboard.press("Escape")
    opened.locator("#pc-save").click()
    expect(opened.locator(SAVED)).to_contain_text("revision 3")
    assert [(row["revision"], row["withdrawn"]) for row in rows(server, "withdraws")] == [
        (1, 0),
        (2, 1),
        (3, 0),
    ]
    opened.locator("#pc-history").click()
    line = opened.locator("#pc-rows tr").first
    line.get_by_role("button", name="withdraw").click()
    line.get_by_role("button", name="really withdraw?").click()
    expect(line).to_contain_text("4, withdrawn")
    opened.keyboard.press("Escape")
    expect(opened.locator("#pc-answers .mark")).to_have_text("✗ absent, withdrawn")


def test_no_browser_shows_what_other_readers_said_until_it_is_asked(
    opened: Page, dicom: Path, server: Server, browser: Browser
) -> None:
    begin(opened, dicom, "Dr First", "nodule")
    opened.locator('[data-presence="present"]').click()
    save(opened)
    expect(opened.locator("#pc-studies li")).to_contain_text("judged")
    context = browser.new_context()
    fresh = server.visit(context.new_page())
    open_file(fresh, dicom)
    film, rows_listed = fresh.locator("#pc-studies li"), fresh.locator("#pc-rows tr")
    expect(film).to_contain_text("not asked")
    fresh.locator("#pc-history").click()
    expect(fresh.locator("#pc-no-rows")).to_contain_text("Type your name or initials as reader")
    fresh.locator("#pc-json").click()
    expect(fresh.locator("#pc-history-error")).to_contain_text(
        "Type your name or initials as reader to export"
    )
    expect(rows_listed).to_have_count(0)
    fresh.keyboard.press("Escape")
    fresh.locator("#pc-reader").fill("Dr Second")
    fresh.locator("#pc-history").click()
    expect(fresh.locator("#pc-no-rows")).to_have_text("No feedback yet.")
    expect(film).to_contain_text("not asked")
    fresh.locator("#pc-everybody").check()
    expect(rows_listed.filter(has_text="Dr First")).to_have_count(1)
    fresh.keyboard.press("Escape")
    fresh.locator("#pc-reader").fill("Dr First")
    fresh.locator("#pc-reader").blur()
    expect(film).to_contain_text("judged")
    fresh.locator("#pc-history").click()
    expect(fresh.locator("#pc-everybody")).not_to_be_checked()
    expect(rows_listed).to_have_count(1)
    expect(rows_listed).to_contain_text("Dr First")
    context.close()
