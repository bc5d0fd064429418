"""A reader study on the real server: from Save to the next film with its map, and to the maps of a case.

python -m tests.benchmarks.study. Over HTTP on loopback, until the last byte has arrived; what a browser takes
to draw is not in it. Times are those of this machine, printed and never asserted; the limit stands beside.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import cv2
import numpy as np
import requests
from pydicom import dcmread

from app.guard.windows import HEADER
from tests.app.page_client import told
from tests.benchmarks.page import LENGTH
from tests.browser.drawn_chest import pixels, write_dicom
from tests.browser.serving import ROOT, Server, free_port

CASES = 12
LIMIT_MS = 300.0
READY_S = 600.0
FINDINGS = ("Effusion", "Nodule", "Cardiomegaly")
PROTOCOL = """
title = "benchmark"
findings = ["Effusion", "Nodule", "Cardiomegaly"]
arms = ["{arm}"]
maps = {{ A = "patch", B = "grad_cam" }}
"""


@dataclass
class Reading:
    """A reader's window on the server."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)
    token: str = ""

    def __post_init__(self) -> None:
        self.token = self.call("window")["window"]

    def call(self, name: str, **body: Any) -> dict[str, Any]:
        """A request; of a film its head, once all of it has arrived."""
        reply = self.session.post(
            f"{self.url}api/{name}", json=body, headers={HEADER: self.token}, timeout=60
        )
        reply.raise_for_status()
        return told(reply.content)

    def save(self, assignment: int, opinion: str = "first") -> int | None:
        """Saves an opinion; what is next."""
        said = [{"label": label, "presence": "absent", "confidence": 80} for label in FINDINGS]
        saved = self.call(
            "study_save",
            assignment=assignment,
            opinion=opinion,
            key=uuid4().hex,
            findings=said,
            active_ms=1000,
            opened_at="2026-01-01T00:00:00Z",
        )
        following: int | None = saved["next"]
        return following


def films(folder: Path) -> Path:
    """Drawn chests of 3,000 x 3,000 pixels and 12 bits as DICOM, each with noise of its own."""
    folder.mkdir()
    grown = cv2.resize(pixels().astype(np.float32), (LENGTH, LENGTH), interpolation=cv2.INTER_CUBIC)
    for number in range(CASES):
        path = write_dicom(folder / f"{number:02d}.dcm")
        image = dcmread(path)
        noisy = grown + np.random.default_rng(number).normal(0, 12, grown.shape)
        image.Rows = image.Columns = LENGTH
        image.PixelData = np.clip(np.round(noisy), 0, 4095).astype(np.uint16).tobytes()
        image.save_as(path)
    return folder


def create(folder: Path, database: Path, arm: str) -> None:
    """A study of those films for the one reader of a server without sign-in."""
    protocol = folder.parent / f"{arm}.toml"
    protocol.write_text(PROTOCOL.format(arm=arm), encoding="utf-8")
    command = ["create", arm, "--cases", str(folder), "--protocol", str(protocol), "--readers", "reader"]
    subprocess.run(
        [sys.executable, "-m", "app", "study", *command, "--database", str(database)], check=True, cwd=ROOT
    )


def wait_until_ready(reader: Reading, study: int) -> float:
    """Seconds until every case is ready."""
    started = time.perf_counter()
    while not all(case["ready"] for case in reader.call("study_cases", study=study)["cases"]):
        if time.perf_counter() - started > READY_S:
            raise TimeoutError("the cases were not made ready")
        time.sleep(0.5)
    return time.perf_counter() - started


def aided(reader: Reading, study: int) -> list[float]:
    """Milliseconds from Save to the next film with its maps."""
    assignment = reader.call("study_worklist", study=study)["next"]
    reader.call("study_open", assignment=assignment)
    times: list[float] = []
    while assignment is not None:
        started = time.perf_counter()
        assignment = reader.save(assignment)
        if assignment is not None:
            reader.call("study_open", assignment=assignment)
            times.append((time.perf_counter() - started) * 1000)
    return times


def sequential(reader: Reading, study: int) -> tuple[list[float], list[float]]:
    """Milliseconds from the first opinion to the maps, and from the second to the next film."""
    assignment = reader.call("study_worklist", study=study)["next"]
    reader.call("study_open", assignment=assignment)
    to_maps: list[float] = []
    to_film: list[float] = []
    while assignment is not None:
        started = time.perf_counter()
        reader.save(assignment)
        reader.call("study_answers", assignment=assignment)
        to_maps.append((time.perf_counter() - started) * 1000)
        started = time.perf_counter()
        assignment = reader.save(assignment, "second")
        if assignment is not None:
            reader.call("study_open", assignment=assignment)
            to_film.append((time.perf_counter() - started) * 1000)
    return to_maps, to_film


def line(name: str, times: list[float]) -> str:
    """Median and the worst, beside the limit."""
    middle, worst = statistics.median(times), max(times)
    return (
        f"{name}: median {middle:.0f} ms, slowest of {len(times)} {worst:.0f} ms, "
        f"{middle / LIMIT_MS:.2f} x {LIMIT_MS:.0f} ms"
    )


def run() -> str:
    """All of it, over several lines."""
    with tempfile.TemporaryDirectory() as room:
        folder = films(Path(room) / "films")
        database = Path(room) / "feedback.sqlite3"
        for arm in ("aided", "sequential"):
            create(folder, database, arm)
        with Server(database, free_port()) as server:
            reader = Reading(server.url)
            studies = [item["study"] for item in reader.call("study_list")["studies"]]
            ready = sum(wait_until_ready(reader, study) for study in studies)
            lines = [f"{CASES} cases of {LENGTH} x {LENGTH} made ready in {ready:.0f} s"]
            lines.append(line("save to the next film with its maps", aided(reader, studies[0])))
            to_maps, to_film = sequential(reader, studies[1])
            lines.append(line("first opinion to the maps", to_maps))
            lines.append(line("second opinion to the next film", to_film))
    return "\n  ".join(lines)


if __name__ == "__main__":
    print(run())
