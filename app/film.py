"""A film on its way to the page: its grey values without loss, and everything that they may be shown by."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import cv2
import imagecodecs
import numpy as np
from numpy.typing import NDArray

from app.replies import FilmHeadReply, FilmReply, SpacingReply, StudyReply, TransformReply
from patchclip import Radiograph
from patchclip.image.grey import GreyValues, picture_values
from patchclip.image.voi import Automatic, Transform, VoiLut, Window

LONGEST_LENGTH = 5000  # pixels sent to the browser; what is longer is averaged, and the page says so
PREVIEW_LENGTH = 700  # pixels along the shorter side that a preview has at least; smaller films have none
LONGEST_BLOCK = 65535  # bytes that one block of deflate can hold as they are (RFC 1951, 3.2.4)
NOISE = (
    0.75  # what does not shrink to this share of itself is sent as it is: to inflate it takes a reader's time
)
BLOCK = 2**17  # pixels whose differences are taken at once: they stay in the cache
STRIPS, STRIP = 16, 2**15  # how many parts of it, of how many bytes, that is judged by
OUTSIDE = 65535
"""The code of a pixel that shows nothing, in a film that has such pixels."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A film halved `level` times, its codes packed as by `film_bytes`; a small film has none (b"")."""

    level: int = 0
    codes: bytes = b""


@dataclass(frozen=True, slots=True)
class PackedFilm:
    """What the page must know of a film, its codes as `film_bytes` packs them, and its preview."""

    told: FilmReply
    codes: bytes
    preview: Preview = Preview()


@dataclass(frozen=True, slots=True)
class Opened:
    """A study that is being opened, in the order in which it becomes known.

    Attributes:
        size: (H, W) of the radiograph.
        told: what the page must know of its film.
        preview: what a screen shows of it at first.
        codes: the film's own, as `film_bytes` packs them.
        study: what is known once the model has seen it, or why it cannot, which it also says where there are
            no codes; to be awaited once.
    """

    size: tuple[int, int]
    told: FilmReply
    preview: Preview
    codes: asyncio.Future[bytes]
    study: Awaitable[StudyReply]

    async def body(self, last: Callable[[Awaitable[StudyReply]], Awaitable[bytes]]) -> AsyncIterator[bytes]:
        """The head's length (4 bytes, big-endian), the head as JSON, the preview, the film's length and the
        film, the study as JSON.

        A film of length 0 could not be made, which what follows it says.

        last: awaits the study and gives its JSON, or that of what went wrong.
        """
        head = FilmHeadReply(
            size=self.size,
            film=self.told,
            preview_level=self.preview.level,
            preview_bytes=len(self.preview.codes),
        )
        told = head.model_dump_json().encode()
        yield struct.pack(">I", len(told)) + told + self.preview.codes
        await asyncio.wait([self.codes])
        codes = b"" if self.codes.exception() else self.codes.result()
        yield struct.pack(">I", len(codes))
        yield codes
        yield await last(self.study)


def packed(radiograph: Radiograph) -> PackedFilm:
    """A radiograph's film, ready to be sent."""
    return PackedFilm(film_reply(radiograph), film_bytes(radiograph))


def film_preview(radiograph: Radiograph) -> Preview:
    """The film as most screens show it whole, which is ready long before the film itself.

    Each of its codes is the mean of 2 x 2 of the level below, rounded, halves upwards: as the page has them
    once it has the film.
    """
    codes, level = _codes(radiograph), 0
    while min(codes.shape) >= 2 * PREVIEW_LENGTH:
        codes, level = _halved(codes, radiograph.outside is not None), level + 1
    return Preview(level, _packed_codes(codes)) if level else Preview()


def film_reply(radiograph: Radiograph) -> FilmReply:
    """What the page must know to show the film's codes."""
    grey, outside = _grey(radiograph), radiograph.outside
    low, high = grey.limits(outside)
    step = _step(radiograph)
    spacing = radiograph.facts.spacing
    return FilmReply(
        size=_reduced_size(radiograph),
        step=step,
        slope=grey.slope,
        intercept=grey.intercept,
        inverse=grey.inverse,
        rounded=grey.rounded,
        outside=outside is not None,
        limits=(low, high),
        transforms=[_transform(transform) for transform in grey.transforms],
        model=_transform(grey.model),
        automatic=_transform(grey.automatic),
        presets=[_transform(window, name) for name, window in grey.presets(outside).items()],
        spacing=None if spacing is None else SpacingReply(mm=spacing.mm, place=spacing.place),
        patient_left=radiograph.facts.patient_left,
        sides_told=radiograph.facts.sides_told,
    )


def film_bytes(radiograph: Radiograph) -> bytes:
    """The codes, uint16 [rows, columns], deflated (RFC 1950).

    Each row holds the differences d between neighbours, modulo 65536 with a sign, the first against 0; 2 d is
    written for d >= 0, else -2 d - 1. All low bytes come first, then all high bytes: so noise stays in one
    half, and the other all but vanishes.
    """
    return _packed_codes(_codes(radiograph))


def _packed_codes(codes: NDArray[np.uint16]) -> bytes:
    low, high = _halves(codes)
    if _is_noise(low):
        return _half_stored(low, high)
    return bytes(imagecodecs.deflate_encode(low.tobytes() + high.tobytes(), 1))


def _halves(codes: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Low and high bytes of what `film_bytes` deflates, [2, rows x columns]."""
    rows, columns = codes.shape
    halves = np.empty((2, rows, columns), np.uint8)
    block = np.empty((max(1, BLOCK // columns), columns), np.uint16)
    for start in range(0, rows, len(block)):
        part = codes[start : start + len(block)]
        differences = block[: len(part)]
        differences[:, 0] = part[:, 0]
        np.subtract(part[:, 1:], part[:, :-1], out=differences[:, 1:])
        signed = differences.view(np.int16)
        written = ((signed << 1) ^ (signed >> 15)).view(np.uint16)
        halves[0, start : start + len(part)] = written & 255
        halves[1, start : start + len(part)] = written >> 8
    return halves.reshape(2, -1)


def _is_noise(half: NDArray[np.uint8]) -> bool:
    """Judged by strips from all over the film, none of which repeats a part of another."""
    strips = min(STRIPS, max(1, len(half) // STRIP))
    starts = np.linspace(0, max(0, len(half) - STRIP), strips).astype(int)
    sample = b"".join(half[start : start + STRIP].tobytes() for start in starts)
    return len(imagecodecs.deflate_encode(sample, 1)) > NOISE * len(sample)


def _half_stored(stored: NDArray[np.uint8], deflated: NDArray[np.uint8]) -> bytes:
    """One stream of deflate (RFC 1950 and 1951), of which the first half is as it is."""
    parts: list[bytes | memoryview] = [b"\x78\x01"]
    for start in range(0, len(stored), LONGEST_BLOCK):
        block = stored[start : start + LONGEST_BLOCK].data
        parts += [struct.pack("<BHH", 0, len(block), len(block) ^ 0xFFFF), block]
    whole = imagecodecs.deflate_encode(deflated.tobytes(), 1)
    sums = zlib.adler32(deflated.data, zlib.adler32(stored.data))
    return b"".join([*parts, whole[2:-4], struct.pack(">I", sums)])


def _codes(radiograph: Radiograph) -> NDArray[np.uint16]:
    codes, outside = _grey(radiograph).codes, radiograph.outside
    rows, columns = _reduced_size(radiograph)
    if (rows, columns) != codes.shape:
        mean = cv2.resize(codes.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
        codes = np.round(mean).astype(np.uint16)
        if outside is not None:
            hidden = cv2.resize(outside.astype(np.uint8), (columns, rows), interpolation=cv2.INTER_NEAREST)
            outside = np.asarray(hidden, bool)
    if outside is None:
        return codes
    # A film of padding that uses all 65,536 values besides loses the highest of them.
    return np.where(outside, np.uint16(OUTSIDE), np.minimum(codes, OUTSIDE - 1)).astype(np.uint16)


def _halved(codes: NDArray[np.uint16], outside: bool) -> NDArray[np.uint16]:
    """The mean of 2 x 2 codes; of those that show something, at least half of which must.

    outside: whether `OUTSIDE` is no grey value.
    """
    rows, columns = (length // 2 for length in codes.shape)
    even = codes[: 2 * rows, : 2 * columns]
    if not outside:
        return cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.uint16, copy=False)
    four = np.stack([even[row::2, column::2] for row in (0, 1) for column in (0, 1)])
    hidden = four == OUTSIDE
    inside = 4 - hidden.sum(axis=0)
    sums = np.where(hidden, 0, four).sum(axis=0, dtype=np.int64)
    mean = np.floor(sums / np.maximum(inside, 1) + 0.5)
    return np.where(inside < 2, OUTSIDE, mean).astype(np.uint16)


def _grey(radiograph: Radiograph) -> GreyValues:
    if radiograph.grey is not None:
        return radiograph.grey
    return picture_values(np.round(radiograph.pixels * 65535).astype(np.uint16), 0, 65535)


def _step(radiograph: Radiograph) -> int:
    """Pixels of the radiograph along one of the film that is sent."""
    return -(-max(radiograph.size) // LONGEST_LENGTH)


def _reduced_size(radiograph: Radiograph) -> tuple[int, int]:
    step = _step(radiograph)
    height, width = radiograph.size
    return -(-height // step), -(-width // step)


def _transform(transform: Transform, name: str = "") -> TransformReply:
    """A window by its numbers, the automatic one by those that make it, a look-up table by its entries."""
    if isinstance(transform, Window):
        return TransformReply(
            name=name or transform.name,
            center=transform.center,
            width=transform.width,
            function=transform.function,
        )
    if isinstance(transform, Automatic):
        width = max(transform.high - transform.low, 1e-9)
        return TransformReply(
            name=transform.name,
            center=(transform.low + transform.high) / 2,
            width=width,
            function="LINEAR_EXACT",
        )
    assert isinstance(transform, VoiLut)
    entries = np.minimum(transform.lut.entries, transform.lut.largest)
    return TransformReply(
        name=transform.name,
        center=transform.lut.first + len(entries) / 2,
        width=float(len(entries)),
        function="TABLE",
        first=transform.lut.first,
        largest=transform.lut.largest,
        entries=entries.tolist(),
    )
