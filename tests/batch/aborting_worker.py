"""A worker whose decoder ends the process, as a native library may, on files that are called so."""

from __future__ import annotations

import os
import sys
from typing import Any

from patchclip.image import worker
from patchclip.image.containers import read_entry


def _read(source: Any, *arguments: Any) -> Any:
    if isinstance(source, str) and source.endswith("aborts.png"):
        os.abort()
    return read_entry(source, *arguments)


if __name__ == "__main__":
    worker.JOBS["read_entry"] = _read
    worker.main(int(sys.argv[1]), float(sys.argv[2]))
