"""A slow or failing server: chosen calls of the page wait until a test lets them go or answers them."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, Route

PATIENCE_MS = 10_000
PROBE = "/api/probe"


class Late:
    """Meets every call of the page; those named wait, all others pass."""

    def __init__(self, page: Page, *names: str) -> None:
        self._page, self._names, self.waiting = page, names, list[Route]()
        self.met: list[str] = []  # the names of all calls so far
        page.route(re.compile("/api/"), self._meet)
        while (
            page.url.startswith("http") and PROBE not in self.met
        ):  # the browser may let the first requests slip by
            page.evaluate("address => fetch(address).catch(() => null)", PROBE)

    def _meet(self, route: Route) -> None:
        if route.request.url.endswith(PROBE):
            self.met.append(PROBE)
            route.fulfill(status=204)
            return
        name = route.request.url.rpartition("/")[2]
        self.met.append(name)
        if name in self._names:
            self.waiting.append(route)
        else:
            route.continue_()

    def _next(self) -> Route:
        for _ in range(PATIENCE_MS // 20):
            if self.waiting:
                return self.waiting.pop(0)
            self._page.wait_for_timeout(20)
        raise AssertionError(f"no call of {self._names}; met {self.met}")

    def wait(self) -> None:
        """Until one of the named calls has arrived."""
        self.waiting.insert(0, self._next())

    def let_go(self) -> None:
        """The oldest call that waits reaches the server."""
        self._next().continue_()

    def lose(self) -> None:
        """The server does what the oldest call that waits asks for, but its reply never arrives."""
        route = self._next()
        route.fetch()
        route.abort()

    def answer(self, reply: dict[str, Any]) -> None:
        """The oldest call that waits gets this reply, and the server never hears of it."""
        self._next().fulfill(json=reply)

    def change(self, **changes: Any) -> None:
        """The oldest call that waits gets the server's reply, of which an answer or the whole is changed."""
        route = self._next()
        reply = route.fetch().json()
        (reply["answers"][0] if "answers" in reply else reply).update(changes)
        route.fulfill(json=reply)
