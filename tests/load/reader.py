"""One reader under load: signs in, reads films and cases of a study, and checks what comes back."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event
from typing import Any

import httpx

from app.api import OPTIONS_HEADER
from app.guard.windows import HEADER
from tests.app.page_client import told

QUESTIONS = ("pleural effusion", "no pneumothorax", "cardiomegaly", "nodule in the right lung", "atelectasis")
BUSY = (429, 503)
BUSY_DATABASE = "the database is busy"  # in the sentence of another status
HISTORY_LENGTH = 200  # rows that the server lists at most


@dataclass
class Record:
    """What one reader has seen.

    Attributes:
        seconds: kind of request -> how long each took.
        acknowledged: comments of readings that the server called saved.
        opinions: keys of opinions in the study that the server called saved.
        unanswered: comments and keys of which no answer came, so that they may be stored or not.
        busy: how often the server asked to come again.
        crossings: what was seen or reached of somebody else's, a sentence each.
        troubles: what else must not happen, a sentence each.
    """

    seconds: dict[str, list[float]] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)
    opinions: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    busy: int = 0
    crossings: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


class Refused(Exception):
    """The server answered with an error."""


class LoadReader:
    """A reader with a browser of their own.

    Args:
        url: of the server.
        name, password: of the account.
        film: the file that this reader opens, unlike everybody else's.
        pause_s: how long they look before they do the next thing, on average.
        seed: of what they do.
        studies: ids of the studies that anybody has open, for trying to reach others'.
    """

    def __init__(
        self,
        url: str,
        name: str,
        password: str,
        film: bytes,
        pause_s: float,
        seed: int,
        studies: dict[str, str],
    ) -> None:
        self.name, self.record = name, Record()
        self._password, self._film, self._pause, self._studies = password, film, pause_s, studies
        self._random = random.Random(seed)
        self._client = httpx.Client(base_url=url, timeout=120, follow_redirects=False)
        self._token = ""
        self._number = 0

    def run(self, stop: Event) -> None:
        """Reads until told to stop."""
        try:
            while not stop.is_set():
                self._sign_in()
                for _ in range(self._random.randint(3, 8)):
                    if stop.is_set():
                        break
                    self._read_film(stop)
                    self._read_case(stop)
                self._sign_out()
        except (httpx.HTTPError, Refused, KeyError, ValueError) as error:
            self.record.troubles.append(f"{self.name} stopped: {type(error).__name__}: {error}")
        finally:
            self._client.close()

    def _sign_in(self) -> None:
        given = self._call("sign_in", {"name": self.name, "password": self._password})
        self._expect(given["name"] == self.name, f"signed in as {given['name']}")
        self._token = self._call("window", {})["window"]
        person = self._call("start", {})["person"]
        self._expect(person == {"name": self.name, "role": "reader"}, f"started as {person}")

    def _sign_out(self) -> None:
        self._call("sign_out", {})
        after = self._client.post("/api/history", json={}, headers={HEADER: self._token})
        self._expect(after.status_code == 401, f"answered {after.status_code} after signing out")

    def _read_film(self, stop: Event) -> None:
        opened = self._open()
        study = opened["study"]
        self._studies[self.name] = study
        question = self._random.choice(QUESTIONS)
        self._call("ask", {"study": study, "text": question}, kind="first ask")
        saved: dict[str, Any] | None = None
        for _ in range(self._random.randint(2, 5)):
            self._look(stop)
            answers = self._call("ask", {"study": study, "text": question}, kind="cached ask")["answers"]
            self._expect(len(answers) == 1, f"{len(answers)} answers to {question!r}")
            if self._random.random() < 0.6:
                saved = self._save(study, answers[0]["query"], saved)
        if self._random.random() < 0.3:
            self._look_back()
        if self._random.random() < 0.3:
            self._try_others()
        self._call("close", {"study": study})

    def _read_case(self, stop: Event) -> None:
        """The next case of the study, in both opinions."""
        (study,) = self._call("study_list", {})["studies"]
        worklist = self._call("study_worklist", {"study": study["study"]})
        assignment = worklist["next"]
        if assignment is None:
            return
        asked = {"assignment": assignment}
        headers = {HEADER: self._token}
        opened = told(self._send("study_open", "study_open", json=asked, headers=headers).content)
        if opened["opinion"] == "first":
            self._expect(opened["answers"] is None and not opened["maps"], "answers before an opinion")
            early = self._client.post("/api/study_answers", json=asked, headers=headers)
            self._expect(early.status_code == 403, f"answers came early, with {early.status_code}")
            self._look(stop)
            self._give_opinion(assignment, "first", worklist)
        self._call("study_answers", asked)
        self._look(stop)
        self._give_opinion(assignment, "second", worklist)
        own = {item["assignment"] for item in worklist["items"]}
        other = {"assignment": self._random.choice([n for n in range(1, 4 * len(own) + 9) if n not in own])}
        strange = self._client.post("/api/study_open", json=other, headers=headers)
        self._apart(strange.status_code == 404, f"another's case was answered with {strange.status_code}")

    def _give_opinion(self, assignment: int, opinion: str, worklist: dict[str, Any]) -> None:
        key = f"{self._random.getrandbits(128):032x}"
        findings = [
            {"label": finding["label"], "presence": "absent", "confidence": 60}
            for finding in worklist["protocol"]["findings"]
        ]
        given = {
            "assignment": assignment,
            "opinion": opinion,
            "key": key,
            "findings": findings,
            "active_ms": 1500,
            "opened_at": datetime.now(UTC).isoformat(),
        }
        try:
            reply = self._call("study_save", given)
        except httpx.HTTPError:
            self.record.unanswered.append(key)
            raise
        self.record.opinions.append(key)
        if self._random.random() < 0.2:
            again = self._call("study_save", given)
            self._expect(again["reading"] == reply["reading"], "an opinion sent again got another row")

    def _open(self) -> dict[str, Any]:
        headers = {HEADER: self._token, OPTIONS_HEADER: json.dumps({})}
        return told(self._send("open_upload", "open", content=self._film, headers=headers).content)

    def _save(self, study: str, query: str, before: dict[str, Any] | None) -> dict[str, Any] | None:
        self._number += 1
        comment = f"{self.name}, reading {self._number}"
        reading = {
            "key": f"{self._random.getrandbits(128):032x}",
            "study": study,
            "query": query,
            "presence": self._random.choice(("present", "unsure")),
            "confidence": self._random.randint(0, 100),
            "comment": comment,
            "reader": "typed by hand",
            "seconds": 1.5,
            "map_shown": True,
            "shapes": [{"kind": "box", "points": [10, 20, 30, 40]}],
            "supersedes": before["row"] if before else None,
        }
        try:
            reply = self._call("save", reading)
        except httpx.HTTPError:
            self.record.unanswered.append(comment)
            raise
        self.record.acknowledged.append(comment)
        if self._random.random() < 0.2:  # as if the answer had been lost
            again = self._call("save", reading)
            self._expect(again == reply, "a reading sent again got another answer")
        return reply

    def _look_back(self) -> None:
        history = self._call("history", {})
        rows = history["rows"]
        others = {row["reader"] for row in rows} - {self.name}
        self._apart(not others, f"rows of {sorted(others)} in the history of {self.name}")
        self._expect(
            history["total"] == len(self.record.acknowledged), "the history misses or doubles readings"
        )
        newest = [row["comment"] for row in rows]
        self._expect(
            newest == self.record.acknowledged[::-1][:HISTORY_LENGTH], "the history is not what was saved"
        )
        exported = json.loads(self._call("export", {"kind": "json"})["text"])["feedback"]
        self._apart({row["reader"] for row in exported} <= {self.name}, "others' rows in an export")

    def _try_others(self) -> None:
        others = [study for name, study in list(self._studies.items()) if name != self.name]
        if not others:
            return
        headers = {HEADER: self._token}
        data = {"study": self._random.choice(others)}
        reply = self._client.post("/api/look", json=data, headers=headers)
        self._apart(reply.status_code == 410, f"another's study was answered with {reply.status_code}")

    def _call(self, name: str, data: dict[str, Any], kind: str = "") -> dict[str, Any]:
        reply = self._send(name, kind or name, json=data, headers={HEADER: self._token})
        answer: dict[str, Any] = reply.json()
        return answer

    def _send(self, name: str, kind: str, **request: Any) -> httpx.Response:
        while True:
            started = time.perf_counter()
            reply = self._client.post(f"/api/{name}", **request)
            refused = reply.status_code == 400 and BUSY_DATABASE in reply.text
            if reply.status_code not in BUSY and not refused:
                break  # else it is said to come again, which a reader at the page does
            self.record.busy += 1
            time.sleep(1 + self._random.random())
        self.record.seconds.setdefault(kind, []).append(time.perf_counter() - started)
        if reply.status_code != 200:
            raise Refused(f"{name} was answered with {reply.status_code}: {reply.text[:200]}")
        return reply

    def _look(self, stop: Event) -> None:
        stop.wait(self._random.expovariate(1 / self._pause) if self._pause else 0)

    def _apart(self, holds: bool, crossing: str) -> None:
        if not holds:
            self.record.crossings.append(crossing)

    def _expect(self, holds: bool, trouble: str) -> None:
        if not holds:
            self.record.troubles.append(trouble)
