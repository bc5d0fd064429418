"""What is done by tables, counts and blocks against what NumPy makes of every pixel, to the last bit."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from patchclip.image.pixelwise import (
    Measured,
    averaged,
    connected,
    counted,
    looked_up,
    quantiles,
    quantised,
)
from patchclip.image.voi import Window


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.mark.parametrize("dtype", [np.float32, np.uint16, np.float64])
def test_places_look_a_table_of_any_length_up(random: np.random.Generator, dtype: type) -> None:
    table: NDArray[Any] = (1000 * random.random(4097)).astype(dtype)
    places = random.integers(0, len(table), (37, 53)).astype(np.uint16)

    picture = looked_up(table, places)

    assert picture.dtype == dtype
    np.testing.assert_array_equal(picture, table[places])


def test_pixels_inside_are_counted_by_their_value(random: np.random.Generator) -> None:
    places = random.integers(0, 65536, (61, 43)).astype(np.uint16)
    inside = random.random(places.shape) < 0.4

    np.testing.assert_array_equal(counted(places), np.bincount(places.ravel(), minlength=65536))
    np.testing.assert_array_equal(counted(places, inside), np.bincount(places[inside], minlength=65536))


@pytest.mark.parametrize(("most", "dtype"), [(255, np.uint8), (65535, np.uint16)])
def test_quantising_rounds_as_numpy_does(random: np.random.Generator, most: int, dtype: type) -> None:
    halves = (np.arange(2 * most + 1) / 2 / most).astype(np.float32)
    pixels = np.concatenate([halves, random.random(400_001 - len(halves), np.float32)]).reshape(-1, 1)

    for picture in (pixels, pixels[:400_000].reshape(500, 800)):
        np.testing.assert_array_equal(quantised(picture, most, dtype), np.round(picture * most).astype(dtype))


@pytest.mark.parametrize("size", [(128, 106), (37, 200), (3, 1), (400, 330)])
def test_averages_are_those_of_opencv(random: np.random.Generator, size: tuple[int, int]) -> None:
    pixels = random.random((1003, 829), np.float32)
    height, width = size

    small = averaged(pixels, width, height)

    assert small.dtype == np.float32
    expected = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(small, expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("slope", [1.0, -0.37])
def test_percentiles_of_counts_are_those_of_all_pixels(random: np.random.Generator, slope: float) -> None:
    window = Window(100.3, 150.7)
    for size in (1, 2, 17, 5000):
        places = random.integers(0, 300, size).astype(np.uint16)
        levels = np.asarray(slope * np.arange(300) + 3.3, np.float64)
        counts = np.bincount(places, minlength=300)
        present = np.flatnonzero(counts)
        shares = [0, 0.5, 13.7, 50, 99.5, 100]

        measured = Measured(np.asarray(levels[present], np.float64), counts[present])

        pixels = np.asarray(levels[places], np.float64)
        assert measured.percentiles(shares) == np.percentile(pixels, shares).tolist()
        assert measured.limits == (pixels.min(), pixels.max())
        windowed = measured.through(window.apply).percentiles(shares)
        assert windowed == np.percentile(window.apply(pixels), shares).tolist()
        assert Measured(pixels).percentiles(shares) == measured.percentiles(shares)


def test_parts_are_numbered_as_opencv_numbers_them(random: np.random.Generator) -> None:
    noise = np.asarray(cv2.GaussianBlur(random.random((240, 180)), (0, 0), 2), np.float64)
    mask = (noise > np.percentile(noise, 80)).astype(np.uint8)

    count, labels, table, _ = connected(mask)

    expected, areas = cv2.connectedComponents(mask, None, 8)
    assert count == expected > 30 and table[1:, 4].sum() == mask.sum()
    np.testing.assert_array_equal(labels, areas)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.7, 1.0])
def test_quantiles_of_groups_are_those_of_each(random: np.random.Generator, share: float) -> None:
    groups = np.concatenate([np.arange(40), random.integers(0, 40, 700)])
    values = np.round(9 * random.random(len(groups)))

    found = quantiles(values, groups, 40, share)

    for group in range(40):
        assert found[group] == pytest.approx(np.quantile(values[groups == group], share), abs=1e-12)
