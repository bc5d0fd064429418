"""The page of models in a real browser: a lead teaches a model, compares any two, has one answer."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Page, expect

from app.people.accounts import Accounts
from app.people.cookie import NAME
from app.people.identity import Role
from app.people.sign_in import SignIns
from app.store import migrate, open_database
from app.study.cases import read_cases
from app.study.making import make_study
from app.study.server import model_of
from app.study.studies import Studies
from patchclip import Engine
from patchclip.image.synthetic import synthetic_radiograph
from tests.app.insights.reading_room import read_all
from tests.browser.serving import Server, free_port
from tests.tiny import tiny_checkpoint

PROTOCOL = """
title = "Two findings"
findings = ["Effusion", "Nodule"]
arms = ["sequential"]
maps = { A = "patch" }
"""
PASSWORD = "a long enough password"
PATIENCE = 300_000  # the trainer works at low priority, on whatever the machine has left


def test_a_lead_teaches_a_model_and_has_it_answer(page: Page, tmp_path: Path) -> None:
    films = tmp_path / "films"
    films.mkdir()
    for number in range(16):
        drawn = synthetic_radiograph("effusion" if number % 2 else "none", size=96, seed=number)
        assert cv2.imwrite(str(films / f"{number}.png"), np.round(drawn.pixels * 255).astype(np.uint8))
    engine = Engine.from_pretrained(tiny_checkpoint(tmp_path / "tiny"), device="cpu")
    database = open_database(tmp_path / "feedback.sqlite3")
    migrate(database)
    cases = read_cases(films, engine.vocabulary)
    read_all(database, make_study(Studies(database), model_of(engine), "small", PROTOCOL, cases, ("Ada",)))
    for name, role in (("Lea", Role.LEAD), ("Ada", Role.READER)):
        Accounts(database).create(name, role, PASSWORD)
    sign_ins = SignIns(database, idle=timedelta(hours=1), lasts=timedelta(hours=1))
    tokens = {name: sign_ins.by_password(name, PASSWORD, "127.0.0.1").token for name in ("Lea", "Ada")}
    environment = {"PATCHCLIP_CHECKPOINT": str(tmp_path / "tiny")}
    with Server(tmp_path / "feedback.sqlite3", free_port(), environment) as server:
        url = server.url
        page.context.add_cookies([{"name": NAME, "value": tokens["Ada"], "url": url}])
        refused = page.goto(url + "models/")
        assert refused is not None and refused.status == 403
        page.context.add_cookies([{"name": NAME, "value": tokens["Lea"], "url": url}])
        page.goto(server.url + "models/")
        expect(page.get_by_role("link", name="Insights")).to_have_attribute("href", "/insights")
        models = page.locator("#table-models")
        expect(models).to_contain_text(engine.sha256[:12], timeout=PATIENCE)
        expect(page.get_by_text("was not made from another model here")).to_be_visible()

        page.get_by_label("Name of the new model").fill("taught-here")
        page.get_by_label("Why a worse model").fill("this one knows nothing")
        page.get_by_role("button", name="Teach the model above").click()
        progress = page.locator("#models-progress")
        expect(progress).to_contain_text("tiny (", timeout=PATIENCE)
        expect(progress).to_contain_text("done", timeout=PATIENCE)
        expect(models).to_contain_text("taught-here", timeout=PATIENCE)
        expect(models).to_contain_text(f"tiny ({engine.sha256[:12]})")

        page.get_by_label("Model", exact=True).click()
        page.get_by_role("option", name="taught-here").click()
        expect(page.locator("#models-note")).to_contain_text("and readings of small of", timeout=PATIENCE)
        expect(page.locator("#table-figures")).to_contain_text("agreement with readers")

        tiny_checkpoint(tmp_path / "models" / "other", seed=1)  # neither is made from the other
        page.get_by_role("button", name="Refresh").click()
        other = Engine.from_pretrained(tmp_path / "models" / "other", device="cpu").sha256[:12]
        expect(models).to_contain_text(other, timeout=PATIENCE)
        page.get_by_label("Compare with").click()
        page.get_by_role("option", name=f"tiny ({other})").click()
        note, figures = page.locator("#models-note"), page.locator("#table-figures")
        expect(note).to_contain_text("was not compared yet", timeout=PATIENCE)
        page.get_by_role("button", name="Compare", exact=True).click()
        expect(progress).to_contain_text(f"against tiny ({other})", timeout=PATIENCE)
        expect(progress).to_contain_text("compared", timeout=PATIENCE)
        expect(note).to_contain_text("on what neither learnt from", timeout=PATIENCE)
        expect(note).to_contain_text("2 held-out readings, ")
        expect(note).to_contain_text("; readings of small.")
        expect(figures).to_contain_text("agreement with readers")

        page.get_by_role("button", name="Use this model").click()
        expect(page.locator("#models-note")).to_contain_text("answers from now on", timeout=PATIENCE)

        page.goto(server.url)
        expect(page.locator("#pc-model")).to_contain_text("model taught-here", timeout=PATIENCE)
        made = {path.parent for path in (tmp_path / "models").glob("*/model.json")}
        (folder,) = made - {tmp_path / "models" / "other"}
        answering = Engine.from_pretrained(folder, device="cpu").sha256
        expect(page.locator("#pc-model")).to_have_attribute("title", answering)
        page.goto("about:blank")  # else the server gives the page's stream a second to end
    database.dispose()
