"""The stored pixel values of a DICOM image, decoded.

JPEG (8 and 12 bits, baseline to lossless), JPEG-LS, JPEG 2000 and its high-throughput form are decoded by
imagecodecs (libjpeg-turbo, CharLS, OpenJPEG), which raises on damaged streams, where GDCM ends the process on
some. What a code stream says of itself is compared with the header and the limits before it is decoded.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Self

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.encaps import get_frame
from pydicom.pixels.processing import convert_color_space
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from patchclip.errors import RadiographError
from patchclip.image import entropy
from patchclip.image.codestream import Codec, CodeStream, is_whole, read_header
from patchclip.image.elements import element, integer, sentence
from patchclip.image.limits import MOST_SCANS, check_pixels

GREY = {"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"}
COLOUR = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "YBR_ICT", "YBR_RCT"}
CUT_SHORT = (
    "The DICOM image is cut short or its header does not fit its pixels; export it again from its source."
)
DAMAGED = "The compressed image in the DICOM file is damaged; export it again from its source."

Stored = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Layout:
    """How the header says that pixels are stored (Image Pixel Module, PS3.3 C.7.6.3)."""

    rows: int
    columns: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    frames: int

    @classmethod
    def of(cls, dataset: FileDataset) -> Self:
        """From the header.

        Raises:
            RadiographError: an element is missing, malformed or impossible, there are too many pixels, or
                samples do not fit the photometric interpretation.
        """
        rows, columns = integer(dataset, "Rows"), integer(dataset, "Columns")
        check_pixels(rows, columns)
        samples = integer(dataset, "SamplesPerPixel", 1)
        photometric = str(element(dataset, "PhotometricInterpretation") or "").strip().upper()
        if samples not in (1, 3) or photometric in (GREY if samples == 3 else COLOUR):
            raise RadiographError(
                f"The DICOM header contradicts itself: {samples} samples per pixel do not fit the "
                "photometric interpretation; export the image again from its source."
            )
        allocated = integer(dataset, "BitsAllocated")
        stored = integer(dataset, "BitsStored", allocated)
        if allocated not in (1, 8, 16, 32) or not 1 <= stored <= allocated:
            raise RadiographError(
                f"The DICOM header says {allocated} bits allocated and {stored} stored per sample, which no "
                "decoder reads; export the image again from its source."
            )
        high_bit = integer(dataset, "HighBit", stored - 1)
        return cls(
            rows,
            columns,
            samples,
            photometric,
            allocated,
            stored,
            high_bit if stored - 1 <= high_bit < allocated else stored - 1,
            integer(dataset, "PixelRepresentation", 0) == 1,
            max(1, integer(dataset, "NumberOfFrames", 1)),
        )


def stored_pixels(dataset: FileDataset, frame: int = 0) -> Stored:
    """Stored values of one frame, as the header lays them out: before any modality or VOI transform.

    Bits outside those between High Bit and Bits Stored are left out (PS3.5 8.1.1), signs are carried up.

    Args:
        dataset: a parsed file with Pixel Data.
        frame: from 0.

    Returns:
        [H, W], or RGB [H, W, 3] of a colour image, in the machine's byte order; a palette's values are places
        in its table.

    Raises:
        RadiographError: cut short, damaged, contradicting its header, beyond the limits, or compressed in an
            unknown way.
    """
    layout = Layout.of(dataset)
    if not 0 <= frame < layout.frames:
        raise RadiographError(
            f"The file holds {layout.frames} frames and no number {frame + 1}; choose one of them."
        )
    syntax = _syntax(dataset)
    stream = _stream(dataset, layout, frame)
    if stream is None:
        return _uncompressed(dataset, layout, syntax, frame)
    if syntax == RLELossless:
        return _in_layout(_run_lengths(stream, layout), layout, layout.bits_allocated)
    header = read_header(stream)
    if header is None:
        raise RadiographError(
            f"The DICOM image cannot be decoded ({_name(syntax)}, damaged or of an unknown kind); "
            "export it uncompressed, or as JPEG 2000 or JPEG lossless."
        )
    return _compressed(stream, header, layout)


def is_damaged_within(dataset: FileDataset, frame: int = 0) -> bool:
    """Whether a frame that `stored_pixels` decodes shows signs of damage all the same; see `entropy`."""
    stream = _stream(dataset, Layout.of(dataset), frame)
    header = None if stream is None or _syntax(dataset) == RLELossless else read_header(stream)
    if stream is None or header is None or header.codec is not Codec.JPEG:
        return False
    return entropy.is_damaged(stream, header)


def _stream(dataset: FileDataset, layout: Layout, frame: int) -> bytes | None:
    """The code stream of a frame, None where pixels are stored as they are."""
    with sentence(CUT_SHORT):
        pixels = dataset["PixelData"]
        if not pixels.is_undefined_length and pixels.value[:4] != b"\xfe\xff\x00\xe0":
            return None
        return get_frame(pixels.value, frame, number_of_frames=layout.frames)


def _syntax(dataset: FileDataset) -> UID:
    """The transfer syntax; of a file that names none, the uncompressed one that it was written in."""
    dataset.ensure_file_meta()
    with sentence(CUT_SHORT):
        syntax = dataset.file_meta.get("TransferSyntaxUID")
    if not syntax:
        implicit, little_endian = dataset.original_encoding
        if little_endian is False:
            syntax = ExplicitVRBigEndian
        else:
            syntax = ExplicitVRLittleEndian if implicit is False else ImplicitVRLittleEndian
        dataset.file_meta.TransferSyntaxUID = syntax
    return UID(syntax)


def _name(syntax: UID) -> str:
    return (
        syntax.name
        if syntax.is_valid and syntax.name != str(syntax)
        else "a transfer syntax that does not exist"
    )


def _uncompressed(dataset: FileDataset, layout: Layout, syntax: UID, frame: int) -> Stored:
    try:
        with sentence(CUT_SHORT):
            words = pixel_array(dataset, index=frame, correct_unused_bits=False)
    except RuntimeError:
        raise RadiographError(
            f"The DICOM image cannot be decoded ({_name(syntax)}); "
            "export it uncompressed, or as JPEG 2000 or JPEG lossless."
        ) from None
    return _in_layout(words.astype(words.dtype.newbyteorder("="), copy=False), layout, layout.bits_allocated)


def _compressed(stream: bytes, header: CodeStream, layout: Layout) -> Stored:
    """One frame that carries a header of its own, which is compared with the file's."""
    if (header.rows, header.columns, header.components) != (layout.rows, layout.columns, layout.samples):
        raise RadiographError(
            f"The DICOM header says {layout.columns} x {layout.rows} pixels of {layout.samples} samples, "
            f"the compressed image {header.columns} x {header.rows} of {header.components}; "
            "export it again from its source."
        )
    if not is_whole(stream, header.codec):
        raise RadiographError(
            "The compressed image in the DICOM file is cut short; export it again from its source."
        )
    if header.scans > MOST_SCANS:
        raise RadiographError(
            f"The JPEG image has {header.scans} scans, of which at most {MOST_SCANS} are read; "
            "export it uncompressed."
        )
    try:
        if header.codec is Codec.JPEG_LS:
            values = imagecodecs.jpegls_decode(stream)
        elif header.codec is Codec.JPEG_2000:
            values = imagecodecs.jpeg2k_decode(stream, numthreads=1)
        else:
            # The colours as they are: what they mean is decided below.
            colours = "GRAYSCALE" if header.components == 1 else "RGB"
            values = imagecodecs.jpeg8_decode(stream, colorspace=colours, outcolorspace=colours)
    except (RuntimeError, ValueError):
        raise RadiographError(DAMAGED) from None
    expected = (layout.rows, layout.columns) if layout.samples == 1 else (layout.rows, layout.columns, 3)
    if values.shape != expected or values.dtype.kind not in "iu":
        raise RadiographError(DAMAGED)
    if layout.samples == 3 and _is_ycc(header, layout):
        values = convert_color_space(values, "YBR_FULL", "RGB")
    if header.signed and not layout.signed:
        return values.view(f"u{values.itemsize}") & _mask(header.precision, values.itemsize)
    if header.signed:
        return values
    return _in_layout(values, layout, header.precision)


def _is_ycc(header: CodeStream, layout: Layout) -> bool:
    """Whether components are luminance and two differences: by their names, JFIF's mark, or the header."""
    if header.codec is Codec.JPEG and (header.rgb or header.jfif):
        return not header.rgb
    return layout.photometric in ("YBR_FULL", "YBR_FULL_422")  # JPEG 2000 undoes its own transforms


def _run_lengths(stream: bytes, layout: Layout) -> Stored:
    """RLE (PS3.5 annex G): a segment of PackBits for each byte of each sample, the highest byte first."""
    size, width = layout.rows * layout.columns, layout.bits_allocated // 8
    try:
        count, *offsets = struct.unpack_from("<16I", stream)
        if width == 0 or count != layout.samples * width:
            raise RadiographError(CUT_SHORT)
        ends = [*offsets[1:count], len(stream)]
        planes = np.empty((layout.samples, size, width), np.uint8)
        for number, (start, end) in enumerate(zip(offsets[:count], ends, strict=True)):
            # Encoders round up: a few bytes more are padding.
            decoded = imagecodecs.packbits_decode(stream[start:end], out=bytearray(size + 256))
            planes[number // width, :, width - 1 - number % width] = np.frombuffer(decoded, np.uint8)[:size]
    except (RuntimeError, ValueError, struct.error):
        raise RadiographError(DAMAGED) from None
    words = planes.view(f"<u{width}").reshape(layout.samples, layout.rows, layout.columns)
    return words[0] if layout.samples == 1 else np.ascontiguousarray(np.moveaxis(words, 0, -1))


def _in_layout(words: Stored, layout: Layout, precision: int) -> Stored:
    """Words -> values: the bits between High Bit and Bits Stored, with their sign.

    precision: the bits that the words use; a code stream may hold the stored bits alone, moved down already.
    """
    bits = min(layout.bits_stored, precision)
    shift = layout.high_bit + 1 - layout.bits_stored if precision > layout.bits_stored else 0
    width = 8 * words.itemsize
    values = words.view(f"u{words.itemsize}")
    if bits < width and shift == 0 and not layout.signed:
        return values & _mask(bits, words.itemsize)
    if bits < width:
        values = values << (width - bits - shift)  # bits above the stored ones fall off
        values = (values.view(f"i{words.itemsize}") if layout.signed else values) >> (width - bits)
        return values
    return values.view(f"i{words.itemsize}") if layout.signed else values


def _mask(bits: int, itemsize: int) -> int:
    return (1 << min(bits, 8 * itemsize)) - 1
