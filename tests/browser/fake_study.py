"""A small server of studies in memory, for the page alone: answers `/study` as the real one does."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, Route

from tests.browser.drawn_chest import HEIGHT, WIDTH, pixels

ORIGIN = "http://page.test/"
FILES = Path(__file__).resolve().parents[2] / "app"
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
FINDINGS = [
    {"label": "Effusion", "name": "pleural effusion"},
    {"label": "Nodule", "name": "lung nodule"},
    {"label": "Cardiomegaly", "name": "cardiomegaly"},
]
TABLES = {
    "inferno": [[k, k // 2, 255 - k] for k in range(256)],
    "blues": [[k // 3, k // 2, k] for k in range(256)],
}


def film() -> tuple[dict[str, Any], bytes]:
    """The drawn chest as the page gets it: its description, and its codes as `app.film` documents them."""
    codes = pixels()
    differences = codes.copy()
    differences[:, 1:] -= codes[:, :-1]  # modulo 65536
    halves = np.concatenate([(differences & 255).ravel(), (differences >> 8).ravel()]).astype(np.uint8)
    window = {"name": "all", "center": 2048.0, "width": 4096.0, "function": "LINEAR"}
    told = {
        "size": codes.shape,
        "step": 1,
        "slope": 1.0,
        "intercept": 0.0,
        "inverse": False,
        "rounded": True,
        "outside": False,
        "limits": (0.0, 4095.0),
        "transforms": [window],
        "model": window,
        "automatic": {**window, "name": "automatic", "center": 1800.0, "width": 3000.0},
        "presets": [],
        "spacing": {"mm": 0.5, "place": "detector"},
        "patient_left": "right",
        "sides_told": True,
    }
    return told, zlib.compress(halves.tobytes(), 1)


@dataclass
class FakeStudy:
    """One study of one reader.

    Attributes:
        arms: of each case in turn.
        asked: every call so far, as (name, body).
        failing: names of calls that do not reach the server.
        refusing: a sentence for each call that is refused.
    """

    arms: list[str]
    title: str = "Effusion and nodule"
    role: str = "reader"
    boxes: str = "optional"
    confidence: bool = True
    probability: bool = False
    letters: tuple[str, ...] = ("A", "B")
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)
    refusing: dict[str, str] = field(default_factory=dict)
    making: list[str] = field(default_factory=list)  # names of studies that are being made
    states: dict[int, str] = field(default_factory=dict)  # of each in turn, from 1
    waiting: set[int] = field(default_factory=set)
    events: list[dict[str, str]] = field(default_factory=list)  # who closed it, and opened it again
    stored: dict[tuple[int, str], dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)

    def serve(self, page: Page) -> Page:
        """Opens the page of studies, and waits until it is ready."""
        page.context.route(ORIGIN + "**", self._meet)
        page.goto(ORIGIN + "study")
        page.wait_for_selector('#pc[data-ready="true"]')
        return page

    def told(self, name: str) -> list[dict[str, Any]]:
        """The bodies of all calls of that name."""
        return [body for other, body in self.asked if other == name]

    def _meet(self, route: Route) -> None:
        name = route.request.url.removeprefix(ORIGIN).partition("?")[0]
        if name.startswith("api/"):
            self._answer(route, name.removeprefix("api/"))
            return
        path = FILES / ("page/study/study.html" if name == "study" else name)
        if path.is_file():
            route.fulfill(body=path.read_bytes(), content_type=TYPES[path.suffix])
        else:
            route.fulfill(status=404)

    def _answer(self, route: Route, name: str) -> None:
        body = json.loads(route.request.post_data or "{}")
        self.asked.append((name, body))
        if name in self.failing:
            route.abort()
            return
        if name in self.refusing:
            route.fulfill(status=400, json={"error": self.refusing[name]})
            return
        reply = getattr(self, f"_{name}")(body)
        if isinstance(reply, bytes):
            route.fulfill(body=reply, content_type="application/x-patch-clip-film")
        else:
            route.fulfill(json=reply)

    def _window(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"window": "window-token", "browser": "browser-key"}

    def _start(self, _: dict[str, Any]) -> dict[str, Any]:
        methods = [{"key": "grad_cam", "title": "Grad-CAM", "slow": False}]
        return {"colours": TABLES, "min_patches": 1.0, "maps": methods, "searches": False, "person": None}

    def status(self, assignment: int) -> str:
        """Of a case, as the worklist has it."""
        arm = self.arms[assignment - 101]
        last = self.stored.get((assignment, "second" if arm == "sequential" else "first"))
        first = self.stored.get((assignment, "first"))
        if assignment in self.waiting:
            return "waiting"
        if (first or {}).get("unreadable") or (last or {}).get("unreadable"):
            return "unreadable"
        return "done" if last else "first" if first else "new"

    def _items(self) -> list[dict[str, Any]]:
        return [
            {
                "assignment": 101 + place,
                "case": place + 1,
                "arm": arm,
                "status": self.status(101 + place),
                "period": 2 if 101 + place in self.waiting else 1,
            }
            for place, arm in enumerate(self.arms)
        ]

    def _next(self) -> int | None:
        open_ones = [item for item in self._items() if item["status"] in ("new", "first")]
        return open_ones[0]["assignment"] if open_ones else None

    def _facts(self) -> dict[str, Any]:
        done = sum(item["status"] in ("done", "unreadable") for item in self._items())
        until = "2031-02-03T08:00:00+00:00" if self.waiting and self._next() is None else None
        return {"done": done, "total": len(self.arms), "waits_until": until}

    def _study_list(self, _: dict[str, Any]) -> dict[str, Any]:
        closed = bool(self.events) and self.events[-1]["kind"] == "closed"
        study = {"study": 3, "title": self.title, "closed": closed, "events": self.events, **self._facts()}
        return {
            "studies": [study] if self.arms else [],
            "person": {"name": "Reader One", "role": self.role},
        }

    def _study_worklist(self, _: dict[str, Any]) -> dict[str, Any]:
        protocol = {
            "title": self.title,
            "findings": FINDINGS,
            "confidence": self.confidence,
            "boxes": self.boxes,
        }
        return {"protocol": protocol, "items": self._items(), "next": self._next(), **self._facts()}

    def _study_open(self, body: dict[str, Any]) -> bytes:
        assignment = body["assignment"]
        arm = self.arms[assignment - 101]
        first = self.stored.get((assignment, "first"))
        second = arm == "sequential" and first is not None and not first["unreadable"]
        opinion = "second" if second else "first"
        told, codes = film()
        head = {
            "assignment": assignment,
            "case": assignment - 100,
            "arm": arm,
            "opinion": opinion,
            "film": told,
            "size": [HEIGHT, WIDTH],
            "warnings": [],
            "reading": self.stored.get((assignment, opinion)),
            "locked": first if second else None,
            "maps": list(self.letters) if second or arm == "aided" else [],
            "answers": self._answers() if arm == "aided" else None,
        }
        text = json.dumps(head).encode()
        return struct.pack(">I", len(text)) + text + codes

    def _answers(self) -> list[dict[str, Any]]:
        return [self._answer_of(finding, place) for place, finding in enumerate(FINDINGS)]

    def _answer_of(self, finding: dict[str, str], place: int) -> dict[str, Any]:
        maps, regions = {}, {}
        for number, letter in enumerate(self.letters):
            values = np.full((14, 14), 0.05)
            if place != 1:
                values[9 - 5 * number : 12 - 5 * number, 8 + place : 11 + place] = 0.9
            maps[letter] = {
                "values": values.tolist(),
                "extent": [0, 0, WIDTH, HEIGHT],
                "max": float(values.max()),
            }
            regions[letter] = (
                [] if place == 1 else [{"x": 1, "y": 1, "w": 9, "h": 9, "score": 0.9, "peak": [2, 2]}]
            )
        shown = {"probability": 0.72, "threshold": 0.4} if self.probability else {}
        cut = dict.fromkeys(self.letters, 0.5)
        return {**finding, **shown, "maps": list(self.letters), "map": maps, "cut": cut, "regions": regions}

    def _study_answers(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"answers": self._answers()}

    def _study_save(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["key"] not in self.keys:
            place = body["assignment"], body["opinion"]
            revision = self.stored[place]["revision"] + 1 if place in self.stored else 1
            self.stored[place] = {**body, "revision": revision, "saved_at": "2031-01-01T00:00:00+00:00"}
            self.keys[body["key"]] = {"reading": len(self.keys) + 1, "revision": revision}
        second = self.arms[body["assignment"] - 101] == "sequential" and body["opinion"] == "first"
        again = second and not body["unreadable"]
        return {**self.keys[body["key"]], "next": body["assignment"] if again else self._next()}

    def _study_event(self, _: dict[str, Any]) -> dict[str, Any]:
        return {}

    def _study_choices(self, _: dict[str, Any]) -> dict[str, Any]:
        readers = ["Reader One", "Reader Two"]
        tables = ["boxes.csv", "manifest.csv", "truth.csv"]
        return {"folders": ["chest", "paediatric"], "tables": tables, "archive": True, "readers": readers}

    def _study_create(self, body: dict[str, Any]) -> dict[str, Any]:
        self.making.append(body["name"])
        return {"creation": len(self.making)}

    def _study_creations(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"creations": [self._creation(number) for number in range(1, len(self.making) + 1)]}

    def _creation(self, number: int) -> dict[str, Any]:
        """Two of six films are read, or all is made."""
        state = self.states.get(number, "reading")
        made = state == "made"
        return {
            "creation": number,
            "name": self.making[number - 1],
            "state": state,
            "done": 6 if made else 2,
            "total": 6,
            "left_out": [{"place": 7, "reason": "It is no radiograph."}],
            "study": 4 if made else None,
            "cases": 6 if made else None,
            "error": "The study was stopped before it was made." if state == "stopped" else "",
        }

    def _study_creation_end(self, body: dict[str, Any]) -> dict[str, Any]:
        self.states[body["creation"]] = "stopped"
        return {}

    def _study_cases(self, _: dict[str, Any]) -> dict[str, Any]:
        case = {"size": [HEIGHT, WIDTH], "ready": True, "readings": 0}
        return {"cases": [{"case": number, **case} for number in range(1, 7)]}
