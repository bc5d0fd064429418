"""Display shutters are dark and take no part; collimators take no part in polarity."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from patchclip import load_radiograph
from patchclip.image.shutter import collimated
from tests.image.dicoms import CHEST, content, dicom

SIZE = 400
INNER = np.s_[40:360, 40:360]
WINDOW: dict[str, object] = {"WindowCenter": "2048", "WindowWidth": "4096"}
RECTANGLE: dict[str, object] = {
    "ShutterShape": "RECTANGULAR",
    "ShutterLeftVerticalEdge": "41",
    "ShutterRightVerticalEdge": "360",
    "ShutterUpperHorizontalEdge": "41",
    "ShutterLowerHorizontalEdge": "360",
}


def picture(around: int) -> NDArray[np.uint16]:
    """A chest in a surround of one value."""
    stored = np.full((SIZE, SIZE), around, np.uint16)
    stored[INNER] = np.round(CHEST * 3000 + 500).astype(np.uint16)
    return stored


def inside(shape: str) -> NDArray[np.bool_]:
    """What a shutter leaves, by its definition, in places counted from 1."""
    rows, cols = np.mgrid[1 : SIZE + 1, 1 : SIZE + 1]
    if shape == "CIRCULAR":
        return np.asarray((rows - 200) ** 2 + (cols - 210) ** 2 <= 150**2)
    if shape == "POLYGONAL":
        return np.asarray((cols >= 50) & (cols <= 350) & (rows >= 60) & (rows <= 340) & (rows >= cols - 200))
    return np.asarray((cols >= 41) & (cols <= 360) & (rows >= 41) & (rows <= 360))


CIRCLE = {
    "ShutterShape": "CIRCULAR",
    "CenterOfCircularShutter": ["200", "210"],
    "RadiusOfCircularShutter": "150",
}
POLYGON = {
    "ShutterShape": "POLYGONAL",
    "VerticesOfThePolygonalShutter": ["60", "50", "60", "260", "150", "350", "340", "350", "340", "50"],
}


@pytest.mark.parametrize(
    ("shape", "tags"), [("RECTANGULAR", RECTANGLE), ("CIRCULAR", CIRCLE), ("POLYGONAL", POLYGON)]
)
def test_a_shutter_is_black_and_has_no_part_in_the_window(shape: str, tags: dict[str, object]) -> None:
    """Of a bright surround, and with MONOCHROME1 as well, where 0 would be white."""
    stored = picture(60000)
    expected = inside(shape)
    for tag in ("MONOCHROME2", "MONOCHROME1"):
        read = load_radiograph(
            content(dicom(stored, **tags, PresentationLUTShape="IDENTITY", PhotometricInterpretation=tag))
        )
        assert np.count_nonzero((read.pixels == 0) & expected) < 0.02 * expected.sum()
        assert read.pixels[~expected].max() == 0
        assert read.outside is not None and (read.outside != ~expected).mean() < 2e-3
        measured = stored[expected]
        low, high = np.percentile(measured, (0.5, 99.5))
        np.testing.assert_allclose(
            read.pixels[expected], np.clip((measured - low) / (high - low), 0, 1), atol=2e-2
        )


def test_several_shapes_leave_what_all_of_them_leave() -> None:
    tags = {**RECTANGLE, **CIRCLE, "ShutterShape": ["RECTANGULAR", "circular"]}
    read = load_radiograph(content(dicom(picture(4000), **WINDOW, **tags)))
    assert read.outside is not None
    np.testing.assert_array_equal(read.outside, ~(inside("RECTANGULAR") & inside("CIRCULAR")))


def test_a_bitmap_shutter() -> None:
    """An overlay plane that is smaller than the picture and begins inside it."""
    plane = np.zeros((100, 96), np.uint8)
    plane[10:90, 20:80] = 1
    dataset = dicom(picture(4000), **WINDOW, ShutterShape="BITMAP", ShutterOverlayGroup=0x6002)
    dataset.add_new((0x6002, 0x0010), "US", 100)
    dataset.add_new((0x6002, 0x0011), "US", 96)
    dataset.add_new((0x6002, 0x0040), "CS", "G")
    dataset.add_new((0x6002, 0x0050), "SS", [31, 51])
    dataset.add_new((0x6002, 0x0100), "US", 1)
    dataset.add_new((0x6002, 0x0102), "US", 0)
    dataset.add_new((0x6002, 0x3000), "OB", np.packbits(plane, bitorder="little").tobytes())
    hidden = np.zeros((SIZE, SIZE), bool)
    hidden[40:120, 70:130] = True
    outside = load_radiograph(content(dataset)).outside
    assert outside is not None
    np.testing.assert_array_equal(outside, hidden)


def test_a_shutter_has_no_part_in_polarity() -> None:
    """A surround that looks like air, or like none, on a lone MONOCHROME1."""
    for around in (0, 4095):
        stored = picture(around)
        stored[INNER] = np.round((1 - CHEST) * 4095).astype(np.uint16)
        read = load_radiograph(
            content(dicom(stored, **WINDOW, **RECTANGLE, PhotometricInterpretation="MONOCHROME1"))
        )
        assert np.corrcoef(read.pixels[INNER].ravel(), CHEST.ravel())[0, 1] > 0.99
        assert not any("MONOCHROME1" in warning or "inverted" in warning for warning in read.warnings)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"ShutterShape": "RECTANGULAR", "ShutterLeftVerticalEdge": "10"}, "incomplete or malformed"),
        ({"ShutterShape": "TRIANGULAR"}, "incomplete or malformed"),
        ({"ShutterShape": "BITMAP", "ShutterOverlayGroup": 0x6000}, "incomplete or malformed"),
        ({**POLYGON, "VerticesOfThePolygonalShutter": ["1", "1"]}, "incomplete or malformed"),
        ({**RECTANGLE, "ShutterRightVerticalEdge": "30"}, "hides the whole picture"),
        ({**CIRCLE, "RadiusOfCircularShutter": "0"}, "hides the whole picture"),
    ],
)
def test_a_shutter_that_makes_no_sense_is_left_out(tags: dict[str, object], words: str) -> None:
    """And said; the picture is whole."""
    plain = load_radiograph(content(dicom(picture(4000), **WINDOW)))
    read = load_radiograph(content(dicom(picture(4000), **WINDOW, **tags)))
    np.testing.assert_array_equal(read.pixels, plain.pixels)
    assert any(words in warning for warning in read.warnings)


def test_a_collimator_is_shown() -> None:
    """It says what was exposed, not what may be seen."""
    tags = {name.replace("Shutter", "Collimator"): value for name, value in RECTANGLE.items()}
    dataset = dicom(picture(4000), **WINDOW, **tags)
    read = load_radiograph(content(dataset))
    assert read.outside is None and read.pixels[0, 0] > 0.9
    mask, said = collimated(dataset, (SIZE, SIZE), 1.0)
    assert mask is not None and not said
    np.testing.assert_array_equal(mask, ~inside("RECTANGULAR"))


def test_a_circle_is_round_on_square_pixels() -> None:
    """Its radius counts pixels along a row; stored pixels here are twice as high as wide."""
    tags = {
        "ShutterShape": "CIRCULAR",
        "CenterOfCircularShutter": ["100", "200"],
        "RadiusOfCircularShutter": "150",
        "PixelAspectRatio": ["2", "1"],
    }
    outside = load_radiograph(content(dicom(picture(4000)[::2], **WINDOW, **tags))).outside
    assert outside is not None and outside.shape == (400, 400)
    left = ~outside
    assert abs(int(left.any(axis=1).sum()) - 300) <= 2 and abs(int(left.any(axis=0).sum()) - 301) <= 2
