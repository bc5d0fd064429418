"""Memory of a process: freed blocks stay with it or go back, and its modules are not searched for garbage."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Parameters of glibc's mallopt (malloc.h).
_TRIM_THRESHOLD = -1
_TOP_PAD = -2
_MMAP_MAX = -4
_ARENA_MAX = -8


@contextmanager
def loading() -> Iterator[None]:
    """While modules are loaded: nothing of them is garbage before the program ends.

    Python would search all that is loaded so far again and again, a good part of the time that the modules of
    a server need; and it would search them for as long as the server runs. What exists when the block ends
    is therefore never searched again. For programs alone: a library has no say in it.
    """
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if searched:
            gc.enable()


def keep_freed_memory(most_bytes: int | None = None) -> bool:
    """Tells the C library's allocator to reuse large blocks instead of giving them back to the system after
    every use.

    A network's activations are megabytes each. By default every one of them is mapped anew, zeroed page by
    page by the kernel, and unmapped: half of the time of a training step on a CPU and more (`make bench`).
    The process keeps its peak of memory for as long as it lives, or about `most_bytes` of it. Threads share
    what is kept: by default each has a heap of its own, and each would keep its own peak.

    Args:
        most_bytes: below 2**31; free memory at the end of the heap beyond it goes back to the system.

    Returns:
        Whether it took effect; it does with glibc, and nothing happens with another C library.
    """
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018  (another C library's mallopt may mean something else)
        mallopt = library.mallopt
    # TypeError: where there is no handle to the process itself, as on Windows.
    except (AttributeError, OSError, TypeError):
        return False
    mallopt.argtypes = (ctypes.c_int, ctypes.c_int)
    mallopt.restype = ctypes.c_int
    trim = -1 if most_bytes is None else most_bytes
    settings = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, trim), (_TOP_PAD, 64 << 20), (_ARENA_MAX, 1))
    return all(mallopt(parameter, value) for parameter, value in settings)


def give_freed_memory_back() -> bool:
    """Gives the system what the C library's allocator keeps: once in a while, where passes side by side leave
    gaps between their blocks, which would add up.

    Returns:
        Whether there was anything to give; glibc alone does it.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # as above
        return False
    trim.argtypes = (ctypes.c_size_t,)
    trim.restype = ctypes.c_int
    return bool(trim(0))
