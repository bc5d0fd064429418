"""A worker whose jobs do what a hostile file may make a decoder do."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from patchclip.image import worker


class _Code:
    """Unpickled, it would make a file."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.mark,)


def _spin(_: str) -> None:
    while True:
        pass


def _fail(_: str) -> float:
    name = "DOE^JANE"
    return 1 / (len(name) - 8)


def _babble(_: str) -> None:
    """Rubbish where an answer should be."""
    for descriptor in range(3, 20):
        try:
            os.write(descriptor, b"\xff" * 64)
        except OSError:
            continue
    os._exit(0)


def _write(target: str) -> str:
    try:
        Path(target).write_bytes(b"pixels")
    except OSError as error:
        return type(error).__name__
    return "written"


JOBS: dict[str, Callable[..., Any]] = {
    "abort": lambda _: os.abort(),
    "leave": lambda _: os._exit(0),
    "spin": _spin,
    "sleep": lambda: time.sleep(60),
    "nap": lambda: time.sleep(1.5),
    "nothing": lambda: None,
    "pid": os.getpid,
    "grow": lambda _: np.ones(2**27).sum(),
    "grow_in_opencv": lambda _: cv2.resize(np.ones((9000, 9000), np.uint8), (20_000, 20_000)).sum(),
    "fail": _fail,
    "babble": _babble,
    "send_code": _Code,
    "send_too_much": lambda _: [np.ones(8, np.uint8) for _ in range(65)],
    "write": _write,
}

if __name__ == "__main__":
    worker.JOBS |= JOBS
    worker.main(int(sys.argv[1]), float(sys.argv[2]))
