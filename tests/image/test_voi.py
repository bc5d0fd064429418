"""Windows and look-up tables that machines write otherwise than the standard says."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import ExplicitVRBigEndian

from patchclip import Radiograph, RadiographError, load_radiograph
from tests.image.dicoms import CHEST, content, dicom, implicit, lut, words

TWELVE = np.round(CHEST * 4095).astype(np.uint16)
CURVE = np.round(4095 * (np.arange(4096) / 4095) ** 0.6).astype(np.uint16)
BITS: dict[str, object] = {"BitsStored": 12, "HighBit": 11}


def read(dataset: FileDataset, window: int | str | None = None) -> Radiograph:
    return load_radiograph(content(dataset), window=window)


def voi(*items: Dataset, **tags: object) -> FileDataset:
    return dicom(TWELVE, **{**BITS, "VOILUTSequence": list(items), **tags})


def automatic(stored: NDArray[Any]) -> NDArray[np.float64]:
    """The automatic window, by its definition."""
    low, high = np.percentile(stored, (0.5, 99.5))
    return np.asarray(np.clip((stored - low) / (high - low), 0, 1), np.float64)


@pytest.mark.parametrize("depth", [8, 10, 12, 14])
def test_a_table_deeper_than_it_uses_is_not_dark(depth: int) -> None:
    """Agfa CR: the descriptor says 16 bits, the entries use fewer."""
    entries = (CURVE.astype(np.uint32) * (2**depth - 1) // 4095).astype(np.uint16)
    shown = read(voi(lut([4096, 0, 16], words(entries))))
    np.testing.assert_allclose(shown.pixels, entries[TWELVE] / (2**depth - 1), atol=1e-6)
    assert any(f"16 bits but uses {depth}" in warning for warning in shown.warnings)


def test_a_table_that_reaches_a_little_less_is_believed() -> None:
    """A table may stop short of white on purpose."""
    entries = (CURVE * 0.6).astype(np.uint16)
    shown = read(voi(lut([4096, 0, 12], words(entries))))
    np.testing.assert_allclose(shown.pixels, entries[TWELVE] / 4095, atol=1e-6)
    assert not any("bits but uses" in warning for warning in shown.warnings)


def test_a_table_shallower_than_its_entries_is_not_cut() -> None:
    shown = read(voi(lut([4096, 0, 10], words(CURVE))))
    np.testing.assert_allclose(shown.pixels, CURVE[TWELVE] / 4095, atol=1e-6)
    assert any("10 bits but uses 12" in warning for warning in shown.warnings)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("vr", ["OW", "US"])
@pytest.mark.parametrize("packed", [False, True])
def test_entries_of_8_bits(packed: bool, vr: str, bits: int) -> None:
    """In words or two to a word, as OW or US, whatever the descriptor says."""
    entries = (CURVE >> 4).astype(np.uint8)
    data = entries.tobytes() if packed else words(entries)
    value = data if vr == "OW" else [int(word) for word in np.frombuffer(data, "<u2")]
    dataset = voi(lut([4096, 0, bits], value, vr))
    for raw in (content(dataset), implicit(dataset)):
        np.testing.assert_allclose(load_radiograph(raw).pixels, entries[TWELVE] / 255, atol=1e-6)


@pytest.mark.parametrize("packed", [False, True])
def test_a_big_endian_table(packed: bool) -> None:
    """Words have their bytes the other way round, and so have pairs of packed entries."""
    entries = (CURVE >> 4).astype(np.uint8)
    data = np.frombuffer(entries.tobytes(), "<u2") if packed else entries.astype(np.uint16)
    dataset = voi(lut([4096, 0, 8], data.astype(">u2").tobytes()))
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    dataset.PixelData = TWELVE.astype(">u2").tobytes()
    out = io.BytesIO()
    dcmwrite(out, dataset, enforce_file_format=True)
    shown = load_radiograph(out.getvalue())
    np.testing.assert_allclose(shown.pixels, entries[TWELVE] / 255, atol=1e-6)


def test_a_first_value_with_the_wrong_sign() -> None:
    """Of both readings the one that meets the image: signed values, and unsigned ones above 32767."""
    signed = TWELVE.astype(np.int32) - 2048
    dataset = dicom(signed.astype(np.int16), **BITS, VOILUTSequence=[lut([4096, 63488, 12], words(CURVE))])
    np.testing.assert_allclose(read(dataset).pixels, CURVE[TWELVE] / 4095, atol=1e-6)
    high = TWELVE + np.uint16(40000)
    dataset = dicom(high, VOILUTSequence=[lut([4096, 40000, 12], words(CURVE))])
    np.testing.assert_allclose(read(dataset).pixels, CURVE[TWELVE] / 4095, atol=1e-6)
    assert not read(dataset).warnings


def test_a_table_with_too_few_entries_is_said() -> None:
    shown = read(voi(lut([4096, 0, 12], words(CURVE[:3000]))))
    np.testing.assert_allclose(shown.pixels, CURVE[np.minimum(TWELVE, 2999)] / 4095, atol=1e-6)
    assert any("fewer entries" in warning for warning in shown.warnings)


@pytest.mark.parametrize(
    "item",
    [Dataset(), lut([4096, 0, 12], b""), lut([], words(CURVE)), lut([4096, 0], words(CURVE))],
    ids=["empty", "no data", "no descriptor", "short descriptor"],
)
def test_an_empty_table_gives_way(item: Dataset) -> None:
    """To the next table, to a window, to the automatic window."""
    expected = np.clip((TWELVE - 1799.5) / 2499 + 0.5, 0, 1)
    window = {"WindowCenter": "1800", "WindowWidth": "2500"}
    shown = read(voi(item, **window))
    np.testing.assert_allclose(shown.pixels, expected, atol=1e-6)
    assert any("empty or malformed" in warning for warning in shown.warnings)
    np.testing.assert_allclose(
        read(voi(item, lut([4096, 0, 12], words(CURVE)))).pixels, CURVE[TWELVE] / 4095, atol=1e-6
    )
    np.testing.assert_allclose(read(voi(item)).pixels, automatic(TWELVE), atol=1e-6)


def test_an_empty_modality_table_is_left_out() -> None:
    dataset = dicom(TWELVE, **BITS, ModalityLUTSequence=[Dataset()], WindowCenter="2048", WindowWidth="4096")
    shown = read(dataset)
    np.testing.assert_allclose(shown.pixels, TWELVE / 4095, atol=1e-3)
    assert any("modality look-up table is empty" in warning for warning in shown.warnings)


@pytest.mark.parametrize(
    ("center", "width"), [("40", "400"), ("60000", "100"), ("32768", "65536"), ("-5000", "2")]
)
def test_a_window_far_off_the_pixels_gives_way(center: str, width: str) -> None:
    """Black, white, or grey throughout: the automatic window is used and said."""
    high = (TWELVE + np.uint16(20000)).astype(np.uint16)
    shown = read(dicom(high, WindowCenter=center, WindowWidth=width))
    np.testing.assert_allclose(shown.pixels, automatic(high), atol=1e-6)
    assert any("far off the pixels; an automatic one" in warning for warning in shown.warnings)
    assert shown.facts.window is None


def test_of_two_windows_the_one_that_meets_the_pixels() -> None:
    shown = read(dicom(TWELVE, **BITS, WindowCenter=["60000", "1800"], WindowWidth=["100", "2500"]))
    np.testing.assert_allclose(shown.pixels, np.clip((TWELVE - 1799.5) / 2499 + 0.5, 0, 1), atol=1e-6)
    assert shown.facts.window == 1 and any("passed over" in warning for warning in shown.warnings)


@pytest.mark.parametrize(
    "tags",
    [
        {"WindowCenter": "2048", "WindowWidth": "0"},
        {"WindowCenter": "2048", "WindowWidth": "-100"},
        {"WindowCenter": "2048", "WindowWidth": "0.5"},
    ],
)
def test_an_invalid_window_is_said(tags: dict[str, object]) -> None:
    """A linear window is one wide at least (PS3.3 C.11.2.1.2.1)."""
    shown = read(dicom(TWELVE, **BITS, **tags))
    np.testing.assert_allclose(shown.pixels, automatic(TWELVE), atol=1e-6)
    assert any("invalid" in warning for warning in shown.warnings)


def test_a_window_that_is_no_number_is_said() -> None:
    raw = content(dicom(TWELVE, **BITS, WindowCenter="1812.5", WindowWidth="4000"))
    shown = load_radiograph(raw.replace(b"1812.5", b"DOE^JA"))
    np.testing.assert_allclose(shown.pixels, automatic(TWELVE), atol=1e-6)
    assert any("invalid" in warning for warning in shown.warnings) and "DOE" not in repr(shown)


@pytest.mark.parametrize("function", ["SIGMOID", "sigmoid "])
def test_a_sigmoid(function: str) -> None:
    """PS3.3 C.11.2.1.3.1: 1 / (1 + exp(-4 (x - c) / w))."""
    shown = read(dicom(TWELVE, **BITS, WindowCenter="1800", WindowWidth="2500", VOILUTFunction=function))
    np.testing.assert_allclose(shown.pixels, 1 / (1 + np.exp(-4 * (TWELVE - 1800.0) / 2500)), atol=1e-6)


def test_an_unknown_function_is_said() -> None:
    shown = read(dicom(TWELVE, **BITS, WindowCenter="1800", WindowWidth="2500", VOILUTFunction="CUBIC"))
    np.testing.assert_allclose(shown.pixels, np.clip((TWELVE - 1799.5) / 2499 + 0.5, 0, 1), atol=1e-6)
    assert any("Function in the DICOM header is unknown" in warning for warning in shown.warnings)


def test_windows_are_offered_by_name() -> None:
    """By an explanation of known words; one that may name somebody is not repeated."""
    dataset = voi(
        lut([4096, 0, 12], words(CURVE), LUTExplanation="Harder"),
        WindowCenter=["1800", "2000", "900"],
        WindowWidth=["2500", "1500", "800"],
        WindowCenterWidthExplanation=["NORMAL", "Bone", "DOE JANE"],
    )
    facts = read(dataset).facts
    assert facts.windows == (
        "look-up table (harder)",
        "window 1800/2500 (normal)",
        "window 2000/1500 (bone)",
        "window 900/800",
    )
    assert facts.window == 0 and read(dataset, 2).facts.window == 2
    np.testing.assert_allclose(
        read(dataset, 2).pixels, np.clip((TWELVE - 1999.5) / 1499 + 0.5, 0, 1), atol=1e-6
    )
    np.testing.assert_allclose(read(dataset, -1).pixels, automatic(TWELVE), atol=1e-6)
    assert read(dataset, -1).facts.window is None
    for name in ("bone", "BONE", " Bone ", "window 2000/1500 (bone)"):
        assert read(dataset, name).facts.window == 2
    assert read(dataset, "window 900/800").facts.window == 3 and read(dataset, "harder").facts.window == 0
    listed = (
        r"has the windows 0 \(look-up table \(harder\)\), 1 \(window 1800/2500 \(normal\)\), "
        r"2 \(window 2000/1500 \(bone\)\), 3 \(window 900/800\); choose one of them by its number"
    )
    for other in (4, -2, "lung", "", "DOE JANE"):
        with pytest.raises(RadiographError, match=listed):
            read(dataset, other)


def test_a_window_that_two_have_or_none_has_is_not_guessed() -> None:
    twice = voi(
        WindowCenter=["1800", "2000"], WindowWidth=["2500", "1500"], WindowCenterWidthExplanation=["LUNG"] * 2
    )
    with pytest.raises(RadiographError, match=r"0 \(window 1800/2500 \(lung\)\), 1 "):
        read(twice, "lung")
    with pytest.raises(RadiographError, match="has no window of its own; leave the window out"):
        read(voi(), 0)
    _, picture = cv2.imencode(".png", np.round(CHEST * 255).astype(np.uint8))
    with pytest.raises(RadiographError, match="no DICOM image and has no windows"):
        load_radiograph(picture.tobytes(), window=0)
    assert load_radiograph(picture.tobytes(), window=-1).sha256 == load_radiograph(picture.tobytes()).sha256


@pytest.mark.parametrize("keyword", ["PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"])
def test_spacing_that_is_not_square(keyword: str) -> None:
    """Height over width of a pixel: rows grow."""
    shown = read(dicom(TWELVE[::2], **BITS, **{keyword: ["0.4", "0.2"]}))
    assert shown.size == (320, 320) and shown.facts.pixel_ratio == 2
    assert any("not square" in warning for warning in shown.warnings)


@pytest.mark.parametrize(
    ("spacing", "words_said"),
    [
        (["0.143", "0.1431"], ""),
        (["0.2", "0.2"], ""),
        (["0", "0"], ""),
        (["10", "0.1"], "impossible"),
    ],
)
def test_spacing_that_is_square_or_impossible(spacing: list[str], words_said: str) -> None:
    shown = read(dicom(TWELVE, **BITS, WindowCenter="2048", WindowWidth="4096", PixelSpacing=spacing))
    assert shown.size == (320, 320) and shown.facts.pixel_ratio == 1
    assert words_said in " ".join(shown.warnings) and (words_said or not shown.warnings)


def test_a_comma_in_the_spacing() -> None:
    raw = content(dicom(TWELVE[:, ::2], **BITS, PixelSpacing=["0.125", "0.250"]))
    shown = load_radiograph(raw.replace(b"0.125\\0.250", b"0,125\\0,250"))
    assert shown.size == (320, 320) and any("comma" in warning for warning in shown.warnings)


def test_a_file_without_preamble_but_with_the_mark() -> None:
    """DICM at its very start."""
    raw = content(dicom(TWELVE, **BITS))
    assert load_radiograph(raw[128:]).sha256 == load_radiograph(raw).sha256
