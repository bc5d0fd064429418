"""The page of accounts with a real browser: what an admin does there, and everybody's own password."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from app.people.accounts import Accounts
from app.people.identity import Role
from app.store import migrate, open_database
from tests.browser.serving import Server, free_port
from tests.browser.test_layout import SPILLED
from tests.browser.test_page import CLIPPED

PASSWORD, OTHER = "correct horse battery", "staple of another"
NOTICE = "Research use only, not for clinical use"
SCREENS = [(1366, 768), (1920, 1080), (820, 1180)]
LINK = "#link-address"


@pytest.fixture(scope="module")
def guarded(browser_type_launch_args: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with an admin, a lead and a reader."""
    database = tmp_path_factory.mktemp("accounts") / "feedback.sqlite3"
    engine = open_database(database)
    migrate(engine)
    accounts = Accounts(engine)
    for name, role in (("Root", Role.ADMIN), ("Lea", Role.LEAD), ("Ada", Role.READER)):
        accounts.create(name, role, PASSWORD)
    engine.dispose()
    with Server(database, free_port()) as running:
        yield running


def sign_in(page: Page, server: Server, name: str, password: str = PASSWORD, path: str = "accounts") -> Page:
    """At a page, by way of the sign-in."""
    page.goto(server.url + path)
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(server.url + path)
    return page


def row(page: Page, name: str) -> list[str]:
    """What the list says of an account."""
    line = page.locator("#rows tr").filter(has=page.get_by_role("rowheader", name=name))
    return [line.locator("select").input_value(), line.locator("td").nth(1).inner_text()]


def violations(page: Page) -> list[str]:
    """What axe finds."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    results = axe.Axe().run(page).response["violations"]
    return [f"{item['id']}: {item['nodes'][0]['html'][:120]}" for item in results]


def test_an_admin_runs_accounts(page: Page, browser: Browser, guarded: Server, troubles: list[str]) -> None:
    sign_in(page, guarded, "Root")
    expect(page.get_by_role("note")).to_have_text(NOTICE)
    expect(page.locator("#rows tr")).to_have_count(3)
    assert row(page, "Lea") == ["lead", "with a password"]
    assert row(page, "Root") == ["admin", "with a password, signed in at 1 browser"]
    expect(page.get_by_label("Role of Root")).to_be_disabled()
    expect(page.get_by_role("button", name="Deactivate Root")).to_have_count(0)

    page.get_by_label("name", exact=True).fill("Eve")
    page.get_by_role("button", name="Add account").click()
    expect(page.locator("#done")).to_have_text("Eve has an account as reader.")
    expect(page.locator("#link-words")).to_contain_text(
        "shown once, is valid for 7 days, and whoever has it is Eve"
    )
    link = page.locator(LINK).input_value()
    assert link.startswith(f"{guarded.url}sign-in#link=")
    assert row(page, "Eve") == ["reader", "no password yet, 1 valid link"]
    page.reload()
    expect(page.locator("#rows tr")).to_have_count(4)
    expect(page.locator("#link")).to_be_hidden()
    assert page.locator(LINK).input_value() == ""

    eve = browser.new_context().new_page()
    eve.goto(link)
    eve.get_by_label("New password").fill(OTHER)
    eve.get_by_label("Once more").fill(OTHER)
    eve.get_by_role("button", name="Set password and sign in").click()
    eve.wait_for_selector('#pc[data-ready="true"]', timeout=60_000)
    expect(eve.locator("#pc-person-name")).to_have_text("Eve")
    expect(eve.locator("#pc-insights")).to_be_hidden()

    page.get_by_label("Role of Eve").select_option("lead")
    expect(page.locator("#done")).to_have_text("Eve is lead now.")
    eve.reload()
    expect(eve.locator("#pc-insights")).to_be_visible()

    page.get_by_role("button", name="Reset the password of Eve").click()
    page.get_by_role("button", name="leave it").click()
    assert row(page, "Eve") == ["lead", "with a password, signed in at 1 browser"]
    page.get_by_role("button", name="Reset the password of Eve").click()
    page.get_by_role("button", name="Reset", exact=True).click()
    expect(page.locator("#done")).to_have_text("Eve chooses a password by the link.")
    expect(page.locator("#link-words")).to_contain_text("Give this link to Eve")
    assert row(page, "Eve") == ["lead", "no password yet, 1 valid link"]
    eve.reload()
    expect(eve).to_have_url(guarded.url + "sign-in")

    page.get_by_role("button", name="Deactivate Eve").click()
    expect(page.get_by_role("dialog")).to_contain_text("Eve is signed out everywhere")
    page.get_by_role("button", name="Deactivate", exact=True).click()
    expect(page.locator("#done")).to_have_text("Eve can no longer sign in.")
    assert row(page, "Eve") == ["lead", "deactivated"]
    page.get_by_role("button", name="Activate Eve").click()
    expect(page.locator("#done")).to_have_text("Eve can sign in again.")
    page.get_by_label("name", exact=True).fill("eve")
    page.get_by_role("button", name="Add account").click()
    expect(page.locator("#add-error")).to_contain_text("There is an account named eve already")
    eve.context.close()


def test_everybody_changes_their_own_password(page: Page, guarded: Server, troubles: list[str]) -> None:
    sign_in(page, guarded, "Ada", path="study")
    page.locator("#pc-person").click()
    expect(page).to_have_url(guarded.url + "accounts")
    expect(page.locator("#own-words")).to_contain_text("Ada, reader.")
    links = page.get_by_role("navigation").get_by_role("link")
    expect(links).to_have_text(["Reader studies", "Free reading"])
    expect(page.locator("#all")).to_be_hidden()
    expect(page.locator("#insights")).to_be_hidden()

    def change(current: str, new: str, again: str) -> None:
        for label, value in (("current password", current), ("new password", new), ("once more", again)):
            page.get_by_label(label).fill(value)
        page.get_by_role("button", name="Change password").click()

    change(PASSWORD, OTHER, "staple")
    expect(page.locator("#password-error")).to_contain_text("The two passwords differ")
    change("something else", OTHER, OTHER)
    expect(page.locator("#password-error")).to_contain_text("Your current password is another")
    change(PASSWORD, OTHER, OTHER)
    expect(page.locator("#password-done")).to_contain_text("Your password is changed.")
    expect(page.get_by_label("new password")).to_have_value("")
    page.reload()
    expect(page.locator("#own-words")).to_contain_text("Ada, reader.")
    page.get_by_role("button", name="sign out").click()
    expect(page).to_have_url(guarded.url + "sign-in")
    sign_in(page, guarded, "Ada", OTHER)


def test_the_pages_lead_to_each_other(page: Page, guarded: Server) -> None:
    sign_in(page, guarded, "Lea")
    page.get_by_role("link", name="Insights").click()
    expect(page).to_have_url(re.compile(r"/insights/?$"))
    page.get_by_role("link", name="Reader studies", exact=True).first.click()
    expect(page).to_have_url(guarded.url + "study")
    page.locator("#pc-insights").click()
    page.get_by_role("link", name="Free reading").click()
    expect(page).to_have_url(guarded.url)
    page.locator("#pc-insights").click()
    page.get_by_role("link", name="Accounts").click()
    expect(page).to_have_url(guarded.url + "accounts")
    page.get_by_role("link", name="Models").click()
    expect(page).to_have_url(re.compile(r"/models/?$"))
    page.get_by_role("link", name="Accounts").click()
    expect(page).to_have_url(guarded.url + "accounts")
    page.get_by_role("link", name="Free reading").click()
    page.locator("#pc-person-name").click()
    expect(page).to_have_url(guarded.url + "accounts")


def test_what_a_key_takes_away_leaves_the_focus_in_its_row(page: Page, guarded: Server) -> None:
    sign_in(page, guarded, "Root")
    link = page.get_by_role("button", name="Personal link for Lea")
    link.press("Enter")
    expect(page.locator(LINK)).to_be_focused()
    page.get_by_role("button", name="put away").press("Enter")
    expect(page.locator("#link")).to_be_hidden()
    expect(link).to_be_focused()
    page.get_by_role("button", name="Deactivate Lea").press("Enter")
    page.locator("#sure-yes").press("Enter")
    activate = page.get_by_role("button", name="Activate Lea", exact=True)
    expect(activate).to_be_focused()
    activate.press("Enter")
    expect(link).to_be_focused()


def test_nothing_is_cut_off_on_any_screen(page: Page, guarded: Server) -> None:
    sign_in(page, guarded, "Root")
    expect(page.locator("#rows tr").first).to_be_visible()
    page.get_by_role("button", name="Personal link for Lea").click()
    expect(page.locator("#link")).to_be_visible()
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(CLIPPED) == [] and page.evaluate(SPILLED) == []
    assert violations(page) == []
    page.get_by_role("button", name="Deactivate Lea").click()
    assert violations(page) == []
