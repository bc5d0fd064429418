"""Polarity: the header is believed, borders have no vote, and the reader can undo it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from patchclip import Radiograph, load_radiograph
from patchclip.image.collimation import bounding_box, exposed_field
from patchclip.image.polarity import (
    CLEAR,
    INVERTED,
    NOT_TURNED,
    OVERWHELMING,
    average_chest,
    polarity_evidence,
)
from patchclip.image.radiograph import INVERTED_BY_READER
from patchclip.types import FloatArray
from tests.image.dicoms import CHEST, content, dicom

WINDOW: dict[str, object] = {"BitsStored": 12, "HighBit": 11, "WindowCenter": "2048", "WindowWidth": "4096"}


def file(shown: FloatArray, tag: str, **tags: object) -> bytes:
    """A DICOM whose correct display is `shown`."""
    stored = 1 - shown if tag == "MONOCHROME1" else shown
    values = np.round(np.clip(stored, 0, 1) * 4095).astype(np.uint16)
    return content(dicom(values, **{**WINDOW, "PhotometricInterpretation": tag, **tags}))


def bordered(pixels: FloatArray, width: float, level: float) -> FloatArray:
    """With a border of one grey around it."""
    size = round(width * max(pixels.shape))
    around = cv2.copyMakeBorder(pixels, size, size, size, size, cv2.BORDER_CONSTANT, value=level)
    return np.asarray(around, np.float32)


def turned(pixels: FloatArray, degrees: float, level: float) -> FloatArray:
    """Turned about its centre, as a plate that lies askew in its frame."""
    height, width = pixels.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 0.8)
    return np.asarray(cv2.warpAffine(pixels, matrix, (width, height), borderValue=level), np.float32)


def disc(size: int) -> NDArray[np.bool_]:
    """The inside of a round collimator."""
    rows, cols = np.mgrid[:size, :size] - size / 2 + 0.5
    return np.asarray(rows**2 + cols**2 < (0.47 * size) ** 2)


BORDERS: dict[str, FloatArray] = {
    "none": CHEST,
    "6 % white": bordered(CHEST, 0.06, 1),
    "20 % white": bordered(CHEST, 0.2, 1),
    "20 % black": bordered(CHEST, 0.2, 0),
    "20 % light grey": bordered(CHEST, 0.2, 0.8),
    "white in a black frame": bordered(bordered(CHEST, 0.12, 1), 0.04, 0),
    "white and askew": turned(CHEST, 8, 1),
    "round": np.where(disc(320), CHEST, np.float32(1)),
    "white below": np.concatenate([CHEST, np.ones((80, 320), np.float32)]),
}


@pytest.mark.parametrize("tag", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("border", list(BORDERS))
def test_a_correct_header_is_believed(border: str, tag: str) -> None:
    """Whatever collimation left around the chest, and without a word against it."""
    shown = BORDERS[border]
    read = load_radiograph(file(shown, tag))
    np.testing.assert_allclose(read.pixels, shown, atol=2e-3)
    assert NOT_TURNED not in read.warnings and INVERTED not in read.warnings


@pytest.mark.parametrize("border", ["none", "6 % white", "20 % black"])
def test_a_tag_that_stayed_when_the_pixels_were_turned_is_overruled(border: str) -> None:
    """A lone MONOCHROME1 over pixels that are black for air, of which nobody can be in doubt."""
    shown = BORDERS[border]
    read = load_radiograph(file(1 - shown, "MONOCHROME1"))
    np.testing.assert_allclose(read.pixels, shown, atol=2e-3)
    assert NOT_TURNED in read.warnings


def test_two_elements_that_agree_are_not_overruled() -> None:
    """MONOCHROME1 and INVERSE: the picture is shown as they say, with a doubt."""
    read = load_radiograph(file(1 - CHEST, "MONOCHROME1", PresentationLUTShape="INVERSE"))
    np.testing.assert_allclose(read.pixels, 1 - CHEST, atol=2e-3)
    assert INVERTED in read.warnings and NOT_TURNED not in read.warnings


@pytest.mark.parametrize("tag", ["monochrome1", "Monochrome1 "])
@pytest.mark.parametrize("shape", ["inverse", "INVERSE ", None])
def test_code_strings_in_any_case(tag: str, shape: str | None) -> None:
    tags = {} if shape is None else {"PresentationLUTShape": shape}
    stored = np.round((1 - CHEST) * 4095).astype(np.uint16)
    read = load_radiograph(content(dicom(stored, **WINDOW, PhotometricInterpretation=tag, **tags)))
    np.testing.assert_allclose(read.pixels, CHEST, atol=2e-3)


def test_evidence_turns_with_the_picture() -> None:
    assert polarity_evidence(CHEST) > OVERWHELMING
    assert polarity_evidence(1 - CHEST) == pytest.approx(-polarity_evidence(CHEST), abs=0.05)
    assert abs(polarity_evidence(np.random.default_rng(0).random((300, 300)).astype(np.float32))) < CLEAR
    template = average_chest()
    np.testing.assert_array_equal(template, template[:, ::-1])
    assert template[8, 7] > template[4, 5]  # mediastinum above lung


def test_the_field_is_found() -> None:
    """Of a picture in a white border, in a frame, in an askew frame, and of one without any."""
    small = np.asarray(cv2.resize(CHEST, (128, 128), interpolation=cv2.INTER_AREA), np.float32)
    for level in (0.0, 1.0, 0.8):
        field = exposed_field(bordered(small, 0.2, level))
        assert not field[:24].any() and not field[:, -24:].any()
        rows, cols = bounding_box(field) or (slice(0), slice(0))
        assert rows.stop - rows.start > 90 and cols.stop - cols.start > 90
    inside = turned(np.ones((128, 128), np.float32), 8, 0) > 0.5
    field = exposed_field(turned(small, 8, 1))
    assert field[~cv2.dilate(inside.astype(np.uint8), np.ones((5, 5))).astype(bool)].mean() < 0.02
    noise = np.random.default_rng(0).random((128, 128)).astype(np.float32)
    assert exposed_field(noise).all() and exposed_field(np.zeros((128, 128), np.float32)).all()


def test_the_reader_can_undo_it() -> None:
    """Black and white are exchanged, what shows nothing stays black, and twice is as before."""
    stored = np.round(CHEST * 1000).astype(np.uint16) + 100
    stored[:40] = 4000
    read = load_radiograph(
        content(
            dicom(stored, **{**WINDOW, "WindowCenter": "600", "WindowWidth": "1000"}, PixelPaddingValue=4000)
        )
    )
    other = read.inverted()
    assert read.pixels[:40].max() == other.pixels[:40].max() == 0
    np.testing.assert_allclose(other.pixels[40:], 1 - read.pixels[40:], atol=1e-6)
    assert INVERTED_BY_READER in other.warnings and INVERTED_BY_READER not in other.inverted().warnings
    np.testing.assert_allclose(other.inverted().pixels, read.pixels, atol=1e-6)
    doubted = Radiograph.from_array(CHEST, warnings=[INVERTED, "Something else."]).inverted()
    assert doubted.warnings == ("Something else.", INVERTED_BY_READER)


def test_real_radiographs_keep_their_header(data_folder: Path) -> None:
    """A sample of what python -m tests.benchmarks.polarity measures."""
    files = sorted((data_folder / "nih" / "images").iterdir())[::140]
    for path in files:
        read_pixels = load_radiograph(path).pixels
        pixels = np.asarray(cv2.resize(read_pixels, (256, 256), interpolation=cv2.INTER_AREA), np.float32)
        for width in (0, 0.06, 0.2):
            shown = bordered(pixels, width, 1)
            for tag in ("MONOCHROME1", "MONOCHROME2"):
                read = load_radiograph(file(shown, tag))
                assert np.abs(read.pixels - shown).max() < 2e-3, (path.name, width, tag)
