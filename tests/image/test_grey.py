"""The file's own grey values: lossless, and shown by the model's window the same as the model sees them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels.processing import apply_modality_lut
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from patchclip import load_radiograph
from patchclip.image.grey import PRESETS
from patchclip.image.pixelwise import TABLE, Measured, counted
from patchclip.image.spacing import pixel_spacing
from patchclip.image.voi import Window


def film(stored: np.ndarray, **tags: Any) -> bytes:
    """A DICOM file with these stored values."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID
    image.Rows, image.Columns = stored.shape
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
    image.PixelRepresentation = int(stored.dtype == np.int16)
    image.PixelData = stored.tobytes()
    for keyword, value in tags.items():
        setattr(image, keyword, value)
    file = io.BytesIO()
    image.save_as(file, enforce_file_format=True)
    return file.getvalue()


def ramp(dtype: type = np.uint16) -> np.ndarray:
    """[300, 320], values from -500 or 0 upwards with noise."""
    values = np.add.outer(np.arange(300) * 9, np.arange(320)) + np.random.default_rng(0).integers(
        0, 50, (300, 320)
    )
    return (values - (500 if dtype == np.int16 else 0)).astype(dtype)


@pytest.mark.parametrize(
    ("dtype", "tags"),
    [
        (np.uint16, {}),
        (np.int16, {"RescaleSlope": 2.5, "RescaleIntercept": -100}),
        (np.uint16, {"RescaleSlope": -1, "RescaleIntercept": 4095}),
        (np.uint16, {"PhotometricInterpretation": "MONOCHROME1", "WindowCenter": 900, "WindowWidth": 700}),
        (np.uint16, {"WindowCenter": 900, "WindowWidth": 400, "VOILUTFunction": "SIGMOID"}),
        (np.uint16, {"PixelPaddingValue": 0}),
    ],
)
def test_values_are_pydicoms_and_the_models_window_shows_what_the_model_sees(
    dtype: type, tags: dict[str, Any]
) -> None:
    stored = ramp(dtype)
    stored[:20] = 0 if "PixelPaddingValue" in tags else stored[:20]
    content = film(stored, **tags)
    radiograph = load_radiograph(content)
    grey = radiograph.grey
    assert grey is not None
    assert not grey.rounded
    header = dcmread(io.BytesIO(content))
    expected = apply_modality_lut(header.pixel_array, header).astype(np.float64)
    values = grey.codes.astype(np.float64) * grey.slope + grey.intercept
    np.testing.assert_array_equal(values, expected)
    shown = grey.model.apply(values)
    shown = 1 - shown if grey.inverse else shown
    if radiograph.outside is not None:
        shown = np.where(radiograph.outside, 0, shown)
    np.testing.assert_allclose(shown, radiograph.pixels, atol=1e-6)


def test_exchanging_black_and_white_exchanges_the_values_meaning_only() -> None:
    radiograph = load_radiograph(film(ramp()))
    turned = radiograph.inverted().grey
    assert radiograph.grey is not None
    assert turned is not None
    assert turned.inverse is not radiograph.grey.inverse
    np.testing.assert_array_equal(turned.codes, radiograph.grey.codes)


def test_pictures_have_their_own_numbers() -> None:
    deep = ramp() * 10
    for numbers in (deep.astype(np.uint16), (deep // 200).astype(np.uint8)):
        file = io.BytesIO()
        Image.fromarray(numbers).save(file, "PNG")
        radiograph = load_radiograph(file.getvalue())
        grey = radiograph.grey
        assert grey is not None
        np.testing.assert_array_equal(grey.codes * grey.slope + grey.intercept, numbers)
        np.testing.assert_allclose(grey.model.apply(numbers.astype(float)), radiograph.pixels, atol=1e-6)


@settings(deadline=None, max_examples=60)
@given(
    arrays(np.uint16, st.integers(1, 300), elements=st.integers(0, 2000)),
    st.lists(st.floats(0, 100), min_size=1, max_size=4),
)
def test_percentiles_are_numpys(codes: np.ndarray, shares: list[float]) -> None:
    measured = Measured.of_table(np.arange(TABLE, dtype=np.float64), counted(codes))
    np.testing.assert_allclose(measured.percentiles(shares), np.percentile(codes, shares), atol=1e-6)


def test_presets_darken_and_brighten_whichever_way_the_values_run() -> None:
    plain = load_radiograph(film(ramp())).grey
    turned = load_radiograph(
        film(ramp(), PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE")
    ).grey
    assert plain is not None
    assert turned is not None
    values = plain.values()
    for name, (black, white) in PRESETS.items():
        window = plain.presets()[name]
        assert isinstance(window, Window)
        assert (values < window.center - window.width / 2).mean() * 100 == pytest.approx(black, abs=0.2)
        assert (values > window.center + window.width / 2).mean() * 100 == pytest.approx(100 - white, abs=0.2)
        other = turned.presets()[name]
        assert (turned.values() < other.center - other.width / 2).mean() * 100 == pytest.approx(
            100 - white, abs=0.2
        )


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, None),
        ({"ImagerPixelSpacing": [0.15, 0.15]}, (0.15, "detector")),
        ({"PixelSpacing": [0.2, 0.2]}, (0.2, "unknown")),
        ({"PixelSpacing": [0.15, 0.15], "ImagerPixelSpacing": [0.15, 0.15]}, (0.15, "detector")),
        ({"PixelSpacing": [0.12, 0.12], "ImagerPixelSpacing": [0.15, 0.15]}, (0.12, "calibrated")),
        ({"PixelSpacing": [0.12, 0.12], "PixelSpacingCalibrationType": "FIDUCIAL"}, (0.12, "calibrated")),
        ({"NominalScannedPixelSpacing": [0.1, 0.1]}, (0.1, "film")),
        ({"ImagerPixelSpacing": [0.3, 0.15]}, (0.15, "detector")),
        ({"PixelSpacing": [0, 0]}, None),
    ],
)
def test_the_length_of_a_pixel_and_where_it_holds(
    tags: dict[str, Any], expected: tuple[float, str] | None
) -> None:
    header = Dataset()
    for keyword, value in tags.items():
        setattr(header, keyword, value)
    spacing = pixel_spacing(header)
    assert (spacing and (spacing.mm, spacing.place)) == expected


def test_values_of_pixels_that_are_not_square_are_as_many_as_the_pixels() -> None:
    radiograph = load_radiograph(film(ramp(), ImagerPixelSpacing=[0.3, 0.15]))
    assert radiograph.grey is not None
    assert radiograph.grey.codes.shape == radiograph.size == (600, 320)
    assert radiograph.facts.spacing is not None
    assert radiograph.facts.spacing.mm == 0.15
