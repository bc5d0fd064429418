"""What the page measures of a map against boxes is what the library's evaluation measures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from patchclip.evaluate.map_metrics import box_mask, iobb, iou, pointing
from patchclip.localize import find_regions
from patchclip.types import Box, PatchMap
from tests.browser.scripts import empty_page

MEASURE = """async (cases) => {
  const { measure } = await import("/measure.js");
  return cases.map(({ map, size, threshold, least, boxes }) => measure(map, size, threshold, least, boxes));
}"""
MATCH = """async ({ map, other, size, threshold }) => {
  const { litArea, matchedThreshold } = await import("/measure.js");
  const area = litArea(map, size, threshold);
  const matched = matchedThreshold(other, size, area);
  return [area, matched, litArea(other, size, matched)];
}"""
SIZES = [(400, 320), (512, 512), (1200, 1000), (3000, 2500)]


def as_json(patch_map: PatchMap) -> dict[str, Any]:
    """A map as the server sends it."""
    return {"values": patch_map.values.astype(float).tolist(), "extent": list(patch_map.extent)}


def a_case(rng: np.random.Generator, size: tuple[int, int]) -> tuple[PatchMap, float, tuple[Box, ...]]:
    """A blurred map with a few hills, a threshold, and boxes some of which lie on hills."""
    height, width = size
    values = rng.random((16, 14)).astype(np.float32) ** 4
    extent = (-0.02 * width, 0.0, 1.02 * width, float(height))
    boxes = tuple(
        Box(x * width, y * height, w * width, h * height)
        for x, y, w, h in rng.uniform(0.02, 0.45, (int(rng.integers(1, 4)), 4))
    )
    return PatchMap(values, extent), float(rng.uniform(0.15, 0.6)), boxes


@pytest.mark.parametrize("size", SIZES)
def test_the_page_measures_what_the_library_measures(page: Page, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(size))
    cases = [a_case(rng, size) for _ in range(8)]
    least = 0.5
    said = empty_page(page).evaluate(
        MEASURE,
        [
            {
                "map": as_json(patch_map),
                "size": list(size),
                "threshold": threshold,
                "least": least,
                "boxes": [[box.x, box.y, box.w, box.h] for box in boxes],
            }
            for patch_map, threshold, boxes in cases
        ],
    )
    exact = max(size) <= 512
    pointed = 0
    for (patch_map, threshold, boxes), got in zip(cases, said, strict=True):
        regions = find_regions(patch_map, threshold, size, least)
        grid, mask = patch_map.upsample(*size), box_mask(boxes, size)
        assert got["regions"] == len(regions) > 0
        assert got["falsePositives"] == iobb(regions, boxes, 0.1).alarms
        assert got["pointing"] == bool(pointing(grid, mask))
        pointed += got["pointing"]
        lit = (grid >= np.float32(threshold)) & box_mask(regions, size)
        # What is too small for a region is not painted, and counts on neither side: where every part is a
        # region, both are the same sets of pixels.
        if len(regions) == len(find_regions(patch_map, threshold, size)):
            close = 1e-6 if exact else 0.01
            assert got["iou"] == pytest.approx(iou(lit, mask), abs=close)
            assert got["covered"] == pytest.approx((lit & mask).sum() / mask.sum(), abs=close)
    assert size != SIZES[0] or 0 < pointed < len(cases)


def test_a_map_of_one_value_points_nowhere(page: Page) -> None:
    flat = {"values": [[0.3, 0.3], [0.3, 0.3]], "extent": [0, 0, 100, 100]}
    case = {"map": flat, "size": [100, 100], "threshold": 0.5, "least": 0, "boxes": [[0, 0, 100, 100]]}
    (said,) = empty_page(page).evaluate(MEASURE, [case])
    assert said == {"pointing": False, "iou": 0, "covered": 0, "falsePositives": 0, "regions": 0}


def test_thresholds_are_matched_to_the_same_lit_area(page: Page) -> None:
    rng = np.random.default_rng(5)
    size = (400, 320)
    (one, _, _), (two, _, _) = a_case(rng, size), a_case(rng, size)
    two = PatchMap(two.values * np.float32(0.2), two.extent)  # another scale
    asked = {"map": as_json(one), "other": as_json(two), "size": list(size)}
    area, matched, same = empty_page(page).evaluate(MATCH, {**asked, "threshold": 0.4})
    assert area == np.count_nonzero(one.upsample(*size) >= np.float32(0.4)) > 1000
    assert matched == pytest.approx(float(np.sort(two.upsample(*size), axis=None)[-area]))
    assert same == pytest.approx(area, abs=2)
    assert page.evaluate(MATCH, {**asked, "threshold": 1})[::2] == [0, 0]  # a dark map stays dark in both
