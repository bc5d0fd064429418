"""A whole small study on the real server: an administrator makes it from a folder, two readers read six cases
in sequential arms, the server is restarted in between, and what is read out is what they said.

PATCHCLIP_PICTURES=assets/study has the test draw the pictures of app/README.md anew.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from app.people.accounts import Accounts, Purpose
from app.people.identity import Role
from app.store import migrate, open_database
from app.study.data import StudyData
from app.study.loading import study_data
from tests.browser.drawn_chest import write_dicom
from tests.browser.serving import Server, free_port

CASES = 6
READERS = ("anna", "ben")
FINDINGS = ("Effusion", "Cardiomegaly")
KEYS = {"present": "1", "absent": "2", "unsure": "3"}
VERDICTS = {"correct": "4", "partly": "5", "wrong": "6"}
PICTURES = os.environ.get("PATCHCLIP_PICTURES")
WIDTH, HEIGHT = 1366, 768
STUDY = 2  # the first is the free reading


@dataclass(frozen=True)
class Opinion:
    """What a reader is to say of a finding; `verdicts` of map A and map B."""

    presence: str
    confidence: int | None = None
    verdicts: tuple[str, str] | None = None


def plan_of(reader: str) -> dict[tuple[int, str, str], Opinion]:
    """(case, finding, opinion) -> what that reader says: drawn beforehand, of every kind."""
    draw = random.Random(reader)
    said: dict[tuple[int, str, str], Opinion] = {}
    for case in range(1, CASES + 1):
        for finding in FINDINGS:
            presence = draw.choice(tuple(KEYS))
            confidence = draw.choice((None, 50, 60, 70, 80)) if presence != "unsure" else None
            first = Opinion(presence, confidence)
            said[case, finding, "first"] = first
            verdicts = (draw.choice(tuple(VERDICTS)), draw.choice(tuple(VERDICTS)))
            if draw.random() < 0.5 or presence == "unsure":
                first = Opinion("absent" if presence == "present" else "present", 60)
            said[case, finding, "second"] = replace(first, verdicts=verdicts)
    return said


@dataclass(frozen=True)
class House:
    """The server with its people: name -> a link that signs them in."""

    server: Server
    links: dict[str, str]


@pytest.fixture
def house(browser_type_launch_args: dict[str, Any], tmp_path: Path) -> Iterator[House]:
    """An administrator, two readers, a folder of six films, and no study yet."""
    chest = tmp_path / "cases" / "chest"
    chest.mkdir(parents=True)
    for number in range(CASES):
        write_dicom(chest / f"film-{number}.dcm", number, effusion=number % 2 == 0)
    (chest / "notes.txt").write_text("no radiograph", encoding="utf-8")
    file, port = tmp_path / "data" / "feedback.sqlite3", free_port()
    database = open_database(file)
    migrate(database)
    accounts = Accounts(database)
    links = {}
    for name, role in (("admin", Role.ADMIN), *((name, Role.READER) for name in READERS)):
        accounts.create(name, role, None)
        token = accounts.link(name, Purpose.SIGN_IN, valid=timedelta(days=1))
        links[name] = f"http://127.0.0.1:{port}/sign-in?next=%2Fstudy#link={token}"
    database.dispose()
    with Server(file, port, {"PATCHCLIP_STUDY_CASES": str(tmp_path / "cases")}) as server:
        yield House(server, links)


def test_a_whole_study(house: House, browser: Browser) -> None:
    with ExitStack() as stack:
        windows = {name: entered(stack, browser, house.links[name]) for name in house.links}
        create(windows["admin"])
        anna, ben = windows["anna"], windows["ben"]
        begin(anna)
        for _ in range(CASES // 2):
            read(anna, plan_of("anna"))
        house.server.stop(signal.SIGTERM)
        with house.server:
            for _ in range(CASES // 2):  # in the same window: nothing is to be loaded again
                read(anna, plan_of("anna"))
            expect(anna.locator("#pc-empty")).to_contain_text("All cases are read")
            begin(ben)
            for number in range(CASES):
                if number == 2:
                    ben.reload()
                read(ben, plan_of("ben"))
            expect(ben.locator("#pc-done")).to_have_text(f"{CASES} of {CASES} read")
    check(house.server.database)


def entered(stack: ExitStack, browser: Browser, link: str) -> Page:
    """A browser of their own, signed in by a personal link."""
    context = stack.enter_context(browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}))
    page = context.new_page()
    page.goto(link)
    page.locator("#link-form button").click()
    page.wait_for_selector('#pc[data-ready="true"]')
    return page


def create(page: Page) -> None:
    """An administrator makes the study on the page."""
    page.locator("#pc-new").click()
    page.locator("#pc-new-name").fill("Effusion and heart")
    page.locator("#pc-new-folder").select_option("chest")
    page.locator("#pc-new-readers").fill(", ".join(READERS))
    page.locator("#pc-new-findings").fill("\n".join(FINDINGS))
    picture(page, "new-study")
    page.locator("#pc-new-form [type=submit]").click()
    making = page.locator("#pc-creations")
    expect(making).to_contain_text(f"Made, with {CASES} cases.", timeout=120_000)
    expect(making).to_contain_text(f"File {CASES + 1}: ")
    expect(making).not_to_contain_text("notes")


def begin(page: Page) -> None:
    """A reader finds the study in their list."""
    page.reload()
    page.wait_for_selector('#pc[data-ready="true"]')
    expect(page.locator("#pc-cards .card")).to_contain_text(f"0 of {CASES} read")
    picture(page, "studies")
    page.keyboard.press("Enter")


def read(page: Page, said: dict[tuple[int, str, str], Opinion]) -> None:
    """Both opinions of the case on screen, by keys alone."""
    expect(page.locator("#pc-opinion")).to_contain_text("First opinion", timeout=120_000)
    expect(page.locator("#pc-busy")).to_be_hidden(timeout=60_000)
    case = int(page.locator("#pc-case").inner_text().removeprefix("Case "))
    expect(page.locator("#pc-map-tools")).to_be_hidden()
    give(page, {finding: said[case, finding, "first"] for finding in FINDINGS})
    picture(page, "first-opinion")
    page.keyboard.press("Enter")
    expect(page.locator("#pc-caption")).to_contain_text("map A", timeout=60_000)
    give(page, {finding: said[case, finding, "second"] for finding in FINDINGS})
    picture(page, "second-opinion")
    page.keyboard.press("Enter")
    # The next case, or none.
    finished = page.locator("#pc-empty:not([hidden]), #pc-opinion:text('First opinion')")
    expect(finished.first).to_be_visible(timeout=60_000)


def give(page: Page, said: dict[str, Opinion]) -> None:
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
            page.keyboard.press(VERDICTS[verdict])
        page.keyboard.press("n")


def check(file: Path) -> None:
    """What is read out, against what the readers were to say."""
    database = open_database(file)
    data = study_data(database, STUDY)
    database.dispose()
    assert data.name == "Effusion and heart" and sorted(data.readers) == sorted(READERS)
    assert len(data.cases) == CASES and data.unreadable == ()
    assert len(data.marks) == len(READERS) * CASES * len(FINDINGS) * 2
    for reader in READERS:
        plan = plan_of(reader)
        theirs = {
            (mark.case, mark.finding, mark.opinion): mark for mark in data.marks if mark.reader == reader
        }
        assert theirs.keys() == plan.keys()
        for place, opinion in plan.items():
            mark = theirs[place]
            assert (mark.presence, mark.confidence) == (opinion.presence, opinion.confidence), place
            assert mark.arm == "sequential" and mark.seconds > 0
            # Which method was called A is the server's secret: the two verdicts are on the two methods.
            assert sorted(mark.verdicts.values()) == sorted(opinion.verdicts or ()), place
            assert set(mark.verdicts) <= {"patch", "grad_cam"}
    assert swapped(data) == {True, False}, "the patch map is A for some cases and B for others"


def swapped(data: StudyData) -> set[bool]:
    """Whether the patch map was called B, over the readings whose verdicts tell."""
    seen = set()
    for mark in data.marks:
        verdicts = plan_of(mark.reader)[mark.case, mark.finding, mark.opinion].verdicts
        if verdicts and verdicts[0] != verdicts[1]:
            seen.add(mark.verdicts["patch"] == verdicts[1])
    return seen


def picture(page: Page, name: str) -> None:
    """A picture for the README, where one is wanted and not drawn yet in this run."""
    if not PICTURES or name in DRAWN:
        return
    DRAWN.add(name)
    Path(PICTURES).mkdir(parents=True, exist_ok=True)
    page.wait_for_timeout(300)
    page.screenshot(path=Path(PICTURES) / f"{name}.jpg", type="jpeg", quality=82)


DRAWN: set[str] = set()
