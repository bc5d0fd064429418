"""What is shown is what DCMTK shows, within one grey level of 255, but where DCMTK is known to be wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset

from patchclip import load_radiograph
from tests.image.dcmtk import rendered
from tests.image.dicoms import CHEST, content, dicom, implicit, lut, words

TWELVE = np.round(CHEST * 4095).astype(np.uint16)
RAMP = np.arange(4096)
CURVE = np.round(4095 * (RAMP / 4095) ** 0.6).astype(np.uint16)
"""A look-up table of 12 bits that no straight line replaces."""
BITS: dict[str, object] = {"BitsStored": 12, "HighBit": 11}
WINDOW: dict[str, object] = {**BITS, "WindowCenter": "1800", "WindowWidth": "2500"}


def twelve(**tags: object) -> FileDataset:
    """Twelve bits of sixteen."""
    return dicom(TWELVE, **{**BITS, **tags})


def windowed(**tags: object) -> FileDataset:
    """The same, with a window that clips at both ends."""
    return dicom(TWELVE, **{**WINDOW, **tags})


def voi(*items: Dataset, **tags: object) -> FileDataset:
    """Twelve bits with VOI LUTs."""
    return twelve(VOILUTSequence=list(items), **tags)


def signed(**tags: object) -> FileDataset:
    """Signed values around 0."""
    return dicom((TWELVE.astype(np.int32) - 2048).astype(np.int16), **{**BITS, **tags})


def shifted(shift: int, noise: int = 0, **tags: object) -> FileDataset:
    """Twelve bits that begin higher in their words, over bits that mean nothing."""
    stored = (TWELVE << shift) | np.uint16(noise)
    return dicom(stored, **{**WINDOW, "HighBit": 11 + shift, **tags})


def with_overlay() -> FileDataset:
    """An old overlay in bit 12 of the pixels."""
    stored = TWELVE.copy()
    stored[10:20, 10:60] |= 1 << 12
    dataset = windowed()
    dataset.PixelData = stored.tobytes()
    dataset.add_new((0x6000, 0x0010), "US", stored.shape[0])
    dataset.add_new((0x6000, 0x0011), "US", stored.shape[1])
    dataset.add_new((0x6000, 0x0040), "CS", "G")
    dataset.add_new((0x6000, 0x0050), "SS", [1, 1])
    dataset.add_new((0x6000, 0x0100), "US", 16)
    dataset.add_new((0x6000, 0x0102), "US", 12)
    return dataset


W1, L1, L2 = ("--use-window", "1"), ("--use-voi-lut", "1"), ("--use-voi-lut", "2")
CASES: dict[str, tuple[Callable[[], FileDataset], tuple[str, ...]]] = {
    "window": (windowed, W1),
    "window of MONOCHROME1": (lambda: windowed(PhotometricInterpretation="MONOCHROME1"), W1),
    "MONOCHROME1 and INVERSE": (
        lambda: windowed(PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE"),
        W1,
    ),
    "MONOCHROME1 and IDENTITY": (
        lambda: windowed(PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="IDENTITY"),
        W1,
    ),
    "MONOCHROME2 and INVERSE": (lambda: windowed(PresentationLUTShape="INVERSE"), W1),
    "MONOCHROME2 and IDENTITY": (lambda: windowed(PresentationLUTShape="IDENTITY"), W1),
    "LINEAR": (lambda: windowed(VOILUTFunction="LINEAR"), W1),
    "SIGMOID": (lambda: windowed(VOILUTFunction="SIGMOID"), W1),
    "width 1": (lambda: windowed(WindowWidth="1"), W1),
    "8 bits": (
        lambda: dicom(np.round(CHEST * 255).astype(np.uint8), WindowCenter="120", WindowWidth="200"),
        W1,
    ),
    "16 bits": (
        lambda: dicom(np.round(CHEST * 65535).astype(np.uint16), WindowCenter="30000", WindowWidth="50000"),
        W1,
    ),
    "signed": (lambda: signed(WindowCenter="-200", WindowWidth="2000"), W1),
    "rescale": (
        lambda: twelve(RescaleSlope="0.5", RescaleIntercept="-1024", WindowCenter="-100", WindowWidth="1500"),
        W1,
    ),
    "rescale that falls": (
        lambda: twelve(RescaleSlope="-1", RescaleIntercept="4095", WindowCenter="2000", WindowWidth="3000"),
        W1,
    ),
    "modality LUT": (
        lambda: windowed(ModalityLUTSequence=[lut([4096, 0, 16], words(CURVE), ModalityLUTType="US")]),
        W1,
    ),
    "modality LUT of signed pixels": (
        lambda: signed(
            ModalityLUTSequence=[lut([4096, 65536 - 2048, 12], words(CURVE), ModalityLUTType="US")],
            WindowCenter="2048",
            WindowWidth="3000",
        ),
        W1,
    ),
    "VOI LUT of 16 bits": (lambda: voi(lut([4096, 0, 16], words(CURVE.astype(np.uint32) * 16))), L1),
    "VOI LUT of 12 bits": (lambda: voi(lut([4096, 0, 12], words(CURVE))), L1),
    "VOI LUT of 10 bits": (lambda: voi(lut([4096, 0, 10], words(CURVE >> 2))), L1),
    "VOI LUT, 8 bits in words": (lambda: voi(lut([4096, 0, 8], words(CURVE >> 4))), L1),
    "VOI LUT, 8 bits packed": (
        lambda: voi(lut([4096, 0, 8], (CURVE >> 4).astype(np.uint8).tobytes())),
        L1,
    ),
    "VOI LUT as US": (lambda: voi(lut([4096, 0, 12], [int(entry) for entry in CURVE], "US")), L1),
    "VOI LUT that starts late": (lambda: voi(lut([2000, 1000, 12], words(CURVE[::2][:2000]))), L1),
    "VOI LUT with a signed first value, after a rescale": (
        lambda: voi(lut([4096, 65536 - 1000, 12], words(CURVE)), RescaleSlope="1", RescaleIntercept="-1000"),
        L1,
    ),
    "VOI LUT with a signed first value, of signed pixels": (
        lambda: signed(VOILUTSequence=[lut([4096, 65536 - 2048, 12], words(CURVE))]),
        L1,
    ),
    "VOI LUT of 65536 entries": (
        lambda: dicom(
            np.round(CHEST * 65535).astype(np.uint16),
            VOILUTSequence=[lut([0, 0, 16], words(np.arange(65536)[::-1].copy()))],
        ),
        L1,
    ),
    "empty VOI LUT beside a window": (lambda: windowed(VOILUTSequence=[Dataset()]), W1),
    "empty VOI LUT beside another": (lambda: voi(Dataset(), lut([4096, 0, 12], words(CURVE))), L2),
    "first of two windows": (
        lambda: twelve(WindowCenter=["1800", "2500"], WindowWidth=["2500", "1500"]),
        W1,
    ),
    "HighBit 15": (lambda: shifted(4), W1),
    "HighBit 13 over noise": (lambda: shifted(2, noise=3), W1),
    "overlay in unused bits": (with_overlay, W1),
}


def levels(read: NDArray[np.float32]) -> NDArray[np.float64]:
    """Grey in [0, 1] as levels of 255."""
    return np.round(read.astype(np.float64) * 255)


@pytest.mark.parametrize("encode", [content, implicit])
@pytest.mark.parametrize("name", list(CASES))
def test_a_picture_is_dcmtks(name: str, encode: Callable[[FileDataset], bytes], tmp_path: Path) -> None:
    """With value representations and without."""
    build, options = CASES[name]
    raw = encode(build())
    shown = levels(load_radiograph(raw).pixels)
    oracle = rendered(raw, tmp_path, *options)
    assert shown.std() > 20, "a blank picture would agree with anything"
    assert np.abs(shown - oracle).max() <= 1


def test_signed_pixels_in_shifted_words(tmp_path: Path) -> None:
    """The sign is the highest of the bits stored, wherever that is."""
    stored = ((TWELVE.astype(np.int32) - 2048).astype(np.int16) << 4).astype(np.int16)
    raw = content(dicom(stored, BitsStored=12, HighBit=15, WindowCenter="0", WindowWidth="4096"))
    np.testing.assert_allclose(levels(load_radiograph(raw).pixels), rendered(raw, tmp_path, *W1), atol=1)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_window_is_chosen(place: int, tmp_path: Path) -> None:
    """By its number, from 0 here and from 1 there."""
    raw = content(twelve(WindowCenter=["1800", "2500", "900"], WindowWidth=["2500", "1500", "1800"]))
    shown = load_radiograph(raw, window=place)
    assert shown.facts.window == place
    oracle = rendered(raw, tmp_path, "--use-window", str(place + 1))
    np.testing.assert_allclose(levels(shown.pixels), oracle, atol=1)


@pytest.mark.parametrize(
    ("size", "tags"),
    [
        ((320, 160), {"PixelAspectRatio": ["1", "2"]}),
        ((160, 320), {"PixelAspectRatio": ["2", "1"]}),
        ((160, 320), {"PixelSpacing": ["0.4", "0.2"]}),
        ((320, 160), {"ImagerPixelSpacing": ["0.15", "0.3"]}),
    ],
)
def test_pixels_that_are_not_square(size: tuple[int, int], tags: dict[str, object], tmp_path: Path) -> None:
    """DCMTK makes them square when it is asked for a size.

    It repeats pixels, where ours lie on a line between them; both are compared in the stored pixels of a
    picture that changes slowly.
    """
    smooth = cv2.GaussianBlur(CHEST, (0, 0), 8)
    stored = np.round(cv2.resize(smooth, size[::-1], interpolation=cv2.INTER_AREA) * 4095).astype(np.uint16)
    raw = content(dicom(stored, **{**BITS, "WindowCenter": "2048", "WindowWidth": "4096", **tags}))
    read = load_radiograph(raw)
    oracle = rendered(raw, tmp_path, *W1, "--no-interpolation", "--scale-y-size", "320")
    assert read.size == oracle.shape == (320, 320)
    first, second = (
        cv2.resize(np.asarray(picture, np.float32), size[::-1], interpolation=cv2.INTER_AREA)
        for picture in (read.pixels * 255, oracle)
    )
    assert first.std() > 20 and np.abs(first - second).max() <= 1.5
    assert any("not square" in warning for warning in read.warnings)


def test_dcmtk_reads_a_comma_as_an_end(tmp_path: Path) -> None:
    """DCMTK is wrong here: of the slope "0,5" it takes 0 and shows nothing of the chest; it is one half."""
    raw = content(twelve(RescaleSlope="0.5", RescaleIntercept="0", WindowCenter="900.5", WindowWidth="1250"))
    comma = raw.replace(b"900.5 ", b"900,5 ", 1).replace(b"0.5 ", b"0,5 ", 1)
    assert sum(first != second for first, second in zip(raw, comma, strict=True)) == 2
    read = load_radiograph(comma)
    np.testing.assert_array_equal(read.pixels, load_radiograph(raw).pixels)
    np.testing.assert_allclose(levels(read.pixels), rendered(raw, tmp_path, *W1), atol=1)
    assert any("comma" in warning for warning in read.warnings)
    assert np.abs(levels(read.pixels) - rendered(comma, tmp_path, *W1)).max() > 50


def test_dcmtk_knows_no_exact_window(tmp_path: Path) -> None:
    """DCMTK takes LINEAR_EXACT (PS3.3 C.11.2.1.3.2) for LINEAR, which differs in narrow windows."""
    eight = np.round(CHEST * 255).astype(np.uint8)
    raw = content(dicom(eight, WindowCenter="100", WindowWidth="8", VOILUTFunction="LINEAR_EXACT"))
    expected = np.clip((eight - 100.0) / 8 + 0.5, 0, 1)
    np.testing.assert_allclose(load_radiograph(raw).pixels, expected, atol=1e-6)
    assert np.abs(rendered(raw, tmp_path, *W1) - 255 * expected).max() > 10


def test_dcmtk_believes_a_descriptor(tmp_path: Path) -> None:
    """DCMTK is wrong here: it shows a table that uses 12 of its 16 bits (Agfa CR) black."""
    raw = content(voi(lut([4096, 0, 16], words(CURVE))))
    assert rendered(raw, tmp_path, *L1).max() < 20
    read = load_radiograph(raw)
    np.testing.assert_allclose(read.pixels, CURVE[TWELVE] / 4095, atol=1e-6)
    assert any("16 bits but uses 12" in warning for warning in read.warnings)


def test_dcmtk_draws_no_shutter(tmp_path: Path) -> None:
    """DCMTK shows what a display shutter of the image's own header hides; the rest agrees."""
    raw = content(
        windowed(
            ShutterShape="RECTANGULAR",
            ShutterLeftVerticalEdge="41",
            ShutterRightVerticalEdge="300",
            ShutterUpperHorizontalEdge="21",
            ShutterLowerHorizontalEdge="310",
        )
    )
    shown, oracle = levels(load_radiograph(raw).pixels), rendered(raw, tmp_path, *W1)
    assert np.abs(shown[20:310, 40:300] - oracle[20:310, 40:300]).max() <= 1
    shown[20:310, 40:300] = 0
    assert shown.max() == 0
