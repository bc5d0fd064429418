"""Signing in with a real browser: by password and link, over the page when it ends, and out again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.people.accounts import Accounts, Purpose
from app.people.identity import Role
from app.store import migrate, open_database
from tests.browser.page_reader import ask, open_file
from tests.browser.serving import Server, free_port

PASSWORD = "correct horse battery"
NOTICE = "Research use only, not for clinical use"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on which Ada and Ben have accounts."""
    database = tmp_path_factory.mktemp("people") / "feedback.sqlite3"
    engine = open_database(database)
    migrate(engine)
    accounts = Accounts(engine)
    accounts.create("Ada", Role.READER, PASSWORD)
    accounts.create("Ben", Role.READER, PASSWORD)
    engine.dispose()
    with Server(database, free_port()) as running:
        yield running


def link(server: Server, name: str, purpose: Purpose) -> str:
    """A personal link."""
    engine = open_database(server.database)
    token = Accounts(engine).link(name, purpose, valid=timedelta(days=1))
    engine.dispose()
    return f"{server.url}sign-in#link={token}"


def sign_in(page: Page, server: Server, name: str, password: str = PASSWORD) -> None:
    """Fills in the sign-in page."""
    page.goto(server.url)
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def ready(page: Page) -> None:
    """Waits for the page behind."""
    page.wait_for_selector('#pc[data-ready="true"]', timeout=60_000)


def end_all_sign_ins(server: Server) -> None:
    """As if time had passed."""
    with closing(sqlite3.connect(server.database)) as connection, connection:
        connection.execute("UPDATE sign_in SET expires_at = '2020-01-01 00:00:00'")


def stored(server: Server) -> list[tuple[str, str]]:
    """(reader, comment) of each reading."""
    with closing(sqlite3.connect(server.database)) as connection:
        return connection.execute("SELECT reader, comment FROM feedback ORDER BY id").fetchall()


def test_nobody_sees_the_page_before_signing_in(
    page: Page, guarded: Server, requests: list[str], troubles: list[str]
) -> None:
    page.goto(guarded.url + "#study=kept")
    expect(page).to_have_url(f"{guarded.url}sign-in#study=kept")
    expect(page.get_by_role("note")).to_have_text(NOTICE)
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    assert axe.Axe().run(page).violations_count == 0
    page.get_by_label("Name", exact=True).fill("Ada")
    page.get_by_label("Password", exact=True).fill("wrong password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Name or password is wrong")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    ready(page)
    expect(page).to_have_url(f"{guarded.url}#study=kept")
    expect(page.locator("#pc-person-name")).to_have_text("Ada")
    expect(page.locator("#pc-reader")).to_have_value("Ada")
    expect(page.locator("#pc-reader")).not_to_be_editable()
    cookie = next(item for item in page.context.cookies() if item["name"] == "patch-clip-sign-in")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("document.cookie") == ""


def test_a_sign_in_that_ends_loses_nothing_of_the_page(
    page: Page, guarded: Server, dicom: Path, requests: list[str], troubles: list[str]
) -> None:
    sign_in(page, guarded, "Ada")
    ready(page)
    open_file(page, dicom)
    ask(page, "mass")
    page.locator('[data-presence="unsure"]').click()
    page.locator("#pc-comment").fill("typed before the end")
    end_all_sign_ins(guarded)
    page.locator("#pc-save").click()
    dialog = page.get_by_role("dialog", name="Sign in again")
    expect(dialog).to_contain_text("Your sign-in has ended")
    expect(dialog).to_contain_text(NOTICE)
    expect(dialog.get_by_label("Name")).to_have_value("Ada")
    expect(dialog.get_by_label("Name")).not_to_be_editable()
    dialog.get_by_label("Password").fill("wrong password")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("Name or password is wrong")
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.locator("#pc-saved")).to_contain_text("saved, ")
    assert stored(guarded)[-1] == ("Ada", "typed before the end")
    expect(page.locator("#pc-comment")).to_have_value("typed before the end")


def test_who_signs_in_next_at_the_browser_finds_nothing_of_the_one_before(
    page: Page, guarded: Server, dicom: Path, requests: list[str], troubles: list[str]
) -> None:
    sign_in(page, guarded, "Ada")
    ready(page)
    open_file(page, dicom)
    ask(page, "mass")
    address = page.url
    page.locator('[data-presence="present"]').click()
    page.locator("#pc-comment").fill("only for Ada")
    page.once("dialog", lambda asked: asked.dismiss())
    page.locator("#pc-sign-out").click()
    expect(page.locator("#pc-comment")).to_have_value("only for Ada")  # asked, and stayed
    page.once("dialog", lambda asked: asked.accept())
    page.locator("#pc-sign-out").click()
    expect(page).to_have_url(f"{guarded.url}sign-in")
    page.get_by_label("Name", exact=True).fill("Ben")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    ready(page)
    expect(page.locator("#pc-reader")).to_have_value("Ben")
    expect(page.locator("#pc-studies li")).to_have_count(0)
    expect(page.locator("#pc-comment")).to_have_value("")
    page.goto(address)
    ready(page)
    page.reload()
    ready(page)
    expect(page.locator("#pc-open-error")).to_contain_text("not open here")
    page.locator("#pc-history").click()
    expect(page.locator("#pc-history-dialog")).to_be_visible()
    expect(page.locator("#pc-rows tr")).to_have_count(0)


def test_links_sign_in_once_and_let_a_password_be_chosen(
    context: BrowserContext, guarded: Server, requests: list[str]
) -> None:
    personal, page = link(guarded, "Ben", Purpose.SIGN_IN), context.new_page()
    page.goto(personal)
    expect(page.locator("#note")).to_have_text("This link signs you in as Ben.")
    expect(page).to_have_url(f"{guarded.url}sign-in")  # out of the address
    page.get_by_role("button", name="Sign in").click()
    ready(page)
    expect(page.locator("#pc-person-name")).to_have_text("Ben")
    context.clear_cookies()
    page.goto("about:blank")
    page.goto(personal)
    expect(page.locator("#note")).to_contain_text("used already")
    expect(page.get_by_label("Name", exact=True)).to_be_visible()
    page.goto("about:blank")
    page.goto(link(guarded, "Ben", Purpose.PASSWORD))
    expect(page.locator("#note")).to_contain_text("Choose a password for Ben: 12 characters or more")
    page.get_by_label("New password").fill("another one entirely")
    page.get_by_label("Once more").fill("another one entirley")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("differ")
    page.get_by_label("Once more").fill("another one entirely")
    page.keyboard.press("Enter")
    ready(page)
    assert not [url for url in requests if "link" in url and "api/" not in url and "page/" not in url]


@pytest.mark.parametrize(
    "there", ["https://evil.example/", "//evil.example/", "/.//evil.example/", "/\\evil"]
)
def test_the_way_back_leads_to_this_server_alone(
    page: Page, guarded: Server, requests: list[str], there: str
) -> None:
    page.goto(f"{guarded.url}sign-in?next={there}")
    page.get_by_label("Name", exact=True).fill("Ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    assert page.url.startswith(guarded.url)
