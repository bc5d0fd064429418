"""Open studies: listed in their order with their names, made anew without a word, kept over a reload."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.late import Late
from tests.browser.page_reader import ask, draw_box, open_file
from tests.browser.serving import Server, free_port


@pytest.fixture(scope="module")
def forgetful(browser_type_launch_args: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with room for one study alone."""
    folder = tmp_path_factory.mktemp("forgetful")
    environment = {"PATCHCLIP_STUDY_MEMORY_MB": "1"}
    with Server(folder / "feedback.sqlite3", free_port(), environment) as running:
        yield running


def films(folder: Path, count: int) -> list[Path]:
    """So many files, none like another, whose names name patients."""
    paths = []
    for number in range(count):
        paths.append(folder / f"Patient_{number}.png")
        pixels = np.tile(np.linspace(20 * number, 255, 300).astype(np.uint8), (320, 1))
        cv2.imwrite(str(paths[-1]), pixels)
    return paths


def current(page: Page) -> str:
    """What the list says of the study on screen."""
    return page.locator('#pc-studies button[aria-current="true"]').inner_text()


def wait_until_ready(page: Page) -> None:
    """After a reload: what there was is there again."""
    page.wait_for_selector('#pc[data-ready="true"]', timeout=30_000)
    page.locator("#pc-busy").wait_for(state="hidden")


def test_arriving_files_are_listed_in_their_order_and_take_no_film_away(opened: Page, tmp_path: Path) -> None:
    paths = films(tmp_path, 4)
    sent: list[bytes] = []
    opened.on(
        "request",
        lambda request: sent.append(
            request.url.encode() + repr(request.headers).encode() + (request.post_data_buffer or b"")
        ),
    )
    open_file(opened, *paths)
    expect(opened.locator("#pc-studies li")).to_have_count(4)
    titles = opened.locator("#pc-studies .title").all_inner_texts()
    assert titles == [f"○\N{NO-BREAK SPACE}Patient_{number}.png" for number in range(4)]
    assert "Patient_0" in current(opened)
    expect(opened.locator("#pc-studies li", has_text="new")).to_have_count(3)
    widths = opened.locator("#pc-studies img").evaluate_all("all => all.map((image) => image.naturalWidth)")
    assert widths == [90] * 4  # 300 of 320 pixels, reduced to 96
    opened.keyboard.press("j")
    assert "Patient_1" in current(opened)
    opened.reload()
    wait_until_ready(opened)
    assert opened.locator("#pc-studies .title").all_inner_texts() == titles
    assert "Patient_1" in current(opened)
    assert not [told for told in sent if b"Patient_" in told]


def test_two_files_of_one_picture_are_one_study_and_the_page_says_so(opened: Page, tmp_path: Path) -> None:
    (first,) = films(tmp_path, 1)
    second = tmp_path / "Copy.png"
    second.write_bytes(first.read_bytes())
    open_file(opened, first)
    open_file(opened, second)
    expect(opened.locator("#pc-note")).to_have_text(
        "Copy.png is the same picture as Patient_0.png, which is open: they are one study."
    )
    expect(opened.locator("#pc-studies li")).to_have_count(1)


def test_files_on_their_way_are_listed_at_once_and_the_chosen_one_is_next(
    opened: Page, tmp_path: Path
) -> None:
    paths = films(tmp_path, 5)
    late = Late(opened, "open_upload")
    with opened.expect_file_chooser() as chooser:
        opened.locator("#pc-open").click()
    chooser.value.set_files(paths)
    late.wait()
    arriving = opened.locator("#pc-arriving li")
    expect(arriving).to_have_count(5)
    expect(arriving.locator(".title")).to_have_text([f"○\N{NO-BREAK SPACE}{path.name}" for path in paths])
    expect(arriving.first).to_contain_text("opening …")
    expect(arriving.nth(3)).to_contain_text("waiting")
    late.let_go()
    expect(opened.locator("#pc-studies li")).to_have_count(1)
    late.wait()
    opened.locator("#pc-query").fill("mass")  # the first is read while the others are on their way
    opened.locator("#pc-query").press("Enter")
    expect(opened.locator("#pc-answers li")).to_have_count(1)
    sign, stage = (opened.locator(f"#pc-{name}").bounding_box() for name in ("busy", "stage"))
    assert sign and stage  # what the page is busy with lies in a corner, not over the film's middle
    assert sign["x"] + sign["width"] < stage["x"] + 0.4 * stage["width"]
    assert sign["y"] > stage["y"] + 0.9 * stage["height"]
    arriving.nth(3).locator("button").click()  # the last of them
    expect(arriving.nth(1)).to_contain_text("next")
    late.let_go()
    late.wait()
    assert "Patient_0" in current(opened)
    late.let_go()
    expect(opened.locator('#pc-studies button[aria-current="true"]')).to_contain_text("Patient_4")
    for _ in range(2):
        late.let_go()
    expect(arriving).to_have_count(0)
    titles = opened.locator("#pc-studies .title").all_inner_texts()
    assert [title[-13:] for title in titles] == [path.name for path in paths]


def test_what_is_asked_of_a_film_on_its_way_waits_for_it(opened: Page, dicom: Path) -> None:
    late = Late(opened, "open_upload")
    with opened.expect_file_chooser() as chooser:
        opened.locator("#pc-open").click()
    chooser.value.set_files(dicom)
    late.wait()
    opened.locator("#pc-query").fill("pleural effusion")
    opened.locator("#pc-query").press("Enter")
    expect(opened.locator("#pc-ask-error")).to_be_hidden()
    late.let_go()
    expect(opened.locator("#pc-answers li")).to_contain_text("pleural effusion")


def test_each_error_of_several_files_has_a_line_of_its_own(opened: Page, tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("no film")
    open_file(opened, tmp_path / "a.txt", *films(tmp_path, 1), tmp_path / "b.txt")
    lines = opened.locator("#pc-open-error span")
    expect(lines).to_have_count(2)
    expect(lines.nth(0)).to_contain_text("a.txt: ")
    expect(lines.nth(1)).to_contain_text("b.txt: ")
    tops = [box["y"] for box in (line.bounding_box() for line in lines.all()) if box]
    assert tops[0] < tops[1]
    expect(opened.locator("#pc-studies li")).to_have_count(1)


def test_where_a_file_may_be_dropped_is_shown(opened: Page) -> None:
    drag = """(kind) => {
      const files = new DataTransfer();
      files.items.add(new File(["x"], "x.png"));
      const how = { dataTransfer: files, bubbles: true, cancelable: true };
      document.body.dispatchEvent(new DragEvent(kind, how));
    }"""
    expect(opened.locator("#pc-drop")).to_be_hidden()
    opened.evaluate(drag, "dragover")
    expect(opened.locator("#pc-drop")).to_be_visible()
    opened.evaluate(drag, "dragleave")
    expect(opened.locator("#pc-drop")).to_be_hidden()
    opened.evaluate(drag, "dragover")
    opened.evaluate(drag, "drop")
    expect(opened.locator("#pc-drop")).to_be_hidden()
    expect(opened.locator("#pc-open-error")).to_be_visible()  # it was no film


def test_a_forgotten_study_is_made_anew_without_a_word(
    page: Page, forgetful: Server, requests: list[str], troubles: list[str], dicom: Path, tmp_path: Path
) -> None:
    forgetful.visit(page)
    open_file(page, dicom)
    ask(page, "mass; no nodule")
    before = page.locator("#pc-answers li").all_inner_texts()
    page.locator('[data-presence="present"]').click()
    draw_box(page)
    open_file(page, *films(tmp_path, 2))
    late = Late(page)
    page.locator("#pc-reader").fill("forgotten")
    page.locator("#pc-save").click()
    expect(page.locator("#pc-saved")).to_contain_text("saved, ")
    assert late.met.count("open_upload") == 1
    assert page.locator("#pc-answers li").all_inner_texts()[1:] == before[1:]
    expect(page.locator("#pc-boxes")).to_have_text("1 box")
    open_file(page, *films(tmp_path, 3)[2:])
    ask(page, "cardiomegaly")
    expect(page.locator("#pc-answers li")).to_have_count(3)
    open_file(page, *films(tmp_path, 4)[3:])
    page.locator('[data-view="compare"]').click()
    expect(page.locator("#pc-tag-right")).to_contain_text("no probability")
    for error in ("open-error", "ask-error", "save-error", "picture-error"):
        expect(page.locator(f"#pc-{error}")).to_be_hidden()
    with sqlite3.connect(forgetful.database) as connection:
        stored = connection.execute(
            "SELECT p.query, f.presence, count(b.id) FROM feedback f JOIN box b ON b.feedback_id = f.id "
            "JOIN prediction p ON p.id = f.prediction_id WHERE f.reader = 'forgotten'"
        ).fetchall()
    assert stored == [("lung mass", "present", 1)]


def test_a_server_that_was_restarted_gets_the_file_again(page: Page, dicom: Path, tmp_path: Path) -> None:
    database, port = tmp_path / "restarted.sqlite3", free_port()
    with Server(database, port) as server:
        server.visit(page)
        open_file(page, dicom)
        ask(page, "mass")
        page.locator('[data-presence="absent"]').click()
        page.locator("#pc-reader").fill("restarted")
        server.stop(signal.SIGKILL)
        with Server(database, port):
            page.locator("#pc-save").click()
            expect(page.locator("#pc-saved")).to_contain_text("saved, ", timeout=20_000)
            ask(page, "nodule")
            expect(page.locator("#pc-answers li")).to_have_count(2)
            page.reload()
            wait_until_ready(page)
            expect(page.locator("#pc-answers li")).to_have_count(2)


def test_a_reload_keeps_films_answers_readings_and_the_readers_name(
    opened: Page, dicom: Path, tmp_path: Path
) -> None:
    opened.locator("#pc-examples button", has_text="no finding").click()
    expect(opened.locator("#pc-studies li")).to_have_count(1)
    ask(opened, "pleural effusion")
    open_file(opened, dicom)
    opened.locator("#pc-studies button").nth(1).click()
    ask(opened, "mass; no nodule")
    ask(opened, "effusion")
    opened.locator("#pc-answers li").nth(1).click()
    opened.locator("#pc-reader").fill("Dr Example")
    draw_box(opened)
    opened.locator("#pc-comment").fill("not saved yet")
    opened.locator("#pc-confidence").fill("30")
    answers = opened.locator("#pc-answers li").all_inner_texts()
    address = opened.url
    assert "#study=" in address
    opened.on("dialog", lambda dialog: dialog.accept())  # unsaved: it asks first
    opened.reload()
    wait_until_ready(opened)
    expect(opened.locator("#pc-answers li")).to_have_count(3)
    assert opened.locator("#pc-answers li").all_inner_texts() == answers
    assert opened.url == address
    assert dicom.name[:10] in current(opened) and dicom.name[-12:] in current(
        opened
    )  # its middle is left out
    expect(opened.locator("#pc-answers li").nth(1)).to_have_attribute("aria-selected", "true")
    expect(opened.locator("#pc-comment")).to_have_value("not saved yet")
    expect(opened.locator("#pc-confidence-number")).to_have_value("30")
    expect(opened.locator("#pc-boxes")).to_have_text("1 box")
    expect(opened.locator("#pc-reader")).to_have_value("Dr Example")
    opened.keyboard.press("k")
    opened.locator("#pc-busy").wait_for(state="hidden")
    assert "no finding" in current(opened)
    expect(opened.locator("#pc-answers li")).to_have_count(1)
    ask(opened, "hernia")
    expect(opened.locator("#pc-answers li")).to_have_count(2)


def test_a_second_window_has_the_film_of_the_address_and_no_reader(
    opened: Page, dicom: Path, browser: Browser
) -> None:
    open_file(opened, dicom)
    ask(opened, "mass; no nodule")
    opened.locator("#pc-reader").fill("Dr Example")
    opened.locator("#pc-reader").blur()
    second = opened.context.new_page()
    second.goto(opened.url)
    wait_until_ready(second)
    expect(second.locator("#pc-studies li")).to_have_count(1)
    expect(second.locator("#pc-answers li .name")).to_have_text(["lung mass", "no lung nodule"])
    expect(second.locator("#pc-reader")).to_have_value("")
    # From window to window; the server is told neither name nor that it was asked for.
    expect(second.locator("#pc-studies button")).to_have_attribute("title", dicom.name)
    with opened.expect_popup() as duplicate:  # the storage of a window goes along with one that it opens
        opened.evaluate("window.open(location.href)")
    wait_until_ready(duplicate.value)
    expect(duplicate.value.locator("#pc-answers li")).to_have_count(2)
    expect(duplicate.value.locator("#pc-reader")).to_have_value("")
    other = browser.new_context()
    stranger = other.new_page()
    stranger.goto(opened.url)
    wait_until_ready(stranger)
    expect(stranger.locator("#pc-open-error")).to_contain_text("is another browser's")
    expect(stranger.locator("#pc-studies li")).to_have_count(0)
    assert "Mustermann" not in stranger.locator("#pc").inner_text()
    other.close()


def test_a_second_window_sends_the_file_of_the_first_again_where_the_server_forgot_it(
    page: Page, forgetful: Server, requests: list[str], troubles: list[str], dicom: Path, tmp_path: Path
) -> None:
    forgetful.visit(page)
    open_file(page, dicom)
    second = page.context.new_page()
    second.goto(page.url)
    wait_until_ready(second)
    expect(second.locator("#pc-studies button")).to_have_attribute("title", dicom.name)
    open_file(page, *films(tmp_path, 1))  # the first makes room
    second.bring_to_front()
    ask(second, "mass")
    expect(second.locator("#pc-answers li .name")).to_have_text("mass")
    expect(second.locator("#pc-ask-error")).to_be_hidden()


def test_a_reload_after_the_server_forgot_asks_for_the_file_once_and_keeps_the_reading(
    page: Page, forgetful: Server, requests: list[str], troubles: list[str], dicom: Path, tmp_path: Path
) -> None:
    forgetful.visit(page)
    open_file(page, dicom)
    ask(page, "mass")
    page.locator("#pc-comment").fill("kept")
    open_file(page, *films(tmp_path, 1))
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    wait_until_ready(page)
    expect(page.locator("#pc-open-error")).to_contain_text(f"{dicom.name} must be chosen once more")
    expect(page.locator("#pc-studies li")).to_have_count(2)
    with page.expect_file_chooser() as chooser:
        page.locator("#pc-open").click()
    chooser.value.set_files(str(dicom))
    expect(page.locator("#pc-answers li")).to_have_count(1)
    expect(page.locator("#pc-comment")).to_have_value("kept")
    expect(page.locator("#pc-open-error")).to_be_hidden()


def test_a_long_name_keeps_both_ends_and_is_whole_in_its_tooltip(opened: Page, tmp_path: Path) -> None:
    path = tmp_path / "Thorax_pa_2024_Serie_0017_Bild_000123.png"
    cv2.imwrite(str(path), np.tile(np.linspace(0, 255, 400).astype(np.uint8), (420, 1)))
    open_file(opened, path)
    title = opened.locator("#pc-studies .title")
    expect(title).to_have_text("○ Thorax_pa_2…d_000123.png")
    expect(opened.locator("#pc-studies button")).to_have_attribute("title", path.name)
    assert title.evaluate("(item) => item.scrollWidth <= item.clientWidth && item.clientHeight < 60")
