"""Files made to end, fill or hang the process that reads them: each kind is a sentence or a picture."""

from __future__ import annotations

import io
import os
import resource
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    RLELossless,
)

from patchclip import RadiographError, load_radiograph
from patchclip.image.isolation import IsolationError, WorkerPool
from patchclip.image.limits import MOST_SCANS
from tests.image.dicoms import CHEST, content, dicom
from tests.tiny import ROOT

EIGHT = np.round(CHEST * 255).astype(np.uint8)
TWELVE = np.round(CHEST * 4095).astype(np.uint16)
TOO_LARGE = "too many pixels to be a radiograph"


def with_stream(pixels: np.ndarray, stream: bytes, syntax: UID, **tags: object) -> bytes:
    """A DICOM whose header is that of these pixels, with another code stream in it."""
    dataset = dicom(pixels, **tags)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].VR = "OB"
    return content(dataset)


def of_size(side: int) -> np.ndarray:
    """A picture that compresses to nearly nothing."""
    return np.zeros((side, side), np.uint8)


def bomb(side: int, syntax: UID) -> bytes:
    """A small file of a large image."""
    if syntax == DeflatedExplicitVRLittleEndian:
        dataset = dicom(of_size(side))
        dataset.file_meta.TransferSyntaxUID = syntax
        return content(dataset)
    if syntax == JPEG2000:
        stream = bytes(imagecodecs.jpeg2k_encode(of_size(side), codecformat="J2K", level=10))
    elif syntax == RLELossless:
        run = bytes([0x81, 0]) * (side * side // 128 + 1)
        stream = struct.pack("<16I", 1, 64, *[0] * 14) + run
    else:
        stream = bytes(imagecodecs.jpeg8_encode(of_size(side)))
    return with_stream(np.zeros((1, 1), np.uint8), stream, syntax, Rows=side, Columns=side)


@pytest.mark.parametrize("syntax", [DeflatedExplicitVRLittleEndian, JPEG2000, RLELossless, JPEGBaseline8Bit])
def test_bombs_of_pixels_are_refused_before_they_are_decoded(syntax: UID) -> None:
    """The memory of a worker hardly grows."""
    pool = WorkerPool(1, module="tests.fuzz.worker")
    pool.run("read_radiograph", content(dicom(EIGHT)))
    before = pool.run("peak_mb")
    data = bomb(8200, syntax)
    assert len(data) < 1_200_000
    with pytest.raises(RadiographError, match=TOO_LARGE):
        pool.run("read_radiograph", data)
    # A deflated file is inflated, to within its limit, before its header can be read.
    allowed = 300 if syntax == DeflatedExplicitVRLittleEndian else 20
    assert pool.run("peak_mb") - before < allowed
    pool.close()


def test_a_code_stream_larger_than_its_header_says_is_refused_before_it_is_decoded() -> None:
    stream = bytes(imagecodecs.jpeg2k_encode(of_size(8200), codecformat="J2K", level=10))
    with pytest.raises(RadiographError, match="the compressed image 8200 x 8200"):
        load_radiograph(with_stream(EIGHT, stream, JPEG2000))


def test_a_deflated_file_that_grows_a_thousandfold_is_refused() -> None:
    """By an element that is no pixels: a quarter of a gigabyte in a third of a megabyte."""
    dataset = dicom(EIGHT)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    block = dataset.private_block(0x0019, "PATCHCLIP", create=True)
    block.add_new(0x10, "OB", bytes(260 * 2**20))
    data = content(dataset)
    assert len(data) < 400_000
    with pytest.raises(RadiographError, match="grows beyond 256 MB when it is inflated"):
        load_radiograph(data)


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_a_png_of_too_many_pixels_is_refused_before_it_is_decoded(mode: str) -> None:
    out = io.BytesIO()
    Image.new(mode, (8200, 8200)).save(out, "PNG", compress_level=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RadiographError, match=TOO_LARGE):
        load_radiograph(out.getvalue())
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000


def test_a_jpeg_of_hundreds_of_scans_is_refused() -> None:
    out = io.BytesIO()
    Image.fromarray(EIGHT).save(out, "JPEG", progressive=True)
    whole = out.getvalue()
    start = whole.rindex(b"\xff\xda")
    with pytest.raises(RadiographError, match=rf"scans; at most {MOST_SCANS} are read"):
        load_radiograph(whole[:-2] + whole[start:-2] * 300 + whole[-2:])
    assert load_radiograph(whole).size == CHEST.shape


def test_a_jpeg_whose_end_is_zeros_is_no_silent_picture() -> None:
    """As an interrupted copy leaves it."""
    out = io.BytesIO()
    Image.fromarray(EIGHT).save(out, "JPEG")
    whole = out.getvalue()
    try:
        warnings = load_radiograph(whole[: len(whole) // 2] + bytes(len(whole) // 2)).warnings
    except RadiographError as error:
        assert "damaged or cut short" in str(error)
    else:
        assert any("has no end" in warning for warning in warnings)
    assert not any("has no end" in warning for warning in load_radiograph(whole).warnings)


@pytest.mark.parametrize("kept", [700, 850, 2000])
def test_a_few_hundred_bytes_of_twelve_bit_jpeg_are_a_sentence_or_a_picture(kept: int) -> None:
    """Such a file ended a process that decoded it with GDCM."""
    stream = bytes(imagecodecs.jpeg8_encode(TWELVE, bitspersample=12))
    data = with_stream(TWELVE, stream[:kept], JPEGExtended12Bit, BitsStored=12, HighBit=11)
    with pytest.raises(RadiographError, match=r"cut short; export it|unknown kind") as caught:
        load_radiograph(data, isolated=True)
    assert not isinstance(caught.value, IsolationError)


@pytest.mark.parametrize("photometric", ["RGB", "YBR_RCT", "YBR_FULL"])
def test_a_grey_code_stream_called_a_colour_is_a_sentence(photometric: str) -> None:
    for syntax, stream in (
        (JPEG2000, bytes(imagecodecs.jpeg2k_encode(TWELVE, codecformat="J2K", bitspersample=12))),
        (JPEGLSLossless, bytes(imagecodecs.jpegls_encode(TWELVE))),
    ):
        with pytest.raises(RadiographError, match=r"contradicts itself.*export the image again") as caught:
            load_radiograph(
                with_stream(TWELVE, stream, syntax, PhotometricInterpretation=photometric), isolated=True
            )
        assert not isinstance(caught.value, IsolationError)


@pytest.mark.parametrize("tags", [{"Rows": 2 * CHEST.shape[0]}, {"Columns": CHEST.shape[1] + 1}])
def test_a_header_larger_than_its_jpeg_ls_is_a_sentence(tags: dict[str, int]) -> None:
    data = with_stream(TWELVE, bytes(imagecodecs.jpegls_encode(TWELVE)), JPEGLSLossless, **tags)
    with pytest.raises(RadiographError, match=r"header says .* export it again") as caught:
        load_radiograph(data, isolated=True)
    assert not isinstance(caught.value, IsolationError)


def png_with(kind: bytes, data: bytes, mode: str = "L") -> bytes:
    """A PNG with a chunk before its pixels, under a checksum that fits."""
    out = io.BytesIO()
    Image.fromarray(EIGHT).convert(mode).save(out, "PNG")
    png = out.getvalue()
    place = png.index(b"IDAT") - 4
    chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return png[:place] + chunk + png[place:]


@pytest.mark.parametrize("length", [0, 1, 3, 7, 31])
@pytest.mark.parametrize("kind", [b"cHRM", b"tRNS", b"gAMA", b"pHYs", b"sRGB", b"iCCP", b"eXIf", b"acTL"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_short_chunks_of_a_png_are_a_sentence_or_a_picture(kind: bytes, length: int, mode: str) -> None:
    try:
        read = load_radiograph(png_with(kind, bytes(range(1, length + 1)), mode))
    except RadiographError as error:
        assert "damaged or cut short; export it again" in str(error)
    else:
        assert read.size == CHEST.shape


@pytest.mark.parametrize("orientation", [b"", b"\0", bytes(3), b"\xff" * 12])
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_broken_exif_costs_no_picture(orientation: bytes, format: str) -> None:
    out = io.BytesIO()
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + orientation
    Image.fromarray(EIGHT).save(out, format, exif=exif)
    assert load_radiograph(out.getvalue()).size == CHEST.shape


def test_bombs_in_the_texts_of_a_png_are_a_sentence_or_a_picture() -> None:
    out, notes = io.BytesIO(), PngImagePlugin.PngInfo()
    notes.add_text("Comment", "x" * (50 * 2**20), zip=True)
    Image.fromarray(EIGHT).save(out, "PNG", pnginfo=notes)
    try:
        assert load_radiograph(out.getvalue()).size == CHEST.shape
    except RadiographError as error:
        assert "damaged" in str(error)


def test_deep_nesting_is_a_sentence() -> None:
    """Sequences in sequences, beyond what Python follows."""
    start, end = b"\x08\x00\x15\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff", b""
    with pytest.raises(RadiographError):
        load_radiograph(bytes(128) + b"DICM" + start * 20_000 + end, isolated=True)


def _shared() -> list[Path]:
    folder = (
        Path(os.environ.get("PATCHCLIP_DATA", ROOT.parent / "shared" / "data")).parent / "cases" / "hostile"
    )
    return sorted(file for file in folder.glob("*") if file.suffix in (".dcm", ".bin"))


@pytest.mark.parametrize("file", _shared() or [None], ids=lambda file: file.name if file else "none")
def test_files_that_did_harm_are_a_sentence_or_a_picture(file: Path | None) -> None:
    if file is None:
        pytest.skip("the hostile files are not here; set PATCHCLIP_DATA to the folder beside theirs")
    try:
        read = load_radiograph(file, isolated=True)
    except RadiographError as error:
        assert not isinstance(error, IsolationError) and str(error).endswith(".")
        assert not file.name.startswith("bomb") or TOO_LARGE in str(error)
    else:
        assert file.name.startswith("struct_error") and read.pixels.size > 0
