"""Freed memory stays with the process: the same tensors are made over and over, and fresh pages are slow."""

from __future__ import annotations

import ctypes

# Parameters of glibc's mallopt (malloc.h).
_TRIM_THRESHOLD = -1
_TOP_PAD = -2
_MMAP_MAX = -4
_SETTINGS = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, -1), (_TOP_PAD, 64 << 20))


def keep_freed_memory() -> bool:
    """Tells the C library's allocator to reuse large blocks instead of giving them back to the system after
    every use.

    A network's activations are megabytes each. By default every one of them is mapped anew, zeroed page by
    page by the kernel, and unmapped: half of the time of a training step on a CPU and more (`make bench`).
    The process keeps its peak of memory for as long as it lives.

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
    return all(mallopt(parameter, value) for parameter, value in _SETTINGS)
