"""How long a frame of each interaction with the film takes, from the browser's own trace.

The hand is real: the pointer is moved, the wheel turned, keys are pressed. Of each interaction the trace
tells when frames were drawn, and how much of the processor the page's main thread took between them.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from playwright.sync_api import Page

STEPS = 30
STEP_PX = 4
WHEEL_SPEED = 2400  # pixels of a page that scrolls, in a second
CATEGORIES = (
    "blink.user_timing",
    "disabled-by-default-devtools.timeline",
    "disabled-by-default-devtools.timeline.frame",
    "__metadata",
)
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of one interaction.

    Attributes:
        name: of the interaction.
        intervals: from one drawn frame to the next, in ms, sorted.
        processor: of the main thread, in ms for a frame on average, whatever else the machine does.
    """

    name: str
    intervals: tuple[float, ...]
    processor: float

    def words(self) -> str:
        """The figures, without the limit."""
        late = self.intervals[min(int(len(self.intervals) * 0.95), len(self.intervals) - 1)]
        return (
            f"{self.name}: median {statistics.median(self.intervals):.0f} ms, 95 % {late:.0f} ms, "
            f"main thread {self.processor:.0f} ms of the processor, n {len(self.intervals)}"
        )


def interactions(page: Page) -> list[Frames]:
    """Of a page with a film that was asked: each interaction by itself, in a trace of its own."""
    box = page.locator("#pc-film").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.locator("#pc-canvas").focus()

    def drag(button: Any) -> Callable[[], None]:
        def act() -> None:
            page.mouse.move(x, y)
            page.mouse.down(button=button)
            for step in range(STEPS):
                away = step if step < STEPS / 2 else STEPS - step
                page.mouse.move(x + STEP_PX * away, y + STEP_PX * away / 2)
            page.mouse.up(button=button)

        return act

    browser = page.context.new_cdp_session(page)

    def wheel(distance: float) -> Callable[[], None]:
        def act() -> None:
            # Turned by the browser itself: a turn that is sent from here waits for the one before to be
            # answered. One turn for each trace, since nothing is to be drawn between two.
            turn = {"x": x, "y": y, "gestureSourceType": "mouse", "speed": WHEEL_SPEED}
            browser.send("Input.synthesizeScrollGesture", {**turn, "yDistance": distance})

        return act

    def press(key: str) -> Callable[[], None]:
        def act() -> None:
            for _ in range(12):
                page.keyboard.press(key)

        return act

    def compare() -> None:
        page.keyboard.press("c")
        page.locator("#pc-tag-right", has_text="no probability").wait_for()

    def curtain() -> None:
        compare()
        drag("left")()
        page.keyboard.press("m")

    acts: list[tuple[str, str, Callable[[], None]]] = [
        ("window drag at fit", "=", drag("right")),
        ("window drag at 1:1", "U", drag("right")),
        ("pan at 1:1", "U", drag("left")),
        ("zoom in", "=", wheel(WHEEL_SPEED / 2)),
        ("zoom out", "U", wheel(-WHEEL_SPEED / 4)),
        ("turn", "=", press("r")),
        ("turn at 1:1", "U", press("r")),
        ("invert", "=", press("i")),
        ("threshold", "=", press("]")),
        ("threshold back", "=", press("[")),
        ("curtain", "=", curtain),
    ]
    compare()  # the server computes, and no frame waits for it
    page.keyboard.press("m")
    found = []
    for name, before, act in acts:
        page.keyboard.press("Home")
        page.keyboard.press(before)
        page.wait_for_timeout(300)
        found.append(traced(page, name, act))
    page.keyboard.press("0")
    page.keyboard.press("Home")
    return found


def traced(page: Page, name: str, act: Callable[[], None]) -> Frames:
    """What an interaction costs, by a trace of the browser."""
    browser = page.context.browser
    assert browser is not None
    browser.start_tracing(page=page, categories=list(CATEGORIES))
    page.evaluate("performance.mark('film begins')")
    act()
    page.evaluate("performance.mark('film ends')")
    page.wait_for_timeout(100)
    return frames_of(name, json.loads(browser.stop_tracing())["traceEvents"])


def frames_of(name: str, events: list[Event]) -> Frames:
    """The frames between both marks of a trace."""
    marks = {event["name"]: event for event in events if event["name"] in ("film begins", "film ends")}
    begin, end = marks["film begins"], marks["film ends"]
    inside = [event for event in events if begin["ts"] <= event["ts"] <= end["ts"]]
    page = [event for event in inside if event["pid"] == begin["pid"]]
    drawn = sorted(event["ts"] for event in page if event["name"] == "DrawFrame")
    if len(drawn) < 3:
        raise RuntimeError(f"{name}: the trace holds {len(drawn)} frames")
    tasks = [event for event in page if event["name"] == "RunTask" and event["tid"] == begin["tid"]]
    intervals = sorted((after - before) / 1000 for before, after in pairwise(drawn))
    return Frames(name, tuple(intervals), sum(task.get("tdur", 0) for task in tasks) / 1000 / len(drawn))
