"""`python -m app` in a process of its own, and the page that it serves."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
START_S = 120


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """Starts on entry and stops on exit; `output` is all that it printed.

    database: its file, unless the environment names another; the log lies beside it.
    before: words before the command, of a program that runs it in its own place (setpriv).
    """

    def __init__(
        self,
        database: Path,
        port: int,
        environment: dict[str, str] | None = None,
        before: Sequence[str] = (),
    ) -> None:
        self.database, self.port, self.url = database, port, f"http://127.0.0.1:{port}/"
        self._log = database.parent / f"server-{port}-{time.monotonic_ns()}.log"
        self._command = [*before, sys.executable, "-m", "app", "--port", str(port)]
        if "PATCHCLIP_DATABASE" not in (environment or {}):
            self._command += ["--database", str(database)]
        self._environment = {**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})}

    def __enter__(self) -> Server:
        self.start()
        return self.ready()

    def start(self) -> None:
        """Starts it, and waits for nothing; `ready` does, and `stop` must follow."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdout=log, stderr=subprocess.STDOUT
            )

    def ready(self, patience_s: float = START_S) -> Server:
        """Waits until it answers.

        Raises:
            RuntimeError: it ends, or does not within this time.
        """
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"the server ended: {self.output}")
            try:
                with urllib.request.urlopen(self.url, timeout=5):
                    return self
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.2)
        self._process.kill()
        raise RuntimeError(f"the server did not answer within {patience_s} s: {self.output}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(signal.SIGTERM)

    def stop(self, number: signal.Signals) -> int:
        """Sends a signal and waits for the end; returns the exit status, as subprocess has it."""
        self.signal(number)
        return self.wait()

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Waits for the end; returns the exit status, as subprocess has it."""
        return self._process.wait(timeout=120)

    def is_running(self) -> bool:
        """Whether its process has not ended."""
        return self._process.poll() is None

    def end(self) -> None:
        """Stops it if it still runs."""
        if self.is_running():
            self.stop(signal.SIGTERM)

    @property
    def pid(self) -> int:
        """Of the server's process."""
        return self._process.pid

    @property
    def output(self) -> str:
        """Standard output and error so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def visit(self, page: Page) -> Page:
        """Opens the page and waits until it has what it needs from the server."""
        page.goto(self.url)
        page.wait_for_selector('#pc[data-ready="true"]', timeout=30_000)
        return page
