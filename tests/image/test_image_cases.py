"""Files that were once shown wrong or refused, kept beside the project.

Each kind has generated files in the other tests.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmread

from patchclip import Radiograph, load_radiograph
from patchclip.image.polarity import INVERTED, NOT_TURNED, OVERWHELMING, polarity_evidence
from tests.conftest import ROOT
from tests.image.dcmtk import rendered


@pytest.fixture
def case() -> Callable[[str], Path]:
    """The path of a case, which is no part of the project."""
    folder = Path(os.environ.get("PATCHCLIP_CASES", ROOT.parent / "shared" / "cases")) / "images"

    def path(name: str) -> Path:
        if not (folder / name).is_file():
            pytest.skip("the collected cases are not here; set PATCHCLIP_CASES to their folder")
        return folder / name

    return path


def said(radiograph: Radiograph) -> str:
    return " ".join(radiograph.warnings)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("vlut_8bit_in_words.dcm", ("--use-voi-lut", "1"), ""),
        ("vlut_empty_item.dcm", ("--use-window", "1"), "empty"),
        ("m1_white_collimation.dcm", ("--use-window", "1"), ""),
        ("m2_inverse.dcm", ("--use-window", "1"), ""),
        ("body_part_torax.dcm", ("--use-window", "1"), ""),
    ],
)
def test_shown_as_dcmtk_shows_it(
    case: Callable[[str], Path], tmp_path: Path, name: str, options: tuple[str, ...], words: str
) -> None:
    """Black as air, within one grey level, and without a false word."""
    read = load_radiograph(case(name))
    oracle = rendered(case(name).read_bytes(), tmp_path, *options)
    assert np.abs(np.round(read.pixels * 255) - oracle).max() <= 1
    assert polarity_evidence(read.pixels) > OVERWHELMING
    assert NOT_TURNED not in read.warnings and INVERTED not in read.warnings
    assert words in said(read) and "not chest" not in said(read)


def test_one_picture_in_many_files(case: Callable[[str], Path]) -> None:
    """The same radiograph, whose greys must not depend on how a file holds them."""
    plain = load_radiograph(case("body_part_torax.dcm")).pixels
    for name in ("m2_inverse.dcm", "dicm_at_0.dcm", "vlut_empty_item.dcm"):
        assert np.abs(load_radiograph(case(name)).pixels - plain).max() < 0.02, name
    squashed = load_radiograph(case("aspect_1_2.dcm"))
    assert squashed.size == (300, 300) and "not square" in said(squashed)
    half = cv2.resize(plain, (150, 300), interpolation=cv2.INTER_AREA)
    narrow = cv2.resize(squashed.pixels, (150, 300), interpolation=cv2.INTER_AREA)
    assert np.corrcoef(narrow.ravel(), half.ravel())[0, 1] > 0.99


def test_a_table_of_12_bits_called_16(case: Callable[[str], Path]) -> None:
    """The file's own entries, over the 12 bits that they use."""
    dataset = dcmread(case("vlut_desc16_data12.dcm"))
    entries = np.frombuffer(dataset.VOILUTSequence[0].LUTData, "<u2")
    read = load_radiograph(case("vlut_desc16_data12.dcm"))
    np.testing.assert_allclose(read.pixels, entries[dataset.pixel_array] / 4095, atol=1e-6)
    assert read.pixels.max() > 0.9 and "uses 12" in said(read)


@pytest.mark.parametrize("name", ["png12_marker_65535.png", "png_rgb16_of_12.png"])
def test_twelve_bits_in_a_png(case: Callable[[str], Path], name: str) -> None:
    read = load_radiograph(case(name))
    plain = load_radiograph(case("body_part_torax.dcm")).pixels
    same = read.pixels < 1
    assert np.abs(read.pixels - plain)[same].max() < 0.02 and "12 bits" in said(read)


def test_a_window_off_the_pixels(case: Callable[[str], Path]) -> None:
    read = load_radiograph(case("window_off_pixels.dcm"))
    plain = load_radiograph(case("body_part_torax.dcm")).pixels
    assert np.corrcoef(read.pixels.ravel(), plain.ravel())[0, 1] > 0.99 and "far off the pixels" in said(read)
