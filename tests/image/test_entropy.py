"""Damage within a JPEG, of which decoders make a picture: the reader is told, and of a whole one nothing is
said."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import UID, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLosslessSV1

from patchclip import RadiographError, load_radiograph
from patchclip.image.codestream import read_header
from patchclip.image.decoders import Stored
from patchclip.image.entropy import DAMAGED_WITHIN, is_damaged
from tests.image.dicoms import CHEST, content, dicom

EIGHT, TWELVE = np.round(CHEST * 255).astype(np.uint8), np.round(CHEST * 4095).astype(np.uint16)


def pillow(mode: str = "L", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(EIGHT).convert(mode).save(out, "JPEG", quality=90, **options)
    return out.getvalue()


def turbo(values: Stored, **options: Any) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(values, **options))


PICTURES: dict[str, bytes] = {
    "baseline": pillow(),
    "progressive": pillow(progressive=True),
    "colour": pillow("RGB"),
    "four inks": pillow("CMYK"),
    "restarts": pillow(restart_marker_rows=1),
}
STREAMS: dict[str, tuple[UID, Stored, bytes]] = {
    "baseline": (JPEGBaseline8Bit, EIGHT, turbo(EIGHT)),
    "12 bits": (JPEGExtended12Bit, TWELVE, turbo(TWELVE, bitspersample=12)),
    "lossless, 8 bits": (JPEGLosslessSV1, EIGHT, turbo(EIGHT, lossless=True)),
    "lossless, 12 bits": (JPEGLosslessSV1, TWELVE, turbo(TWELVE, lossless=True, bitspersample=12)),
    "lossless, 16 bits": (JPEGLosslessSV1, TWELVE, turbo(TWELVE, lossless=True)),
}


def file_of(syntax: UID, values: Stored, stream: bytes) -> bytes:
    dataset = dicom(values, BitsStored=8 * values.itemsize if values is EIGHT else 12, SamplesPerPixel=1)
    dataset.HighBit = dataset.BitsStored - 1
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].VR = "OB"
    return content(dataset)


def data_of(stream: bytes) -> tuple[int, int]:
    """Where the data of the last scan begin and end."""
    return stream.rindex(b"\xff\xda") + 14, stream.rindex(b"\xff\xd9")


def gap(stream: bytes) -> bytes:
    """The middle third of the data is missing."""
    begin, end = data_of(stream)
    third = (end - begin) // 3
    return stream[: begin + third] + stream[begin + 2 * third :]


def twice(stream: bytes) -> bytes:
    """The middle third of the data stands there twice."""
    begin, end = data_of(stream)
    third = (end - begin) // 3
    return stream[: begin + 2 * third] + stream[begin + third :]


@pytest.mark.parametrize("damage", [gap, twice])
@pytest.mark.parametrize(("syntax", "values", "stream"), STREAMS.values(), ids=STREAMS)
def test_a_damaged_stream_in_a_dicom_file_is_said(
    syntax: UID, values: Stored, stream: bytes, damage: Callable[[bytes], bytes]
) -> None:
    whole = load_radiograph(file_of(syntax, values, stream))
    assert DAMAGED_WITHIN not in whole.warnings
    try:
        damaged = load_radiograph(file_of(syntax, values, damage(stream)))
    except RadiographError as error:
        assert "damaged" in str(error)
        return
    assert not np.array_equal(whole.pixels, damaged.pixels)
    assert damaged.warnings.count(DAMAGED_WITHIN) == 1


@pytest.mark.parametrize("damage", [gap, twice])
@pytest.mark.parametrize("stream", PICTURES.values(), ids=PICTURES)
def test_a_damaged_picture_is_said(stream: bytes, damage: Callable[[bytes], bytes]) -> None:
    assert DAMAGED_WITHIN not in load_radiograph(stream).warnings
    assert load_radiograph(damage(stream)).warnings.count(DAMAGED_WITHIN) == 1


@pytest.mark.parametrize("name", [*PICTURES, *STREAMS])
def test_what_encoders_add_is_no_damage(name: str) -> None:
    """Fill bytes before the end marker (T.81, B.1.1.2) and whatever follows it."""
    stream = STREAMS[name][2] if name in STREAMS else PICTURES[name]
    for whole in (stream, stream[:-2] + b"\xff\xff\xff" + stream[-2:], stream + bytes(7)):
        header = read_header(whole)
        assert header is not None and not is_damaged(whole, header)
