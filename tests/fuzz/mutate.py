"""Damage to files, the same for the same number: bytes, lengths, blocks, and what headers say."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from pydicom import dcmread
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

Random = np.random.Generator

EXTREMES = (
    0,
    1,
    2,
    7,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
)
HEADER = 1500  # bytes: a fourth of the damage is done here
PIXELS = b"\xe0\x7f\x10\x00"
VALUES: dict[str, tuple[object, ...]] = {
    "Rows": (0, 1, 95, 97, 192, 9000, 65535),
    "Columns": (0, 1, 79, 81, 160, 9000, 65535),
    "BitsAllocated": (1, 7, 8, 12, 16, 32, 64, 65535),
    "BitsStored": (0, 1, 7, 8, 10, 16, 33, 65535),
    "HighBit": (0, 6, 7, 11, 15, 31, 65535),
    "PixelRepresentation": (0, 1, 2, 65535),
    "SamplesPerPixel": (0, 1, 2, 3, 4, 65535),
    "PlanarConfiguration": (0, 1, 7),
    "PhotometricInterpretation": ("MONOCHROME1", "RGB", "YBR_RCT", "YBR_FULL", "PALETTE COLOR", "", "NONE"),
    "NumberOfFrames": ("0", "2", "-1", "99999999", "1e9", "x"),
    "WindowCenter": ("nan", "inf", "-1e300", "", "1\\2\\3", "x"),
    "WindowWidth": ("0", "nan", "1e-300", "-5", "", "1\\2"),
    "RescaleSlope": ("0", "nan", "1e300", "-1", "0,5", ""),
    "RescaleIntercept": ("inf", "-1e300", "x", ""),
    "PixelPaddingValue": (0, 4095, 65535),
    "PixelAspectRatio": ("1\\2", "0\\1", "x", "1"),
    "PixelSpacing": ("1\\2", "0\\0", "nan\\1", "1e300\\1e-300"),
    "PatientOrientation": ("L\\F", "", "X\\Y\\Z", "A\\F"),
    "SpecificCharacterSet": ("ISO_IR 100", "ISO_IR 999", "\\ISO 2022 IR 87"),
}
"""What elements of a header are set to, by keyword."""


def mutated(corpus: Sequence[bytes], number: int, seed: int = 0) -> bytes:
    """Case `number`: one of the corpus, damaged once, or a few times more."""
    random = np.random.default_rng([seed, number])
    content = corpus[int(random.integers(len(corpus)))]
    for _ in range(min(5, int(random.geometric(0.6)))):
        damage = DAMAGES[int(random.integers(len(DAMAGES)))]
        content = damage(content, random, corpus)
    return content


def _place(content: bytes, random: Random) -> int:
    end = min(HEADER, len(content)) if random.random() < 0.25 else len(content)
    return int(random.integers(max(1, end)))


def _some_bytes(content: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    changed = bytearray(content)
    for _count in range(int(random.integers(1, 17))):
        if changed:
            changed[_place(content, random)] = int(random.integers(256))
    return bytes(changed)


def _one_bit(content: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    changed = bytearray(content)
    if changed:
        changed[_place(content, random)] ^= 1 << int(random.integers(8))
    return bytes(changed)


def _extreme(content: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    """A number where another stood, as lengths and offsets do."""
    value, start = EXTREMES[int(random.integers(len(EXTREMES)))], _place(content, random)
    order, kind, mask = ("<", ">")[int(random.integers(2))], "BHI"[int(random.integers(3))], 0xFFFFFFFF
    block = struct.pack(order + kind, value & (mask >> {"B": 24, "H": 16, "I": 0}[kind]))
    return content[:start] + block + content[start + len(block) :]


def _cut(content: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    return content[: int(random.integers(len(content) + 1))]


def _without_block(content: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    start = _place(content, random)
    return content[:start] + content[start + int(random.integers(1, 300)) :]


def _block_again(content: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    start, length = _place(content, random), int(random.integers(1, 600))
    return (
        content[: start + length]
        + content[start : start + length] * int(random.integers(1, 9))
        + content[start:]
    )


def _strange_block(content: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    start, length = _place(content, random), int(random.integers(1, 200))
    block = bytes(length) if random.random() < 0.5 else random.bytes(length)
    return content[:start] + block + content[start + (length if random.random() < 0.5 else 0) :]


def _grafted(content: bytes, random: Random, corpus: Sequence[bytes]) -> bytes:
    """The beginning of one file and the end of another."""
    other = corpus[int(random.integers(len(corpus)))]
    return content[: _place(content, random)] + other[_place(other, random) :]


def set_raw(dataset: Dataset, keyword: str, value: object) -> None:
    """Sets an element to what pydicom itself would not write; numbers become unsigned words."""
    tag = tag_for_keyword(keyword)
    assert tag is not None
    data = struct.pack("<H", value) if isinstance(value, int) else str(value).encode("latin-1")
    data += b" " * (len(data) % 2)
    dataset[tag] = RawDataElement(BaseTag(tag), dictionary_VR(tag), len(data), data, 0, False, True)


def _header_values(content: bytes, random: Random, corpus: Sequence[bytes]) -> bytes:
    """Elements of a DICOM header set to values that exist and do not fit."""
    if content[128:132] != b"DICM":
        return _some_bytes(content, random, corpus)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = dcmread(io.BytesIO(content), force=True)
            for _ in range(int(random.integers(1, 4))):
                keyword = sorted(VALUES)[int(random.integers(len(VALUES)))]
                values = VALUES[keyword]
                set_raw(dataset, keyword, values[int(random.integers(len(values)))])
            out = io.BytesIO()
            dataset.save_as(out)
        return out.getvalue()
    except Exception:  # damaged before, or not to be written: then its bytes are damaged instead
        return _some_bytes(content, random, corpus)


def _pixel_data(content: bytes, random: Random, corpus: Sequence[bytes]) -> bytes:
    """Damage within the pixels of a DICOM file; the header stays whole."""
    start = content.rfind(PIXELS) + 12
    if start < 12:
        return _extreme(content, random, corpus)
    damage = (_some_bytes, _one_bit, _extreme, _without_block, _block_again, _strange_block)
    return content[:start] + damage[int(random.integers(len(damage)))](content[start:], random, corpus)


def _png_chunk(content: bytes, random: Random, corpus: Sequence[bytes]) -> bytes:
    """Damage within a chunk of a PNG, under a checksum that fits."""
    chunks = []
    position = 8
    while content[:8] == b"\x89PNG\r\n\x1a\n" and position + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, position)
        if position + 12 + length > len(content):
            break
        chunks.append((position, length))
        position += 12 + length
    if not chunks:
        return _extreme(content, random, corpus)
    start, length = chunks[int(random.integers(len(chunks)))]
    data = content[start + 8 : start + 8 + length]
    damage = (_some_bytes, _extreme, _cut, _block_again)[int(random.integers(4))]
    data = damage(data, random, corpus)
    kind = content[start + 4 : start + 8]
    chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return content[:start] + chunk + content[start + 12 + length :]


def _jpeg_segment(content: bytes, random: Random, corpus: Sequence[bytes]) -> bytes:
    """A marker segment of a JPEG damaged, or its scans again."""
    marks = [
        b"\xff\xc0",
        b"\xff\xc1",
        b"\xff\xc2",
        b"\xff\xc3",
        b"\xff\xc4",
        b"\xff\xda",
        b"\xff\xdb",
        b"\xff\x51",
    ]
    mark = marks[int(random.integers(len(marks)))]
    start = content.find(mark)
    if start < 0:
        return _some_bytes(content, random, corpus)
    if mark == b"\xff\xda" and random.random() < 0.5:
        scan = content[start : start + int(random.integers(8, 400))]
        return content[:start] + scan * int(random.integers(2, 400)) + content[start:]
    part = content[start + 2 : start + 40]
    return content[: start + 2] + _some_bytes(part, random, corpus) + content[start + 2 + len(part) :]


DAMAGES: tuple[Callable[[bytes, Random, Sequence[bytes]], bytes], ...] = (
    _some_bytes,
    _one_bit,
    _extreme,
    _cut,
    _without_block,
    _block_again,
    _strange_block,
    _grafted,
    _header_values,
    _header_values,
    _pixel_data,
    _pixel_data,
    _pixel_data,
    _png_chunk,
    _jpeg_segment,
)
