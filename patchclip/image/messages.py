"""What goes between a process and its workers: values over pipes, arrays without a copy.

Python's pickle, arrays out of band (PEP 574). A worker may have been taken over by the file that it read:
what it sends is unpickled into numbers, texts, arrays and this library's own dataclasses, nothing else.
"""

from __future__ import annotations

import dataclasses
import pickle
import struct
from collections.abc import Iterable
from enum import Enum
from io import BytesIO
from typing import IO, Any

import numpy as np

ARRAYS = {
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
}
MOST_BUFFERS = 64


class _DataOnly(pickle.Unpickler):
    """Refuses every class and function but those that hold data."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in ARRAYS:
            return super().find_class(module, name)
        if module.startswith("patchclip.") and "." not in name:
            value = super().find_class(module, name)
            ours = isinstance(value, type) and value.__module__ == module
            if ours and (dataclasses.is_dataclass(value) or issubclass(value, Enum)):
                return value
        raise pickle.UnpicklingError(f"{module}.{name} is no data")


def send(stream: IO[bytes], value: object) -> None:
    """Writes a value.

    Raises:
        OSError: nobody reads any more.
    """
    buffers: list[pickle.PickleBuffer] = []
    body = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    parts = [memoryview(body), *(buffer.raw() for buffer in buffers)]
    stream.write(struct.pack(f"<I{len(parts)}Q", len(parts), *(len(part) for part in parts)))
    for part in parts:
        stream.write(part)
    stream.flush()


def receive(stream: IO[bytes], most_bytes: int) -> Any:
    """Reads a value that holds nothing but data.

    Raises:
        EOFError: the other side is gone.
        pickle.UnpicklingError: more than `most_bytes`, or something other than data.
    """
    (count,) = struct.unpack("<I", _exactly(stream, 4))
    if not 1 <= count <= MOST_BUFFERS:
        raise pickle.UnpicklingError(f"{count} parts")
    sizes = struct.unpack(f"<{count}Q", _exactly(stream, 8 * count))
    if sum(sizes) > most_bytes:
        raise pickle.UnpicklingError(f"{sum(sizes)} bytes")
    body, *buffers = (_exactly(stream, size) for size in sizes)
    return _unpickled(body, buffers)


def _unpickled(body: memoryview, buffers: Iterable[memoryview]) -> Any:
    try:
        return _DataOnly(BytesIO(body), buffers=buffers).load()
    except pickle.UnpicklingError:
        raise
    except Exception as error:  # damaged pickles raise anything, none of which tells more
        raise pickle.UnpicklingError(type(error).__name__) from error


def _exactly(stream: IO[bytes], size: int) -> memoryview:
    # NumPy asks the system for large pages, which halves the time that an image takes to arrive.
    view, filled = np.empty(size, np.uint8).data, 0
    while filled < size:
        read = stream.readinto(view[filled:])  # type: ignore[attr-defined]  # every binary stream has it
        if not read:
            raise EOFError
        filled += read
    return view
