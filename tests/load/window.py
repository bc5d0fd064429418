"""One reader under load in a real browser: reads films and cases of a study by keys, as people do."""

from __future__ import annotations

import json
import time
from pathlib import Path
from threading import Event

from playwright.sync_api import Error, Page, Response, expect, sync_playwright

from tests.browser.conftest import FLAGS, chromium
from tests.load.reader import QUESTIONS, Record

PATIENCE_MS = 120_000
ASK = "ask in a browser"


class BrowserReader:
    """Somebody with a browser, signed in by a cookie.

    Args:
        url: of the server.
        name: of the account.
        cookie: name and value of its sign-in.
        film: the file that this reader opens.
        pause_s: how long they look before they do the next thing.
    """

    def __init__(self, url: str, name: str, cookie: tuple[str, str], film: Path, pause_s: float) -> None:
        self.name, self.record = name, Record()
        self._url, self._cookie, self._film, self._pause = url, cookie, film, pause_s
        self._number = 0

    def run(self, stop: Event) -> None:
        """Reads until told to stop."""
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
                context = browser.new_context(viewport={"width": 1366, "height": 768})
                context.add_cookies([{"name": self._cookie[0], "value": self._cookie[1], "url": self._url}])
                page = context.new_page()
                page.set_default_timeout(PATIENCE_MS)
                page.on("response", self._answered)
                page.on("pageerror", lambda error: self.record.troubles.append(f"the page failed: {error}"))
                while not stop.is_set():
                    self._read_film(page, stop)
                    if not stop.is_set():
                        self._read_case(page, stop)
                browser.close()
        except (Error, AssertionError, OSError) as error:
            self.record.troubles.append(f"{self.name} stopped: {type(error).__name__}: {error}")

    def _answered(self, response: Response) -> None:
        """Every save that the server calls saved counts, whatever the page makes of the answer."""
        request = response.request
        if response.status != 200 or request.post_data is None:
            return
        if request.url.endswith("/api/save"):
            self.record.acknowledged.append(str(json.loads(request.post_data)["comment"]))
        elif request.url.endswith("/api/study_save"):
            self.record.opinions.append(str(json.loads(request.post_data)["key"]))

    def _read_film(self, page: Page, stop: Event) -> None:
        page.goto(self._url)
        page.wait_for_selector('#pc[data-ready="true"]')
        with page.expect_file_chooser() as chooser:
            page.locator("#pc-open").click()
        chooser.value.set_files(self._film)
        for question in QUESTIONS[:2]:
            page.locator("#pc-query").fill(question)
            began = time.perf_counter()
            with page.expect_response(lambda response: response.url.endswith("/api/ask")):
                page.locator("#pc-query").press("Enter")
            self.record.seconds.setdefault(ASK, []).append(time.perf_counter() - began)
            stop.wait(self._pause)
        self._number += 1
        page.locator('[data-presence="present"]').click()
        page.locator("#pc-comment").fill(f"{self.name}, reading {self._number}")
        page.locator("#pc-save").click()
        expect(page.locator("#pc-saved")).to_contain_text("saved, ", timeout=PATIENCE_MS)
        with page.expect_response(lambda response: response.url.endswith("/api/history")) as history:
            page.locator("#pc-history").click()
        others = {row["reader"] for row in history.value.json()["rows"]} - {self.name}
        if others:
            self.record.crossings.append(f"rows of {sorted(others)} on the page of {self.name}")

    def _read_case(self, page: Page, stop: Event) -> None:
        page.goto(f"{self._url}study")
        page.wait_for_selector('#pc[data-ready="true"]')
        button = page.locator("#pc-cards .card button.primary")
        if button.inner_text() == "Look":
            return  # all is read
        button.click()
        expect(page.locator("#pc-opinion")).to_contain_text("First opinion", timeout=PATIENCE_MS)
        expect(page.locator("#pc-busy")).to_be_hidden(timeout=PATIENCE_MS)
        if page.locator("#pc-map-tools").is_visible():
            self.record.troubles.append("maps were on the page before an opinion")
        stop.wait(self._pause)
        page.keyboard.press("a")
        began = time.perf_counter()
        page.keyboard.press("Enter")
        expect(page.locator("#pc-caption")).to_contain_text("map A", timeout=PATIENCE_MS)
        self.record.seconds.setdefault("save to maps in a browser", []).append(time.perf_counter() - began)
        stop.wait(self._pause)
        page.keyboard.press("Enter")
        done = page.locator("#pc-empty:not([hidden]), #pc-opinion:text('First opinion')")
        expect(done.first).to_be_visible(timeout=PATIENCE_MS)
