"""What is sent to be drawn: the picture without loss, colours as published, numbers as computed."""

from __future__ import annotations

import base64
import io

import matplotlib
import numpy as np
import pytest
from PIL import Image

from app.drawing import LONGEST_LENGTH, colour_tables, map_reply, picture
from patchclip import PatchMap, Radiograph


def decoded(data_url: str) -> np.ndarray:
    """Pixels of a PNG data URL, read by Pillow."""
    head, _, body = data_url.partition(",")
    assert head == "data:image/png;base64"
    image = Image.open(io.BytesIO(base64.b64decode(body)))
    assert image.mode == "L"
    return np.asarray(image)


def test_a_small_radiograph_is_sent_without_loss() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (300, 280)).astype(np.uint8)
    assert np.array_equal(decoded(picture(Radiograph.from_array(levels / 255))), levels)


@pytest.mark.parametrize(("height", "width"), [(6000, 700), (600, 4200)])
def test_a_large_one_is_reduced_and_keeps_shape_and_brightness(height: int, width: int) -> None:
    ramp = np.tile(np.linspace(0, 1, width), (height, 1))
    sent = decoded(picture(Radiograph.from_array(ramp)))
    assert max(sent.shape) == LONGEST_LENGTH
    assert sent.shape[1] / sent.shape[0] == pytest.approx(width / height, rel=0.01)
    assert np.abs(sent[0].astype(float) - np.linspace(0, 255, sent.shape[1])).max() < 3


def test_a_detectors_own_pixels_are_sent_as_they_are() -> None:
    levels = np.random.default_rng(1).integers(0, 256, (2992, 2991)).astype(np.uint8)
    assert np.array_equal(decoded(picture(Radiograph.from_array(levels / 255))), levels)


def test_colour_tables_are_matplotlibs() -> None:
    tables = colour_tables()
    assert next(iter(tables)) == "inferno"
    assert {"inferno", "viridis", "cividis", "blues"} == set(tables)
    for name in ("inferno", "viridis", "cividis"):
        expected = np.round(matplotlib.colormaps[name](np.arange(256))[:, :3] * 255)
        assert np.abs(np.array(tables[name]) - expected).max() <= 1


def test_every_colour_table_brightens_steadily() -> None:
    for name, table in colour_tables().items():
        luminance = np.array(table) @ [0.2126, 0.7152, 0.0722]
        assert np.diff(luminance).min() > -1.5, name


def test_a_map_is_sent_as_it_is_neither_stretched_nor_rounded() -> None:
    values = np.asarray(np.random.default_rng(2).random((5, 4), np.float32) / 3, np.float32)
    sent = map_reply(PatchMap(values, (-3.0, 0.0, 103.0, 100.0)))
    assert np.array_equal(np.array(sent.values, np.float32), values)
    assert sent.max == float(values.max())
    assert sent.extent == (-3.0, 0.0, 103.0, 100.0)
