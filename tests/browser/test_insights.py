"""Insights in a real browser, under the strict policy: figures, cases, consensus, exports."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
import sqlalchemy
from playwright.sync_api import Page, expect

from app.insights.disagreements import disagreements
from app.insights.figures import figures
from app.insights.opinions import Readings
from app.insights.package import without_names
from app.insights.record import record
from app.insights.tables import tables
from app.people.accounts import Accounts
from app.people.cookie import NAME
from app.people.identity import Role
from app.people.sign_in import SignIns
from app.store import migrate, open_database
from app.study.cases import read_cases
from app.study.data import StudyData
from app.study.loading import study_data
from app.study.making import make_study
from app.study.server import model_of
from app.study.studies import Studies
from patchclip import Engine
from patchclip.image.synthetic import synthetic_radiograph
from tests.app.insights.reading_room import read_all
from tests.browser.serving import Server, free_port

PROTOCOL = """
title = "Two findings"
findings = ["Effusion", "Nodule"]
arms = ["sequential"]
maps = { A = "patch", B = "gradcam" }
"""
PASSWORD = "a long enough password"
PATIENCE = 60_000


@dataclass
class Room:
    """A server with a study that was read, and the study's records."""

    server: Server
    data: StudyData
    database: sqlalchemy.Engine


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Room]:
    """Six cases, three readers."""
    folder = tmp_path_factory.mktemp("room")
    films = folder / "films"
    films.mkdir()
    for number in range(6):
        drawn = synthetic_radiograph("effusion" if number % 2 else "none", size=160, seed=number)
        assert cv2.imwrite(str(films / f"{number}.png"), np.round(drawn.pixels * 255).astype(np.uint8))
    database = open_database(folder / "feedback.sqlite3")
    migrate(database)
    cases = read_cases(films, engine.vocabulary)
    study = make_study(Studies(database), model_of(engine), "small", PROTOCOL, cases, ("Ada", "Ben", "Cleo"))
    read_all(database, study)
    Accounts(database).create("Lea", Role.LEAD, PASSWORD)  # as several people read, sign-in is on
    with Server(folder / "feedback.sqlite3", free_port()) as server:
        yield Room(server, study_data(database, study), database)
    database.dispose()


@pytest.fixture
def insights(page: Page, room: Room, requests: list[str], troubles: list[str]) -> Page:
    """The page with the study's figures, for its lead."""
    hour = timedelta(hours=1)
    sign_ins = SignIns(room.database, idle=hour, lasts=hour)
    token = sign_ins.by_password("Lea", PASSWORD, "127.0.0.1").token
    page.context.add_cookies([{"name": NAME, "value": token, "url": room.server.url}])
    page.goto(room.server.url + "insights/")
    expect(page.get_by_text("3 readers, 6 cases, of which 6 have a truth")).to_be_visible(timeout=PATIENCE)
    return page


def test_figures_are_those_of_the_database(insights: Page, room: Room) -> None:
    every = tables(figures(room.data))
    insights.get_by_role("tab", name="Agreement").click()
    table = insights.locator("#table-agreement")
    expect(table).to_contain_text(str(every["agreement"].of("Effusion").rows[0][3]), timeout=PATIENCE)
    insights.get_by_role("tab", name="Accuracy").click()
    area = str(every["areas"].of("Effusion").rows[0][4])
    expect(insights.locator("#table-areas")).to_contain_text(area)
    expect(insights.locator("#plot-curves .js-plotly-plot")).to_be_visible(timeout=PATIENCE)
    expect(insights.locator("#plot-curves")).to_contain_text("ROC of Effusion")

    insights.get_by_label("wAFROC").check()
    expect(insights.locator("#plot-curves")).to_contain_text("wAFROC of Effusion", timeout=PATIENCE)
    insights.get_by_label("Finding", exact=True).click()
    insights.get_by_role("option", name="Nodule").click()
    expect(insights.locator("#plot-curves")).to_contain_text("wAFROC of Nodule", timeout=PATIENCE)
    expect(insights.locator("#table-areas")).to_contain_text(str(every["areas"].of("Nodule").rows[0][4]))


def test_a_point_leads_to_its_case(insights: Page, room: Room) -> None:
    insights.get_by_role("tab", name="Accuracy").click()
    plot = insights.locator("#plot-scores")
    expect(plot.locator(".js-plotly-plot")).to_be_visible(timeout=PATIENCE)
    point = plot.locator("g.scatterlayer path.point").first
    point.scroll_into_view_if_needed()
    case = plot.locator(".js-plotly-plot").evaluate("plot => plot.data[0].customdata[0][0]")
    place = point.bounding_box()
    assert place is not None
    insights.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    insights.wait_for_timeout(300)
    insights.mouse.down()
    insights.mouse.up()
    film = insights.locator("#insights-film")
    expect(film).to_contain_text(f"Case {case}: Effusion is", timeout=PATIENCE)
    assert film.locator("image").first.get_attribute("xlink:href") or film.locator(
        "image"
    ).first.get_attribute("href")
    said = insights.locator("#insights-case")
    for reader in ("Ada", "Ben", "Cleo"):
        expect(said).to_contain_text(reader)


def test_a_disagreement_is_settled_without_names(insights: Page, room: Room) -> None:
    (first, *_) = disagreements(Readings(room.data))
    insights.get_by_role("tab", name="Adjudication").click()
    queue = insights.locator("#queue")
    expect(queue).to_contain_text("open", timeout=PATIENCE)
    queue.get_by_test_id("cell-0-0").click()
    expect(insights.locator("#disputed-film")).to_contain_text(
        f"Case {first.case}: {first.finding}", timeout=PATIENCE
    )
    voices = insights.locator("#voices")
    expect(voices).to_contain_text("A")
    for reader in ("Ada", "Ben", "Cleo"):
        expect(voices).not_to_contain_text(reader)
        expect(insights.locator("#disputed-film")).not_to_contain_text(reader)
    insights.get_by_label("present", exact=True).check()
    insights.get_by_role("button", name="Save consensus").click()
    expect(
        insights.get_by_text(f"Saved: {first.finding} in case {first.case} is present (revision 1).")
    ).to_be_visible(timeout=PATIENCE)
    with room.database.connect() as connection:
        rows = connection.exec_driver_sql("SELECT finding, presence, condition FROM consensus").all()
    assert rows == [(first.finding, "present", "second")]


def test_the_package_is_taken_home(insights: Page, room: Room, tmp_path: Path) -> None:
    insights.get_by_role("tab", name="Exports").click()
    insights.get_by_role("button", name="Prepare files").click()
    button = insights.get_by_role("button", name=re.compile("Data package")).or_(
        insights.get_by_role("link", name=re.compile("Data package"))
    )
    expect(button.first).to_be_enabled(timeout=PATIENCE)
    with insights.expect_download(timeout=PATIENCE) as arriving:
        button.first.click()
    path = tmp_path / "package.zip"
    arriving.value.save_as(path)
    with zipfile.ZipFile(path) as archive:
        told = json.loads(archive.read("figures.json"))
    assert told == record(figures(without_names(room.data)))
