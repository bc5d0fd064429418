"""Pictures of 16 bits: the range that nearly all pixels use."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from patchclip import Radiograph, load_radiograph
from tests.image.dicoms import CHEST

SCALED = CHEST / CHEST.max()


def png(values: NDArray[Any]) -> bytes:
    """A PNG of these values, blue first if it has colours."""
    done, coded = cv2.imencode(".png", values)
    assert done
    return coded.tobytes()


def read(values: NDArray[np.generic]) -> Radiograph:
    return load_radiograph(png(values))


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("marker", ["box", "letters", "dots"])
def test_a_marker_blackens_no_film(bits: int, marker: str) -> None:
    """White of 16 bits on a film of fewer: a lead marker's box, smooth letters, single pixels."""
    values = np.round(SCALED * (2**bits - 1)).astype(np.uint16)
    burnt = values.copy()
    if marker == "box":
        burnt[10:60, 10:60] = 65535  # 2.4 % of the picture
    elif marker == "letters":
        ink = np.zeros(values.shape, np.uint8)
        cv2.putText(ink, "LEFT", (20, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 255, 3, cv2.LINE_AA)
        burnt = np.round(values + ink / 255 * (65535.0 - values)).astype(np.uint16)
    else:
        burnt[5::40, 7::40] = 65535
    shown = read(burnt)
    same = burnt == values
    np.testing.assert_allclose(shown.pixels[same], SCALED[same], atol=3e-3)
    assert shown.pixels[burnt == 65535].min() == 1
    assert any(f"{bits} bits, but for a few pixels" in warning for warning in shown.warnings)


@pytest.mark.parametrize("extremes", [(), (0,), (65535,), (0, 65535)])
def test_a_narrow_range_is_stretched(extremes: tuple[int, ...]) -> None:
    """30000 to 32000, with and without an empty border and a marker."""
    values = np.round(30000 + SCALED * 2000).astype(np.uint16)
    for number, value in enumerate(extremes):
        values[number * 40 : number * 40 + 20] = value
    shown = read(values)
    part = np.s_[100:]
    assert np.corrcoef(shown.pixels[part].ravel(), SCALED[part].ravel())[0, 1] > 0.99
    assert shown.pixels[part].std() > 0.8 * SCALED[part].std()
    assert any("stretched" in warning for warning in shown.warnings)


def test_sixteen_bits_are_left_alone() -> None:
    """Without a word, as ever; also where few pixels reach the top."""
    values = np.round(SCALED * 65535).astype(np.uint16)
    for picture in (values, np.where(values > 60000, 60000, values).astype(np.uint16), (values >> 1) + 20000):
        shown = read(picture)
        np.testing.assert_allclose(shown.pixels, picture / 65535, atol=1e-6)
        assert not shown.warnings


def test_steps_of_an_8_bit_picture_are_no_gaps() -> None:
    """Each of 256 greys times 257."""
    values = (np.round(SCALED * 255) * 257).astype(np.uint16)
    shown = read(values)
    np.testing.assert_allclose(shown.pixels, values / 65535, atol=1e-6)
    assert not shown.warnings


@pytest.mark.parametrize("kind", ["png", "tiff"])
@pytest.mark.parametrize("bits", [12, 16])
def test_colour_of_16_bits_is_not_cut(kind: str, bits: int) -> None:
    """All 16 bits of each channel count."""
    grey = np.round(SCALED * (2**bits - 1)).astype(np.uint16)
    _, coded = cv2.imencode(f".{kind}", np.repeat(grey[..., None], 3, axis=2))
    shown = load_radiograph(coded.tobytes())
    np.testing.assert_allclose(shown.pixels, SCALED, atol=1e-3)
    assert not any("colour" in warning for warning in shown.warnings)
    assert any("12 bits" in warning for warning in shown.warnings) is (bits == 12)


def test_colour_of_16_bits_is_luminance() -> None:
    """Red, green and blue by ITU-R BT.601, opacity over black, and a word."""
    red = np.zeros((320, 320, 4), np.uint16)
    red[..., 2] = np.round(SCALED * 65535)
    red[..., 3] = 65535
    red[:80, :, 3] = 0
    shown = read(red)
    np.testing.assert_allclose(shown.pixels[80:], 0.299 * SCALED[80:], atol=1e-3)
    assert shown.pixels[:80].max() == 0 and any("colour" in warning for warning in shown.warnings)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_colour_of_16_bits_is_turned_as_other_pictures_are(orientation: int) -> None:
    """The orientation tag, against Pillow's reading of a grey picture with the same tag."""
    grey = np.round(SCALED[:, :280] * 255).astype(np.uint8)
    exif = Image.Exif()
    exif[274] = orientation
    plain = io.BytesIO()
    Image.fromarray(grey).save(plain, "PNG", exif=exif)
    deep = png(np.repeat((grey.astype(np.uint16) * 257)[..., None], 3, axis=2))
    tagged = io.BytesIO()
    PngImagePlugin.putchunk(tagged, b"eXIf", exif.tobytes()[6:])
    place = deep.index(b"IDAT") - 4
    shown = load_radiograph(deep[:place] + tagged.getvalue() + deep[place:])
    np.testing.assert_allclose(shown.pixels, load_radiograph(plain.getvalue()).pixels, atol=1e-3)
