"""Regions of a map: those of the whole map as SciPy labels it, although only a part is looked at."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import ndimage

from patchclip.localize import find_regions
from patchclip.types import PatchMap

THRESHOLD = 0.6


@pytest.mark.parametrize("seed", range(12))
def test_regions_are_those_of_the_whole_map(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, cols = random.integers(2, 20, 2)
    noise = random.random((rows, cols)).astype(np.float32)
    values = np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.6), np.float32)
    height, width = (int(length) for length in random.integers(60, 500, 2))
    beyond = float(random.uniform(0, width / cols))
    patch_map = PatchMap(values, (-beyond, 0.0, width + beyond, float(height)))

    regions = find_regions(patch_map, THRESHOLD, (height, width))

    whole = patch_map.upsample(height, width)
    labels, count = ndimage.label(whole >= THRESHOLD, np.ones((3, 3)))
    boxes = ndimage.find_objects(labels)
    expected = {
        (part[1].start, part[0].start, part[1].stop, part[0].stop, float(whole[labels == number].max()))
        for number, part in enumerate(boxes, 1)
    }
    assert len(regions) == count
    assert {(item.x, item.y, item.x + item.w, item.y + item.h, item.score) for item in regions} == expected
    for item in regions:
        x, y = (int(place) for place in item.peak)
        assert whole[y, x] == item.score
    assert find_regions(patch_map, float(values.max()) + 0.01, (height, width)) == ()


def test_a_part_of_an_enlarged_map_is_that_part_of_the_whole() -> None:
    values = np.random.default_rng(3).random((7, 5)).astype(np.float32)
    patch_map = PatchMap(values, (-3.5, 0.0, 90.0, 70.0))
    part = np.s_[11:40, 3:77]
    np.testing.assert_array_equal(patch_map.upsample(66, 88, part), patch_map.upsample(66, 88)[part])
