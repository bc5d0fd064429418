"""Runs one job at low priority and writes how it ended; holds the lock that says that it runs.

python -m app.models.runner FOLDER; `app.models.jobs` starts it and leaves it the lock's descriptor.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

PATIENCE_S = 10
NICE = 10


def main(folder: Path) -> int:
    """Runs the command of job.json; its output goes to log.txt, how it ended to end.json."""
    job: dict[str, Any] = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    os.nice(NICE)
    stopped = False
    with (folder / "log.txt").open("ab") as log:
        work = subprocess.Popen(
            [sys.executable, "-m", *job["arguments"]],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            close_fds=False,  # the lock is held as long as anything of the job lives
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
        )

        def stop(*_: object) -> None:
            nonlocal stopped
            stopped = True
            work.terminate()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        status = None
        while status is None:
            try:
                status = work.wait(PATIENCE_S if stopped else None)
            except subprocess.TimeoutExpired:
                work.kill()
    end = {"status": status, "cancelled": stopped}
    partial = folder / "end.partial"
    partial.write_text(json.dumps(end) + "\n", encoding="utf-8")
    partial.replace(folder / "end.json")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
