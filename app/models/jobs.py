"""Teaching or comparing models as a job: one at a time, at low priority, its state in the folder of models.

A job outlives the page that began it, and the server too: what runs is told by a lock that its process holds.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from app.models.errors import ModelError

JOBS, LOCK = ".jobs", "lock"
ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("trainer", "tensorboard", "pycocotools")
"""Modules that requirements-train.txt brings, and the trainer itself."""
NOT_INSTALLED = (
    "This needs the trainer and its requirements, which this server lacks ({lacking}); from a checkout "
    "run pip install -r requirements-train.txt, then try again."
)
RUNNING = "A model is being taught or compared already; wait for its end, or cancel it."
NONE_RUNS = "No model is being taught or compared, so there is nothing to cancel."
LINE = re.compile(r"^\[ *(\d+) %\] (.*)$", re.MULTILINE)
SAID = re.compile(r"^(?:error|refused): (.*)$", re.MULTILINE)
TAIL = 65_536  # bytes of a log that are looked at
REFUSED = 3  # exit status of the trainer
State = Literal["running", "done", "refused", "failed", "cancelled", "interrupted"]


@dataclass(frozen=True, slots=True)
class Job:
    """One job as it stands.

    Attributes:
        name: of its folder.
        state: "interrupted" where it ended without saying how: its machine was switched off.
        percent: how far it is.
        words: what it does, or how it ended.
        began_at: ISO 8601.
        model: the folder of the model that it makes.
        about: what is taught from what, in words.
    """

    name: str
    state: State
    percent: int
    words: str
    began_at: str
    model: Path
    about: str

    def sentence(self) -> str:
        """What it is, when it began and how it stands, in Markdown."""
        state = f"{self.percent} %" if self.state == "running" else self.state
        said = f"**{state}**" if self.words == state else f"**{state}**, {self.words}"
        return f"{self.about}, begun {datetime.fromisoformat(self.began_at):%Y-%m-%d %H:%M} UTC: {said}"


class Jobs:
    """All jobs of a deployment.

    folder: of models.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder / JOBS, Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, arguments: Sequence[str], model: Path, about: str) -> Job:
        """Begins a job.

        Args:
            arguments: of python -m.
            model: the folder that it makes, of a model or a comparison.
            about: in words, for the page.

        Raises:
            ModelError: what it needs is not installed, another job runs, or it cannot be begun.
        """
        lacking = [name for name in NEEDED if importlib.util.find_spec(name) is None]
        if lacking:
            raise ModelError(NOT_INSTALLED.format(lacking=", ".join(lacking)))
        began = datetime.now(UTC)
        folder = self._folder / f"{began:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        record = {
            "arguments": list(arguments),
            "model": str(model),
            "about": about,
            "began_at": began.isoformat(timespec="seconds"),
        }
        with self._lock:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                with self._held() as lock:
                    folder.mkdir()
                    (folder / "job.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
                    self._process = subprocess.Popen(
                        [sys.executable, "-m", "app.models.runner", str(folder)],
                        cwd=ROOT,
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                        pass_fds=(lock,),  # the lock is the process's as long as it lives
                        start_new_session=True,
                    )
                    (folder / "pid").write_text(str(self._process.pid), encoding="utf-8")
            except OSError as error:
                raise ModelError(
                    f"The job cannot be begun ({error.strerror}); make the folder of models writable."
                ) from error
        return self._job(folder, runs=True)

    def last(self) -> Job | None:
        """The job that runs, or else the one begun last; None where there was none."""
        with self._lock:
            if self._process is not None:
                self._process.poll()  # leaves no zombie
            folders = sorted(self._folder.glob("*/job.json"))
            return self._job(folders[-1].parent, runs=self._runs()) if folders else None

    def cancel(self) -> None:
        """Ends the job that runs; its process cleans up, and no model is left.

        Raises:
            ModelError: none runs.
        """
        with self._lock:
            folders = sorted(self._folder.glob("*/pid"))
            if not folders or not self._runs():
                raise ModelError(NONE_RUNS)
            # While the lock is held, the number is that process's.
            os.kill(int(folders[-1].read_text(encoding="utf-8")), signal.SIGTERM)

    def log(self) -> str:
        """The end of the last job's output."""
        folders = sorted(self._folder.glob("*/job.json"))
        return _tail(folders[-1].parent) if folders else ""

    @contextmanager
    def _held(self) -> Iterator[int]:
        """The lock's descriptor; closing it here leaves it to the process that was given it."""
        descriptor = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield descriptor
        except BlockingIOError as error:
            raise ModelError(RUNNING) from error
        finally:
            os.close(descriptor)

    def _runs(self) -> bool:
        try:
            with self._held():
                return False
        except ModelError:
            return True

    def _job(self, folder: Path, *, runs: bool) -> Job:
        record: dict[str, Any] = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        log = _tail(folder)
        lines = LINE.findall(log)
        percent, words = (int(lines[-1][0]), lines[-1][1]) if lines else (0, "beginning")
        state: State = "running"
        if not runs:
            state = _ended(folder)
            said = SAID.findall(log)
            words = said[-1] if said else {"done": words, "cancelled": "cancelled"}.get(state, "see its log")
        return Job(
            folder.name, state, percent, words, record["began_at"], Path(record["model"]), record["about"]
        )


def _ended(folder: Path) -> State:
    try:
        end = json.loads((folder / "end.json").read_text(encoding="utf-8"))
    except OSError:
        return "interrupted"
    if end["status"] == 0:
        return "done"
    if end["cancelled"]:
        return "cancelled"
    return "refused" if end["status"] == REFUSED else "failed"


def _tail(folder: Path) -> str:
    try:
        with (folder / "log.txt").open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - TAIL))
            return file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
