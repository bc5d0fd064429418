"""Passes through the tower side by side, each on its share of the threads.

The threads of one pass wait for each other at every layer, and longer where decoders want the same cores;
passes of several images need not wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from patchclip.engine import Engine

MOST = 4
"""At once: each holds its activations, and Python runs one thread at a time between the layers."""


def passes_at_once(engine: Engine) -> int:
    """How many an engine computes at once; one where it does not compute with torch's threads."""
    own = engine.device.type == "cpu" and engine.computation.backend == "torch"
    return min(MOST, torch.get_num_threads()) if own else 1


@contextmanager
def threads_shared(passes: int) -> Iterator[None]:
    """While so many passes run, each in a thread that is started within, all use torch's threads together."""
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads // passes))
    try:
        yield
    finally:
        torch.set_num_threads(threads)
