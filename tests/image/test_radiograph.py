"""Reading files: DICOM transforms against plain numpy, rasters of every mode, and each error."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import MPEG2MPML

from patchclip import Radiograph, RadiographError, load_radiograph
from patchclip.image.synthetic import synthetic_dicom
from tests.image.dicoms import CHEST, content, dicom

FILES = Path(pydicom.__file__).parent / "data" / "test_files"


@pytest.mark.parametrize("polarity", ["MONOCHROME1", "MONOCHROME2"])
def test_window_is_linear(polarity: str) -> None:
    """PS3.3 C.11.2.1.2.1: ((x - (c - 0.5)) / (w - 1) + 0.5), clipped; MONOCHROME1 is turned."""
    stored = np.round((CHEST if polarity == "MONOCHROME2" else 1 - CHEST) * 4095).astype(np.uint16)
    read = load_radiograph(
        content(
            dicom(
                stored,
                BitsStored=12,
                HighBit=11,
                WindowCenter=2000,
                WindowWidth=3000,
                PhotometricInterpretation=polarity,
            )
        )
    )
    expected = np.clip((stored - 1999.5) / 2999 + 0.5, 0, 1)
    np.testing.assert_allclose(
        read.pixels, expected if polarity == "MONOCHROME2" else 1 - expected, atol=1e-3
    )


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int16])
def test_depths_and_rescale(kind: type) -> None:
    """8 and 16 bits, signed and not, with a rescale before the window."""
    top = 250 if kind is np.uint8 else 4000
    stored: NDArray[Any] = (np.round(CHEST * top) - (1000 if kind is np.int16 else 0)).astype(kind)
    window = {
        "RescaleSlope": 2,
        "RescaleIntercept": -100,
        "WindowCenter": float(top),
        "WindowWidth": float(top),
    }
    read = load_radiograph(content(dicom(stored, **window)))
    expected = np.clip((stored.astype(float) * 2 - 100 - (top - 0.5)) / (top - 1) + 0.5, 0, 1)
    np.testing.assert_allclose(read.pixels, expected, atol=2e-2 if kind is np.uint8 else 2e-3)


def test_padding_is_black_and_out_of_the_window() -> None:
    """Padding takes no part in the automatic window and is shown black."""
    stored = np.round(CHEST * 1000).astype(np.uint16) + 100
    stored[:40] = 65535
    read = load_radiograph(content(dicom(stored, PixelPaddingValue=65535)))
    assert read.pixels[:40].max() == 0 and read.pixels[60:].max() > 0.95
    assert any("automatic" in warning for warning in read.warnings)


def test_voi_lut_is_used() -> None:
    """A VOI LUT that inverts inverts."""
    stored = np.round(CHEST * 255).astype(np.uint16)
    dataset = dicom(stored, BitsStored=8, HighBit=7)
    item = pydicom.Dataset()
    item.LUTDescriptor = [256, 0, 16]
    item.LUTData = np.linspace(65535, 0, 256).round().astype("<u2").tobytes()
    item["LUTData"].VR = "OW"
    dataset.VOILUTSequence = pydicom.Sequence([item])
    np.testing.assert_allclose(load_radiograph(content(dataset)).pixels, 1 - stored / 255, atol=1e-3)


def test_header_facts_and_warnings() -> None:
    """A header that contradicts a chest radiograph warns; sides follow the orientation; no name is kept."""
    dataset = dicom(
        np.round(CHEST * 4000).astype(np.uint16),
        Modality="CT",
        BodyPartExamined="FOOT",
        ViewPosition="LL",
        PatientName="Doe^Jane",
    )
    dataset.PatientOrientation = ["R", "F"]
    read = load_radiograph(content(dataset))
    text = " ".join(read.warnings)
    assert "modality CT" in text and "body part FOOT" in text and "lateral" in text
    assert read.facts.patient_left == "left" and read.facts.view == "LL"
    assert "Doe" not in repr(read)


@pytest.mark.parametrize("name", ["JPEG2000.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm"])
def test_compressed_syntaxes(name: str) -> None:
    """Files bundled with pydicom decode to something that is not blank."""
    file = FILES / name
    if not file.is_file():
        pytest.skip(f"pydicom does not bundle {name}")
    assert load_radiograph(file).pixels.std() > 0.02


@pytest.mark.parametrize("name", ["JPEG-lossy.dcm", "JPGExtended.dcm"])
def test_twelve_bit_jpeg_is_read(name: str) -> None:
    """JPEG Extended, process 4; stored values are compared with DCMTK's in test_decoders."""
    file = FILES / name
    if not file.is_file():
        pytest.skip(f"pydicom does not bundle {name}")
    assert load_radiograph(file).pixels.std() > 0.02


def test_a_film_is_refused_in_words() -> None:
    """A transfer syntax of moving pictures is named."""
    dataset = dicom(np.round(CHEST * 4000).astype(np.uint16))
    dataset.file_meta.TransferSyntaxUID = MPEG2MPML
    dataset.PixelData = encapsulate([b"\x00\x00\x01\xb3 no picture" * 8])
    dataset["PixelData"].VR = "OB"
    with pytest.raises(RadiographError, match=r"MPEG2.*export it"):
        load_radiograph(content(dataset))


def test_twin_files_give_one_picture(data_folder: Path) -> None:
    """A file and its copy tagged MONOCHROME1 over the same stored values."""
    first, second = (
        load_radiograph(data_folder / "dicom" / name)
        for name in ("rsna_jpeg_baseline.dcm", "rsna_monochrome1.dcm")
    )
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert first.sha256 == second.sha256 and any("MONOCHROME1" in warning for warning in second.warnings)


def test_contradicting_headers_warn(data_folder: Path) -> None:
    """They are read, and the reader is told."""
    assert "body part RIBCAGE" in " ".join(
        load_radiograph(data_folder / "dicom" / "nih_bodypart_ribcage.dcm").warnings
    )
    assert "modality CT" in " ".join(load_radiograph(data_folder / "dicom" / "nih_modality_ct.dcm").warnings)


def test_window_agrees_with_dcmtk(tmp_path: Path) -> None:
    """An independent renderer."""
    tool = shutil.which("dcmj2pnm")
    if tool is None:
        pytest.skip("DCMTK's dcmj2pnm is not installed")
    file, shown = tmp_path / "a.dcm", tmp_path / "a.png"
    file.write_bytes(
        content(
            dicom(
                np.round(CHEST * 4095).astype(np.uint16),
                BitsStored=12,
                HighBit=11,
                WindowCenter=1800,
                WindowWidth=2500,
            )
        )
    )
    subprocess.run(
        [tool, "--use-window", "1", "--write-png", str(file), str(shown)], check=True, capture_output=True
    )
    oracle = np.asarray(Image.open(shown).convert("L"), np.float32) / 255
    np.testing.assert_allclose(load_radiograph(file).pixels, oracle, atol=1.5 / 255)


@pytest.mark.parametrize("mode", ["L", "I;16", "RGB", "RGBA", "P", "1"])
def test_raster_modes(mode: str) -> None:
    """Every mode gives the same grey picture, within its depth."""
    grey = Image.fromarray(np.round(CHEST * 255).astype(np.uint8))
    picture = (
        Image.fromarray(np.round(CHEST * 65535).astype(np.uint16)) if mode == "I;16" else grey.convert(mode)
    )
    out = io.BytesIO()
    picture.save(out, "PNG")
    read = load_radiograph(out.getvalue())
    if mode == "1":
        assert set(np.unique(read.pixels)) == {0.0, 1.0}
    else:
        np.testing.assert_allclose(read.pixels, CHEST, atol=3e-3 if mode != "P" else 6e-2)


def test_colour_warns_and_jpeg_reads() -> None:
    """Real colour is said; a grey JPEG is not."""
    red = np.stack([np.round(CHEST * 255), np.zeros_like(CHEST), np.zeros_like(CHEST)], axis=-1).astype(
        np.uint8
    )
    for picture, coloured in (
        (Image.fromarray(red), True),
        (Image.fromarray(np.round(CHEST * 255).astype(np.uint8)).convert("RGB"), False),
    ):
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=95)
        assert any("colour" in warning for warning in load_radiograph(out.getvalue()).warnings) is coloured


def test_inverted_raster_warns() -> None:
    """Air that is bright."""
    out = io.BytesIO()
    Image.fromarray(np.round((1 - CHEST) * 255).astype(np.uint8)).save(out, "PNG")
    assert any("inverted" in warning for warning in load_radiograph(out.getvalue()).warnings)


def _broken() -> dict[str, tuple[bytes, str]]:
    png = io.BytesIO()
    Image.fromarray(np.round(CHEST * 255).astype(np.uint8)).save(png, "PNG")
    blank = io.BytesIO()
    Image.new("L", (300, 300), 7).save(blank, "PNG")
    whole = content(dicom(np.round(CHEST * 4000).astype(np.uint16)))
    unread = dicom(np.round(CHEST * 4000).astype(np.uint16))
    del unread.PixelData
    return {
        "empty": (b"", "empty"),
        "text": (b"hello, this is no image at all", "not a DICOM, PNG, JPEG, TIFF, WebP or BMP file"),
        "cut png": (png.getvalue()[:2000], "damaged or cut short"),
        "blank": (blank.getvalue(), "blank"),
        "cut dicom": (whole[: len(whole) // 2], "cut short"),
        "no pixels": (content(unread), "holds no image"),
    }


@pytest.mark.parametrize("case", list(_broken()))
def test_errors_say_what_to_do(case: str) -> None:
    """One sentence, and nothing of the header in it."""
    broken, words = _broken()[case]
    with pytest.raises(RadiographError, match=words) as caught:
        load_radiograph(broken)
    assert "SYNTHETIC" not in str(caught.value) and str(caught.value).endswith(".")


def test_missing_file_and_bad_array(tmp_path: Path) -> None:
    """Paths and arrays are checked too."""
    with pytest.raises(RadiographError, match="no such file"):
        load_radiograph(tmp_path / "none.png")
    with pytest.raises(RadiographError, match=r"\[0, 1\]"):
        Radiograph.from_array(np.full((300, 300), 2.0))


def test_a_small_image_warns() -> None:
    assert any("only 64 x 64" in warning for warning in Radiograph.from_array(np.eye(64)).warnings)


def test_an_empty_element_is_as_good_as_absent() -> None:
    dataset = synthetic_dicom(CHEST)
    whole = load_radiograph(content(dataset))
    dataset.RescaleSlope, dataset.RescaleIntercept = None, None
    dataset.PixelPaddingValue, dataset.PixelPaddingRangeLimit = 9999, None
    emptied = load_radiograph(content(dataset))
    assert emptied.sha256 == whole.sha256


def test_a_malformed_element_is_answered_in_words() -> None:
    """A window can be done without, the scale of the values cannot."""
    raw = content(dicom(np.round(CHEST * 4000).astype(np.uint16), RescaleSlope="1.25", RescaleIntercept="0"))
    with pytest.raises(RadiographError, match="malformed; export the image again"):
        load_radiograph(raw.replace(b"1.25", b"DOE "))


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_few_bits_in_a_sixteen_bit_picture_are_not_dark(bits: int) -> None:
    """Exports keep a detector's, or a screen's, depth in files of 16 bits."""
    values = np.round(CHEST / CHEST.max() * (2**bits - 1)).astype(np.uint16)
    _, coded = cv2.imencode(".png", values)
    read = load_radiograph(coded.tobytes())
    assert np.abs(read.pixels - CHEST / CHEST.max()).max() < 3e-3
    assert any(f"{bits} bits" in warning for warning in read.warnings)
