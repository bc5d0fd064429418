"""Compressed DICOM images: stored values against DCMTK's decoding, and against uncompressed twins."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from patchclip import RadiographError, load_radiograph
from patchclip.image.decoders import stored_pixels
from patchclip.image.limits import MOST_SCANS
from tests.image.dicoms import CHEST, content, dicom

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
DCMTK = ("dcmcjpeg", "dcmdjpeg", "dcmcjpls", "dcmdjpls", "dcmcrle", "dcmdrle")
needs_dcmtk = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in DCMTK), reason="DCMTK is not installed (Debian's package dcmtk)"
)


def grey(bits: int, signed: bool = False) -> FileDataset:
    """The synthetic chest at so many bits."""
    values = np.round(CHEST[:200, :180] * (2**bits - 1)).astype(np.int32)
    if signed:
        values -= 2 ** (bits - 1)
    kind = (np.int8 if signed else np.uint8) if bits <= 8 else (np.int16 if signed else np.uint16)
    return dicom(values.astype(kind), BitsStored=bits, HighBit=bits - 1)


def encapsulated(dataset: FileDataset, stream: bytes, syntax: UID) -> FileDataset:
    """The same with another image in it."""
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].VR = "OB"
    return dcmread(pydicom.filebase.DicomBytesIO(content(dataset)))


def stored(dataset: FileDataset) -> NDArray[np.integer]:
    """As written before compression."""
    kind = f"<{'i' if dataset.PixelRepresentation else 'u'}{dataset.BitsAllocated // 8}"
    return np.frombuffer(dataset.PixelData, kind).reshape(dataset.Rows, dataset.Columns)


@needs_dcmtk
@pytest.mark.parametrize(
    ("encoder", "decoder", "bits", "signed"),
    [
        (["dcmcjpeg", "+e1"], "dcmdjpeg", 8, False),
        (["dcmcjpeg", "+e1"], "dcmdjpeg", 12, False),
        (["dcmcjpeg", "+e1"], "dcmdjpeg", 16, False),
        (["dcmcjpeg", "+e1"], "dcmdjpeg", 12, True),
        (["dcmcjpeg", "+el", "+sv", "7"], "dcmdjpeg", 12, False),
        (["dcmcjpeg", "+eb"], "dcmdjpeg", 8, False),
        (["dcmcjpeg", "+ee"], "dcmdjpeg", 8, False),
        (["dcmcjpeg", "+ee"], "dcmdjpeg", 12, False),
        (["dcmcjpeg", "+es"], "dcmdjpeg", 8, False),
        (["dcmcjpeg", "+es"], "dcmdjpeg", 12, False),
        (["dcmcjpeg", "+ep"], "dcmdjpeg", 8, False),
        (["dcmcjpeg", "+ep"], "dcmdjpeg", 12, False),
        (["dcmcjpls", "+el"], "dcmdjpls", 7, False),
        (["dcmcjpls", "+el"], "dcmdjpls", 8, False),
        (["dcmcjpls", "+el"], "dcmdjpls", 12, True),
        (["dcmcjpls", "+el"], "dcmdjpls", 16, False),
        (["dcmcjpls", "+en", "+md", "3"], "dcmdjpls", 12, False),
        (["dcmcrle"], "dcmdrle", 8, False),
        (["dcmcrle"], "dcmdrle", 12, True),
        (["dcmcrle"], "dcmdrle", 16, False),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_stored_values_are_those_that_dcmtk_decodes(
    encoder: list[str], decoder: str, bits: int, signed: bool, tmp_path: Path
) -> None:
    """The same numbers; of lossy JPEG within one, the freedom of its inverse transform (ITU-T T.83)."""
    plain, packed, unpacked = tmp_path / "plain.dcm", tmp_path / "packed.dcm", tmp_path / "unpacked.dcm"
    original = grey(bits, signed)
    plain.write_bytes(content(original))
    subprocess.run([*encoder, str(plain), str(packed)], check=True, capture_output=True)
    subprocess.run([decoder, str(packed), str(unpacked)], check=True, capture_output=True)
    read = stored_pixels(dcmread(packed))
    expected = stored_pixels(dcmread(unpacked))
    lossy = encoder[1:2] in (["+eb"], ["+ee"], ["+es"], ["+ep"])
    np.testing.assert_allclose(read, expected, rtol=0, atol=1 if lossy else 0)
    if not lossy and "+en" not in encoder:
        np.testing.assert_array_equal(read, stored(original))
    assert load_radiograph(packed).size == (200, 180)


@pytest.mark.parametrize(
    ("syntax", "bits", "signed"),
    [
        (JPEG2000Lossless, 8, False),
        (JPEG2000Lossless, 12, True),
        (JPEG2000Lossless, 16, False),
        (HTJ2KLossless, 12, False),
        (HTJ2K, 16, False),
        (JPEGLosslessSV1, 12, False),
        (JPEGLSLossless, 7, False),
    ],
)
def test_lossless_streams_give_back_what_was_written(syntax: UID, bits: int, signed: bool) -> None:
    original = grey(bits, signed)
    values = stored(original)
    if syntax == JPEG2000Lossless:
        stream = bytes(
            imagecodecs.jpeg2k_encode(values, codecformat="J2K", bitspersample=bits, reversible=True)
        )
    elif syntax in (HTJ2KLossless, HTJ2K):
        stream = bytes(imagecodecs.htj2k_encode(values, reversible=True))
    elif syntax == JPEGLSLossless:
        stream = bytes(imagecodecs.jpegls_encode(values))
    else:
        stream = bytes(imagecodecs.jpeg8_encode(values, lossless=True, bitspersample=bits))
    np.testing.assert_array_equal(stored_pixels(encapsulated(original, stream, syntax)), values)


@pytest.mark.parametrize(
    ("packed", "plain"),
    [
        ("MR_small_RLE.dcm", "MR_small.dcm"),
        ("MR_small_jp2klossless.dcm", "MR_small.dcm"),
        ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"),
        ("rtdose_rle_1frame.dcm", "rtdose_1frame.dcm"),
    ],
)
def test_compressed_files_equal_their_uncompressed_twins(packed: str, plain: str) -> None:
    """pydicom bundles both."""
    twins = [FILES / packed, FILES / plain]
    if not all(file.is_file() for file in twins):
        pytest.skip("pydicom does not bundle both files")
    read, expected = (stored_pixels(dcmread(file)) for file in twins)
    np.testing.assert_array_equal(read, expected)
    np.testing.assert_array_equal(expected, pixel_array(dcmread(twins[1]), index=0))


@pytest.mark.parametrize("name", ["SC_rgb_rle.dcm", "SC_rgb_rle_16bit.dcm", "SC_rgb_rle_32bit_2frame.dcm"])
def test_run_lengths_of_colours_are_those_that_pydicom_decodes(name: str) -> None:
    if not (FILES / name).is_file():
        pytest.skip(f"pydicom does not bundle {name}")
    dataset = dcmread(FILES / name)
    last = int(dataset.get("NumberOfFrames", 1)) - 1
    expected = pixel_array(dataset, index=last, decoding_plugin="pydicom")
    np.testing.assert_array_equal(stored_pixels(dataset, last), expected)


@needs_dcmtk
@pytest.mark.parametrize(
    "name",
    [
        "SC_rgb_jpeg_dcmtk.dcm",
        "SC_rgb_dcmtk_+eb+cr.dcm",
        "SC_rgb_dcmtk_+eb+cy+n1.dcm",
        "SC_rgb_dcmtk_+eb+cy+s4.dcm",
        "SC_rgb_jpeg_gdcm.dcm",
        "SC_rgb_jpeg_lossy_gdcm.dcm",
    ],
)
def test_colours_are_those_that_dcmtk_decodes(name: str, tmp_path: Path) -> None:
    """RGB, luminance with differences, subsampled ones too; two levels are the freedom of the conversion."""
    if not (FILES / name).is_file():
        pytest.skip(f"pydicom does not bundle {name}")
    unpacked = tmp_path / "unpacked.dcm"
    subprocess.run(["dcmdjpeg", "+cp", str(FILES / name), str(unpacked)], check=True, capture_output=True)
    expected = dcmread(unpacked)
    assert expected.PhotometricInterpretation == "RGB"
    read = stored_pixels(dcmread(FILES / name)).astype(int)
    np.testing.assert_allclose(read, stored_pixels(expected), rtol=0, atol=2)


NO_IMAGE = {"JPEG2000-embedded-sequence-delimiter.dcm", "MR_truncated.dcm", "badVR.dcm"}
"""Of pydicom's files: a code stream overwritten on purpose, one cut short, and "1A" frames."""


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, of what is wrong in its own files
def test_every_bundled_file_with_pixels_is_decoded() -> None:
    """All syntaxes among pydicom's test files, damaged ones aside, whose errors are sentences."""
    decoded = 0
    for file in sorted(FILES.rglob("*")):
        try:
            dataset = dcmread(file) if file.is_file() else None
        except pydicom.errors.InvalidDicomError:
            continue
        if dataset is None or "PixelData" not in dataset or "Rows" not in dataset:
            continue
        if file.name in NO_IMAGE:
            with warnings.catch_warnings(), pytest.raises(RadiographError, match="export"):
                warnings.simplefilter("ignore")
                stored_pixels(dataset)
            continue
        values = stored_pixels(dataset)
        assert values.shape[:2] == (dataset.Rows, dataset.Columns), file.name
        decoded += 1
    assert decoded > 60


@pytest.mark.parametrize("high_bit", [11, 13, 15])
def test_values_lie_below_the_high_bit(high_bit: int) -> None:
    """PS3.5 8.1.1: what lies outside is no part of the value, an overlay for example."""
    values = np.round(CHEST[:100, :90] * 4095).astype(np.uint16)
    shift = high_bit - 11
    words = (values << shift) | (0xFFFF & ~(0xFFF << shift) & 0xA5A5)
    dataset = dicom(words.astype(np.uint16), BitsStored=12, HighBit=high_bit)
    np.testing.assert_array_equal(stored_pixels(dataset), values)
    signed = dicom((words).astype(np.int16), BitsStored=12, HighBit=high_bit)
    np.testing.assert_array_equal(
        stored_pixels(signed), np.where(values < 2048, values, values.astype(int) - 4096)
    )


def test_a_code_stream_under_another_syntaxs_name_is_decoded() -> None:
    """What the stream is, it says itself."""
    original = grey(12)
    stream = bytes(
        imagecodecs.jpeg2k_encode(stored(original), codecformat="J2K", bitspersample=12, reversible=True)
    )
    values = stored(original)
    np.testing.assert_array_equal(stored_pixels(encapsulated(original, stream, JPEGExtended12Bit)), values)


def _lossless(syntax: UID, **changes: object) -> FileDataset:
    original = grey(12)
    values = stored(original)
    if syntax == JPEG2000Lossless:
        stream = bytes(
            imagecodecs.jpeg2k_encode(values, codecformat="J2K", bitspersample=12, reversible=True)
        )
    else:
        stream = bytes(imagecodecs.jpegls_encode(values))
    for keyword, value in changes.items():
        setattr(original, keyword, value)
    return encapsulated(original, stream, syntax)


@pytest.mark.parametrize("photometric", ["RGB", "YBR_RCT", "YBR_FULL", "ybr_ict"])
@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless])
def test_grey_under_the_name_of_a_colour_is_refused(syntax: UID, photometric: str) -> None:
    """Such files end a process that decodes them with GDCM; which grey is white nobody knows."""
    with pytest.raises(RadiographError, match=r"contradicts itself.*export the image again"):
        stored_pixels(_lossless(syntax, PhotometricInterpretation=photometric))


@pytest.mark.parametrize("changes", [{"Rows": 400}, {"Columns": 181}, {"Rows": 100, "Columns": 360}])
@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless])
def test_a_header_that_does_not_fit_the_stream_is_refused(syntax: UID, changes: dict[str, int]) -> None:
    with pytest.raises(RadiographError, match=r"header says .* the compressed image 180 x 200"):
        stored_pixels(_lossless(syntax, **changes))


def test_a_stream_with_too_many_scans_is_refused_undecoded() -> None:
    """Hundreds of scans of a progressive JPEG take a minute from a few hundred kilobytes."""
    original = grey(8)
    stream = bytes(imagecodecs.jpeg8_encode(stored(original)))
    start = stream.index(b"\xff\xda")
    bomb = stream[:-2] + stream[start:-2] * MOST_SCANS + b"\xff\xd9"
    with pytest.raises(RadiographError, match=f"{MOST_SCANS + 1} scans, of which at most {MOST_SCANS}"):
        stored_pixels(encapsulated(original, bomb, JPEGExtended12Bit))


@pytest.mark.parametrize(
    "stream", [b"\0\0", b"\xff\xd8\xff", b"\xff\x4f\xff\x51\x00", b"no code stream at all" * 20]
)
def test_a_stream_of_no_kind_is_refused(stream: bytes) -> None:
    with pytest.raises(RadiographError, match=r"JPEG 2000 Image Compression.*damaged or of an unknown kind"):
        stored_pixels(encapsulated(grey(8), stream + bytes(len(stream) % 2), JPEG2000))


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless, JPEGExtended12Bit])
def test_a_stream_cut_short_is_refused(syntax: UID, cut: float) -> None:
    """Though some decoders make a picture of what is left, and say nothing."""
    if syntax == RLELossless:
        original = grey(12)
        original.compress(RLELossless, encoding_plugin="pydicom")
    elif syntax == JPEGExtended12Bit:
        original = grey(12)
        stream = bytes(imagecodecs.jpeg8_encode(stored(original), bitspersample=12))
        original = encapsulated(original, stream, syntax)
    else:
        original = _lossless(syntax)
    whole = pydicom.encaps.get_frame(original.PixelData, 0, number_of_frames=1)
    half = whole[: 2 * int(len(whole) * cut / 2)]
    with pytest.raises(RadiographError, match=r"(cut short|damaged|does not fit).*export it"):
        stored_pixels(encapsulated(grey(12), half, syntax))


def test_data_in_fragments_under_an_uncompressed_name_are_not_taken_for_pixels() -> None:
    dataset = _lossless(JPEG2000Lossless)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    assert stored_pixels(dataset).shape == (200, 180)
