"""Look-up tables of a DICOM header (PS3.3 C.11.1.1, C.11.2.1.1), read with tolerance for machines' errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from patchclip.image.elements import DAMAGE

NARROWER = 2  # bits by which a table may fall short of its descriptor and still be believed


@dataclass(frozen=True, slots=True)
class Lut:
    """A look-up table.

    Attributes:
        first: the input value that the first entry belongs to; smaller ones map there too, larger ones
            than the last to the last.
        entries: [N], whole numbers from 0.
        bits: that the entries use.
    """

    first: int
    entries: NDArray[np.uint16]
    bits: int

    @property
    def largest(self) -> int:
        """The greatest value that an entry may have: 2^bits - 1."""
        return (1 << self.bits) - 1

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Looks values of any shape up; fractions that a rescale left are rounded."""
        places = np.clip(np.rint(values) - self.first, 0, len(self.entries) - 1).astype(np.intp)
        return np.asarray(np.minimum(self.entries, self.largest)[places], np.float64)


def read_lut(item: Dataset, limits: tuple[float, float], what: str) -> tuple[Lut | None, list[str]]:
    """The table of a sequence item, None where it is empty or malformed, and sentences for the reader.

    Read with tolerance: 8-bit entries may be packed or each in a word of 16 bits; entries that use fewer
        bits than the descriptor
    says (Agfa CR: 12 bits called 16) are scaled by what they use; a first value written with the wrong
    sign is taken for the one that meets the image's values.

    Args:
        item: of a Modality or VOI LUT Sequence.
        limits: least and greatest value that will be looked up.
        what: how to call the table in a sentence.
    """
    try:
        descriptor = [int(value) for value in _words(item.get("LUTDescriptor"), item)]
        data = _bytes(item.get("LUTData"), item)
    except DAMAGE:
        return None, []
    if len(descriptor) != 3 or not data:
        return None, []
    count = descriptor[0] & 0xFFFF or 65536
    bits = descriptor[2] & 0xFFFF
    little = _little_endian(item)
    packed = len(data) <= count + 1 < 2 * count and (bits <= 8 or len(data) >= count)
    if not packed:
        entries = np.frombuffer(data[: len(data) // 2 * 2], "<u2" if little else ">u2")
    else:
        # Packed by two into words: in big-endian files the second byte of a word comes first.
        entries = np.frombuffer(data if little else _swapped(data), np.uint8).astype(np.uint16)
    said = []
    if len(entries) < count:
        said.append(f"The {what} has fewer entries than its descriptor says; the last stands for the rest.")
    entries = entries[:count].astype(np.uint16)
    if entries.size == 0:
        return None, []
    needed = max(1, int(entries.max()).bit_length())
    if not 1 <= bits <= 16 or needed > bits or needed <= bits - NARROWER:
        said.append(f"The {what} says {bits} bits but uses {needed}; it was scaled by what it uses.")
        bits = needed
    return Lut(_first(descriptor[1], len(entries), limits), entries, bits), said


def _first(value: int, count: int, limits: tuple[float, float]) -> int:
    """The first input value, which a file holds in 16 bits.

    Of its signed and its unsigned reading the one that meets more of the image.
    """
    unsigned = value & 0xFFFF
    signed = unsigned - 65536 if unsigned > 32767 else unsigned

    def common(first: int) -> float:
        return min(limits[1], first + count - 1) - max(limits[0], first)

    return signed if common(signed) > common(unsigned) else unsigned


def _words(value: Any, item: Dataset) -> list[int]:
    """The three values of a descriptor, which a file without value representations leaves as bytes."""
    if isinstance(value, bytes):
        return [int(word) for word in np.frombuffer(value, "<u2" if _little_endian(item) else ">u2")]
    return [] if value is None else [int(word) for word in value]


def _bytes(value: Any, item: Dataset) -> bytes:
    """Entries as the file's bytes, whichever value representation they have (US, SS, OW or none)."""
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    words = [value] if isinstance(value, int) else list(value)
    order = "<u2" if _little_endian(item) else ">u2"
    return np.array([int(word) & 0xFFFF for word in words], np.uint16).astype(order).tobytes()


def _swapped(data: bytes) -> bytes:
    even = data + b"\0" * (len(data) % 2)
    return np.frombuffer(even, "<u2").byteswap().tobytes()


def _little_endian(item: Dataset) -> bool:
    """The byte order that an item was read in; what a program made is little-endian."""
    return item.original_encoding[1] is not False
