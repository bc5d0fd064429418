"""What a compressed image says of itself before it is decoded.

JPEG: ITU-T T.81; JPEG-LS: T.87; JPEG 2000: T.800, and T.814 for its high-throughput form.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum

JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {
    0xF7
}  # start-of-frame markers of JPEG and JPEG-LS
_JPEG_LS = 0xF7
_LOSSLESS = {0xC3, 0xC7, 0xCB, 0xCF}
_ALONE = frozenset(range(0xD0, 0xDA)) | {0x01}  # markers without a length


class Codec(Enum):
    """The family of a code stream."""

    JPEG = "JPEG"
    JPEG_LS = "JPEG-LS"
    JPEG_2000 = "JPEG 2000"


@dataclass(frozen=True, slots=True)
class CodeStream:
    """The header of a code stream.

    Attributes:
        precision: bits per sample.
        signed: whether its values are; only JPEG 2000 knows signs.
        rgb: whether JPEG's components are called R, G and B.
        jfif: whether it bears JFIF's mark, by which three components are YCbCr.
        scans: passes over the image, of JPEG and JPEG-LS.
    """

    codec: Codec
    rows: int
    columns: int
    components: int
    precision: int
    signed: bool = False
    lossless: bool = False
    rgb: bool = False
    jfif: bool = False
    scans: int = 1


def read_header(stream: bytes) -> CodeStream | None:
    """The header of a code stream, or None where it is none that is known, or is cut short or damaged."""
    try:
        if stream[:2] == b"\xff\xd8":
            return _jpeg(stream)
        if stream[:8] == JP2_SIGNATURE:
            start = stream.find(b"\xff\x4f\xff\x51")
            return _jpeg_2000(stream[start:]) if start > 0 else None
        return _jpeg_2000(stream) if stream[:4] == b"\xff\x4f\xff\x51" else None
    except (IndexError, struct.error):
        return None


def is_whole(stream: bytes, codec: Codec) -> bool:
    """Whether a code stream reaches its end: decoders make a picture of a part, and say nothing.

    JPEG and JPEG-LS end with a marker that their data never hold; JPEG 2000's tile parts tell their lengths.
    """
    if codec is not Codec.JPEG_2000:
        return stream.rfind(b"\xff\xd9") > stream.rfind(b"\xff\xda")
    place = stream.find(b"\xff\x90\x00\x0a")
    while 0 <= place < len(stream) and stream[place : place + 2] == b"\xff\x90":
        if place + 10 > len(stream):
            return False
        (length,) = struct.unpack_from(">I", stream, place + 6)
        if length == 0:  # up to the end of the code stream
            return stream.rstrip(b"\0").endswith(b"\xff\xd9")
        place += max(length, 12)
    return 0 <= place <= len(stream)


def _jpeg(stream: bytes) -> CodeStream | None:
    """From the marker segments up to the start of the frame."""
    position, jfif = 2, False
    while True:
        if stream[position] != 0xFF:
            return None
        while stream[position] == 0xFF:  # any number of fill bytes
            position += 1
        marker = stream[position]
        position += 1
        if marker in _ALONE:
            continue
        (length,) = struct.unpack_from(">H", stream, position)
        if marker == 0xE0:
            jfif = stream[position + 2 : position + 6] == b"JFIF"
        if marker in _FRAMES:
            break
        position += length
    precision, rows, columns, components = struct.unpack_from(">BHHB", stream, position + 2)
    names = bytes(stream[position + 8 + 3 * number] for number in range(components))
    return CodeStream(
        Codec.JPEG_LS if marker == _JPEG_LS else Codec.JPEG,
        rows,
        columns,
        components,
        precision,
        lossless=marker in _LOSSLESS or marker == _JPEG_LS,
        rgb=names in (b"RGB", b"rgb"),
        jfif=jfif,
        # Data never hold this pair of bytes: an 0xFF among them is followed by 0.
        scans=stream.count(b"\xff\xda", position),
    )


def _jpeg_2000(stream: bytes) -> CodeStream | None:
    """From the image and tile size (SIZ), which comes first."""
    right, bottom, left, top = struct.unpack_from(">4I", stream, 8)
    components, depth = struct.unpack_from(">HB", stream, 40)
    if right <= left or bottom <= top or components < 1:
        return None
    return CodeStream(
        Codec.JPEG_2000,
        bottom - top,
        right - left,
        components,
        (depth & 0x7F) + 1,
        signed=bool(depth & 0x80),
    )
