"""A whole small study on the real server: an administrator makes it from a folder with its truth, two readers
read six cases in sequential arms, the server is restarted in between, the lead sees kappa and ROC, settles a
disagreement and exports; every number is the one that `study_plan` computes apart.

PATCHCLIP_PICTURES=assets/study has the test draw the pictures of app/README.md anew, with the bundled model.
"""

from __future__ import annotations

import csv
import json
import re
import resource
import signal
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from app.people.accounts import Accounts, Purpose
from app.people.identity import Role
from app.store import migrate, open_database
from tests.browser.drawn_chest import write_dicom
from tests.browser.page_reader import BOX
from tests.browser.serving import Server, free_port
from tests.browser.study_plan import (
    CASES,
    FINDINGS,
    OPINIONS,
    PLANS,
    READERS,
    area,
    boxed,
    cohen,
    disputed,
    fleiss,
    rate,
)
from tests.browser.study_reading import NAME, PATIENCE, PICTURES, begin, create, entered, picture, read
from tests.tiny import tiny_checkpoint

PEOPLE = {"admin": Role.ADMIN, "lea": Role.LEAD, **dict.fromkeys(READERS, Role.READER)}
TRUTH = {"Effusion": lambda film: film % 2 == 0, "Cardiomegaly": lambda film: film < 3}
TRUE_BOX = (100, 300, 200, 150)  # of every effusion
EXPORTS = {
    "csv": "Readings for multi-reader",
    "json": "All readings",
    "coco": "Boxes",
    "package": "Data package",
}

Truth = dict[str, dict[int, bool]]
"""Finding -> case -> whether it is there."""


@dataclass(frozen=True)
class House:
    """The server with its people: name -> a link that signs them in."""

    server: Server
    links: dict[str, str]


@pytest.fixture
def house(browser_type_launch_args: dict[str, Any], tmp_path: Path) -> Iterator[House]:
    """An administrator, a lead, two readers, a folder of six films with their truth, and no study yet."""
    chest = tmp_path / "cases" / "chest"
    chest.mkdir(parents=True)
    for number in range(CASES):
        write_dicom(chest / f"film-{number}.dcm", number, effusion=TRUTH["Effusion"](number))
    (chest / "notes.txt").write_text("no radiograph", encoding="utf-8")
    rows = [["path", *(f"truth_{finding}" for finding in FINDINGS)]]
    rows += [
        [f"film-{number}.dcm", *(str(int(TRUTH[finding](number))) for finding in FINDINGS)]
        for number in range(CASES)
    ]
    boxes = [["path", "finding", "x", "y", "w", "h"]]
    boxes += [[f"film-{number}.dcm", "Effusion", *map(str, TRUE_BOX)] for number in range(0, CASES, 2)]
    for name, table in (("truth.csv", rows), ("boxes.csv", boxes)):
        with (chest / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(table)
    place, port = tmp_path / "data" / "feedback.sqlite3", free_port()
    database = open_database(place)
    migrate(database)
    accounts = Accounts(database)
    links = {}
    for name, role in PEOPLE.items():
        accounts.create(name, role, None)
        token = accounts.link(name, Purpose.SIGN_IN, valid=timedelta(days=1))
        links[name] = f"http://127.0.0.1:{port}/sign-in?next=%2Fstudy#link={token}"
    database.dispose()
    settings = {"PATCHCLIP_STUDY_CASES": str(tmp_path / "cases")}
    if not PICTURES:
        settings["PATCHCLIP_CHECKPOINT"] = str(tiny_checkpoint(tmp_path / "tiny"))
    with Server(place, port, settings) as server:
        yield House(server, links)


def test_a_whole_study(house: House, browser: Browser, tmp_path: Path) -> None:
    with ExitStack() as stack:
        windows = {name: entered(stack, browser, house.links[name]) for name in PEOPLE}
        create(windows["admin"])
        anna, ben, lead = windows["anna"], windows["ben"], windows["lea"]
        begin(anna)
        for _ in range(CASES // 2):
            read(anna, "anna")
        house.server.stop(signal.SIGTERM)
        with house.server:
            for number in range(CASES // 2):  # in the same window: nothing is to be loaded again
                if number == 0:
                    fill_the_disk(anna, house.server.pid)
                read(anna, "anna")
            expect(anna.locator("#pc-empty")).to_contain_text("All cases are read")
            begin(ben)
            for number in range(CASES):
                if number == 2:
                    ben.reload()
                read(ben, "ben")
            expect(ben.locator("#pc-done")).to_have_text(f"{CASES} of {CASES} read")
            truth = truth_of(house.server.database)
            look_at_figures(lead, house.server.url, truth)
            settled = settle(lead)
            files = export(lead, tmp_path)
            close_and_open_again(lead, ben, house.server)
    check_readings(json.loads(files["json"].read_text(encoding="utf-8")), house.server.database, settled)
    check_tables(files, truth)
    check_package(files["package"], truth)


def fill_the_disk(page: Page, server: int) -> None:
    """The server's process can write no byte more for a moment; what the reader says meanwhile is stored by
    the same key once it can."""
    page.keyboard.press("a")
    before = resource.prlimit(server, resource.RLIMIT_FSIZE)
    resource.prlimit(server, resource.RLIMIT_FSIZE, (0, before[1]))
    page.keyboard.press("Enter")
    words = "The feedback could not be saved: the disk is full"
    expect(page.locator("#pc-save-error")).to_contain_text(words, timeout=PATIENCE)
    resource.prlimit(server, resource.RLIMIT_FSIZE, before)


def truth_of(database: Path) -> Truth:
    """By the study's own numbers, which the database alone knows."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT number, reference FROM study_case ORDER BY number").fetchall()
    film_of = {number: int(json.loads(place)["path"][len("film-") :][:1]) for number, place in rows}
    assert sorted(film_of.values()) == list(range(CASES))
    return {
        finding: {case: there(film) for case, film in film_of.items()} for finding, there in TRUTH.items()
    }


def look_at_figures(page: Page, url: str, truth: Truth) -> None:
    """What the lead sees of agreement and accuracy; a point leads to its case."""
    page.goto(f"{url}insights/")
    told = f"{len(READERS)} readers, {CASES} cases, of which {CASES} have a truth"
    expect(page.get_by_text(told)).to_be_visible(timeout=PATIENCE)
    for finding in FINDINGS:
        page.get_by_label("Finding", exact=True).click()
        page.get_by_role("option", name=finding).click()
        page.get_by_role("tab", name="Agreement").click()
        for opinion in OPINIONS:
            row = row_of(page, "table-pairs", finding, opinion, "anna and ben")
            expect(row).to_contain_text(f"{cohen(finding, opinion):.3f} (", timeout=PATIENCE)
            row = row_of(page, "table-agreement", finding, opinion)
            expect(row).to_contain_text(f"{fleiss(finding, opinion):.3f} (")
        picture(page, "agreement")
        page.get_by_role("tab", name="Accuracy").click()
        expect(page.locator("#plot-curves")).to_contain_text(f"ROC of {finding}", timeout=PATIENCE)
        for opinion in OPINIONS:
            for reader in READERS:
                row = row_of(page, "table-areas", finding, "ROC", opinion, reader).first
                expect(row).to_contain_text(f"{area(reader, finding, opinion, truth[finding]):.3f} (")
        picture(page, "accuracy")
    page.get_by_label("wAFROC").check()
    expect(page.locator("#plot-curves")).to_contain_text(f"wAFROC of {FINDINGS[-1]}", timeout=PATIENCE)
    plot = page.locator("#plot-scores")
    point = plot.locator("g.scatterlayer path.point").first
    point.scroll_into_view_if_needed()
    case = plot.locator(".js-plotly-plot").evaluate("plot => plot.data[0].customdata[0][0]")
    place = point.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    page.wait_for_timeout(300)
    page.mouse.down()
    page.mouse.up()
    expect(page.locator("#insights-film")).to_contain_text(f"Case {case}: ", timeout=PATIENCE)
    for reader in READERS:
        expect(page.locator("#insights-case")).to_contain_text(reader)


def row_of(page: Page, table: str, *words: str) -> Locator:
    """The row of a table that has all of these words."""
    row = page.locator(f"#{table}").get_by_role("row")
    for word in words:
        row = row.filter(has_text=word)
    return row.first


def settle(page: Page) -> tuple[int, str]:
    """The first disagreement is called present; nobody is named meanwhile. Returns (case, finding)."""
    page.get_by_role("tab", name="Adjudication").click()
    queue = page.locator("#queue")
    expect(queue).to_contain_text("open", timeout=PATIENCE)
    listed = {
        (
            int(queue.get_by_test_id(f"cell-{row}-0").inner_text()),
            queue.get_by_test_id(f"cell-{row}-1").inner_text(),
        )
        for row in range(len(disputed()))
    }
    assert listed >= disputed()  # and those whose boxes differ
    case = int(queue.get_by_test_id("cell-0-0").inner_text())
    finding = queue.get_by_test_id("cell-0-1").inner_text().strip()
    queue.get_by_test_id("cell-0-0").click()
    film, voices = page.locator("#disputed-film"), page.locator("#voices")
    expect(film).to_contain_text(f"Case {case}: {finding}", timeout=PATIENCE)
    expect(page.locator("#insights-film")).to_be_hidden()  # the case that was open, with names
    film.scroll_into_view_if_needed()
    for reader in READERS:
        expect(voices).not_to_contain_text(reader)
        expect(film).not_to_contain_text(reader)
    picture(page, "adjudication")
    page.get_by_label("present", exact=True).check()
    page.get_by_role("button", name="Save consensus").click()
    saved = f"Saved: {finding} in case {case} is present (revision 1)."
    expect(page.get_by_text(saved)).to_be_visible(timeout=PATIENCE)
    return case, finding


def close_and_open_again(lead: Page, reader: Page, server: Server) -> None:
    """The lead closes the study in its list, its reader is told so, and opens it again; who did it stays."""
    lead.goto(f"{server.url}study")
    closing_it = lead.get_by_role("button", name="close study: ")
    lead.once("dialog", lambda dialog: dialog.dismiss())
    closing_it.click()
    expect(closing_it).to_be_focused()  # nothing has happened
    lead.once("dialog", lambda dialog: dialog.accept())
    closing_it.click()
    opening_it = lead.get_by_role("button", name="open again: ")
    expect(opening_it).to_be_focused()
    events = lead.locator("#pc-cards .events li")
    expect(events).to_have_text([re.compile(r"^closed by lea on \S.*, \d\d:\d\d")])

    reader.goto(f"{server.url}study")
    card = reader.locator("#pc-cards .card")
    expect(card).to_contain_text("closed")
    expect(card.locator(".events, .ending")).to_have_count(0)
    card.get_by_role("button", name="Look").click()
    reader.locator("#pc-cases button").first.click()
    error = reader.locator("#pc-case-error")
    expect(error).to_contain_text("This study is closed")

    opening_it.click()
    expect(closing_it).to_be_focused()
    words = [re.compile(f"^{kind} by lea on ") for kind in ("closed", "opened again")]
    expect(events).to_have_text(words)
    reader.locator("#pc-cases button").first.click()
    expect(error).to_be_hidden()
    expect(reader.locator("#pc-opinion")).to_contain_text("Second opinion")
    with closing(sqlite3.connect(server.database)) as connection:
        kept = connection.execute("SELECT kind, person FROM study_event ORDER BY id").fetchall()
    assert kept == [("closed", "lea"), ("opened again", "lea")]


def export(page: Page, folder: Path) -> dict[str, Path]:
    """All files that the page makes."""
    page.get_by_role("tab", name="Exports").click()
    page.get_by_role("button", name="Prepare files").click()
    files = {}
    for kind, words in EXPORTS.items():
        button = page.get_by_role("button", name=words).or_(page.get_by_role("link", name=words)).first
        expect(button).to_be_enabled(timeout=PATIENCE)
        with page.expect_download(timeout=PATIENCE) as arriving:
            button.click()
        files[kind] = folder / f"export.{kind}"
        arriving.value.save_as(files[kind])
    return files


def check_readings(told: dict[str, Any], database: Path, settled: tuple[int, str]) -> None:
    """Every opinion is what its reader was to say; which map was which, the database alone knows."""
    assert (told["study"], told["readers"], told["unreadable"]) == (NAME, list(READERS), [])
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT reader.name, study_case.number, assignment.maps FROM assignment "
            "JOIN reader ON reader.id = reader_id JOIN study_case ON study_case.id = case_id"
        ).fetchall()
    maps = {(reader, case): json.loads(named) for reader, case, named in rows}
    assert {named["A"] for named in maps.values()} == {"patch", "grad_cam"}  # either, case by case
    assert len(told["readings"]) == len(READERS) * CASES * len(FINDINGS) * len(OPINIONS)
    for mark in told["readings"]:
        reader, case = mark["reader"], mark["case"]
        said = PLANS[reader][case, mark["finding"], mark["opinion"]]
        assert (mark["presence"], mark["confidence"], mark["score"]) == (
            said.presence,
            said.confidence,
            said.score,
        )
        verdicts = dict(
            zip((maps[reader, case][letter] for letter in "AB"), said.verdicts or (), strict=False)
        )
        assert mark["verdicts"] == verdicts and mark["seconds"] > 0 and mark["arm"] == "sequential"
        drawn = [pytest.approx(BOX, abs=1.5)] if (case, mark["finding"]) == boxed(reader) else []
        assert mark["boxes"] == drawn
    (consensus,) = told["consensus"]
    assert (consensus["case"], consensus["finding"], consensus["presence"]) == (*settled, "present")


def check_tables(files: dict[str, Path], truth: Truth) -> None:
    """The long table and the boxes, row by row."""
    with files["csv"].open(newline="", encoding="utf-8") as file:
        rows = {tuple(row.values()) for row in csv.DictReader(file)}
    assert rows == {
        (reader, str(case), opinion, finding, f"{said.score:g}", str(int(truth[finding][case])))
        for reader in READERS
        for (case, finding, opinion), said in PLANS[reader].items()
    }
    coco = json.loads(files["coco"].read_text(encoding="utf-8"))
    names = {item["id"]: item["name"] for item in coco["categories"]}
    boxes = [
        (
            item["attributes"]["source"],
            item["attributes"].get("reader"),
            item["image_id"],
            names[item["category_id"]],
        )
        for item in coco["annotations"]
    ]
    drawn = [("reader", reader, *boxed(reader)) for reader in READERS for _ in OPINIONS]
    true = [("truth", None, case, "Effusion") for case, there in truth["Effusion"].items() if there]
    assert sorted(boxes, key=str) == sorted([*drawn, *true], key=str)
    assert all(
        item["bbox"] == list(TRUE_BOX)
        for item in coco["annotations"]
        if item["attributes"]["source"] == "truth"
    )


def check_package(path: Path, truth: Truth) -> None:
    """The figures of the data package, in which readers have numbers, against those computed apart."""
    with zipfile.ZipFile(path) as archive:
        assert not any(
            name.encode() in archive.read(member) for member in archive.namelist() for name in READERS
        )
        told = json.loads(archive.read("figures.json"))
    codes = {f"reader-{number}": reader for number, reader in enumerate(READERS, start=1)}
    assert len(told["agreements"]) == len(FINDINGS) * len(OPINIONS)
    for item in told["agreements"]:
        place = item["finding"], item["condition"]
        assert item["fleiss"]["value"] == pytest.approx(fleiss(*place))
        (pair,) = item["pairs"]
        assert pair["kappa"]["value"] == pytest.approx(cohen(*place)) and pair["kappa"]["n"] == CASES
    curves = [item for item in told["curves"] if item["kind"] == "ROC"]
    assert len(curves) == len(FINDINGS) * len(OPINIONS) * len(READERS)
    for item in curves:
        there = truth[item["finding"]]
        expected = area(codes[item["reader"]], item["finding"], item["condition"], there)
        assert item["area"]["value"] == pytest.approx(expected)
    shifts = [item for item in told["shifts"] if item["reader"] in codes]
    assert len(shifts) == len(FINDINGS) * len(READERS) * 2
    for item in shifts:
        there, present = truth[item["finding"]], item["measure"] == "sensitivity"
        for opinion, value in (("first", item["value_before"]), ("second", item["value_after"])):
            expected = rate(codes[item["reader"]], item["finding"], opinion, there, present)
            assert value["value"] == pytest.approx(expected)
