"""A worker that also tells its highest memory: run as `python -m tests.fuzz.worker`."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from patchclip.image import worker


def peak_mb() -> float:
    """Highest resident memory of this process so far."""
    status = Path("/proc/self/status")
    if status.is_file():  # Linux; its resource usage begins with that of the process that started this one
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    worker.JOBS["peak_mb"] = peak_mb
    worker.main(int(sys.argv[1]), float(sys.argv[2]))
