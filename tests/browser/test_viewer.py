"""The canvas and its regions alone, against the library: what is painted is what both count."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from patchclip.localize import find_regions
from patchclip.types import PatchMap
from tests.browser.scripts import empty_page

LENGTH = 480
SHOW = """async (given) => {
  const { makeViewer } = await import("/viewer.js");
  const place = given.length + 16 + "px";
  document.body.innerHTML =
    `<div id="film" style="width: ${place}; height: ${place}; position: relative"></div><canvas></canvas>`;
  document.documentElement.style.setProperty("--text", "#ff0000");
  document.documentElement.style.setProperty("--film", "#ff0000");
  const canvas = document.querySelector("canvas");
  Object.assign(canvas.style, { position: "absolute", inset: 0, width: "100%", height: "100%" });
  const viewer = makeViewer(document.querySelector("#film"), canvas);
  const window = { name: "", center: 0.5, width: 1, function: "LINEAR_EXACT" };
  const film = {
    rows: given.length, columns: given.length, step: 1, slope: 1, intercept: 0, limits: [0, 1], model: window,
    levels: [{ rows: given.length, columns: given.length, codes: new Uint16Array(given.length ** 2) }] };
  Object.assign(viewer.view, {
    size: [given.length, given.length], opacity: 1, outlines: given.outlines,
    smooth: given.smooth, minPatches: given.least, table: Array.from({ length: 256 }, () => [255, 0, 0]),
    map: { values: given.values, extent: [0, 0, given.length, given.length] } });
  await viewer.show(film);
  const data = canvas.getContext("2d").getImageData(8, 8, given.length, given.length).data;
  let red = ""; // a text, since a list is packed and unpacked number by number
  for (let k = 0; k < data.length; k += 4) red += data[k] > 40 ? "1" : "0";
  return { red, regions: viewer.regions() };
}"""
COUNT = """async ({ maps, size }) => {
  const { findRegions } = await import("/regions.js");
  return maps.map(({ map, threshold, least }) => {
    const { lit, count } = findRegions(map, size, threshold, least);
    return { count, lit: lit.reduce((sum, one) => sum + one, 0) };
  });
}"""


def eight_by_eight() -> PatchMap:
    """A block of four bright patches, and one that reaches .5 only in the middle of its patch."""
    values = np.zeros((8, 8), np.float32)
    values[2:4, 2:4] = 0.9
    values[6, 6] = 0.6
    return PatchMap(values, (0.0, 0.0, float(LENGTH), float(LENGTH)))


def painted(page: Page, **given: Any) -> tuple[np.ndarray, int]:
    """bool [LENGTH, LENGTH]: where the canvas shows the map; and the number of regions."""
    values = eight_by_eight().values.tolist()
    seen = empty_page(page).evaluate(SHOW, {"length": LENGTH, "values": values, **given})
    red = np.frombuffer(seen["red"].encode(), np.uint8).reshape(LENGTH, LENGTH)
    return red == ord("1"), seen["regions"]


@pytest.mark.parametrize("outlines", [True, False])
@pytest.mark.parametrize(("least", "count"), [(0.0, 2), (0.5, 1)])
def test_a_fragment_smaller_than_a_region_is_neither_painted_nor_counted(
    page: Page, least: float, count: int, outlines: bool
) -> None:
    patch_map = eight_by_eight()
    assert len(find_regions(patch_map, 0.5, (LENGTH, LENGTH), least)) == count
    seen, regions = painted(page, least=least, outlines=outlines, smooth=True)
    assert regions == count
    expected = patch_map.upsample(LENGTH, LENGTH) >= 0.5
    if least:
        expected[LENGTH // 2 :] = False
    assert (seen != expected).sum() < 20


@pytest.mark.parametrize(("least", "count"), [(0.0, 2), (0.5, 1)])
def test_without_smoothing_whole_patches_of_the_same_regions_are_painted(
    page: Page, least: float, count: int
) -> None:
    seen, regions = painted(page, least=least, outlines=False, smooth=False)
    assert regions == count
    bright = np.zeros((8, 8), bool)
    bright[2:4, 2:4] = True
    bright[6, 6] = not least
    expected = np.kron(bright, np.ones((LENGTH // 8, LENGTH // 8))) == 1
    assert (seen != expected).sum() < 20


def random_maps(count: int, size: tuple[int, int]) -> list[tuple[PatchMap, float, float]]:
    """Maps of several grids and kinds, each with a threshold and a smallest region in patches."""
    random = np.random.default_rng(13)
    height, width = size
    maps = []
    for number in range(count):
        rows = cols = int(random.choice([14, 16, 24, 37]))
        values = random.random((rows, cols), np.float32)
        if number % 3 == 1:  # sparse peaks, as of small findings
            values = values**8
        if number % 3 == 2:  # plateaus that reach the threshold exactly
            values = np.round(values * 4) / np.float32(4)
        length = max(height, width)
        x, y = (length - width) / 2, (length - height) / 2
        padded, plain = (-x, -y, width + x, height + y), (0.0, 0.0, float(width), float(height))
        threshold = float(random.choice([0.5, 0.25, round(float(random.uniform(0.05, 0.95)), 2)]))
        patch_map = PatchMap(values, padded if number % 2 else plain)
        maps.append((patch_map, threshold, float(random.choice([0.0, 0.5, 1.0, 2.5]))))
    return maps


def at_working_size(item: PatchMap, size: tuple[int, int]) -> np.ndarray:
    """The map upsampled to at most 512 pixels, as regions are traced."""
    height, width = size
    reduction = min(1.0, 512 / max(size))
    rows, cols = math.ceil(height * reduction), math.ceil(width * reduction)
    x0, y0, x1, y1 = item.extent
    extent = (x0 * cols / width, y0 * rows / height, x1 * cols / width, y1 * rows / height)
    return PatchMap(item.values, extent).upsample(rows, cols)


@pytest.mark.parametrize("size", [(2022, 2500), (2991, 2992), (480, 480), (300, 1601)])
def test_page_and_library_count_alike(page: Page, size: tuple[int, int]) -> None:
    maps = random_maps(150 if size == (2022, 2500) else 40, size)
    given = [
        {
            "map": {"values": item.values.tolist(), "extent": item.extent},
            "threshold": threshold,
            "least": least,
        }
        for item, threshold, least in maps
    ]
    counted = empty_page(page).evaluate(COUNT, {"maps": given, "size": size})
    expected = [len(find_regions(item, threshold, size, least)) for item, threshold, least in maps]
    assert [item["count"] for item in counted] == expected
    assert len(set(expected)) > 10
    for sent, (item, threshold, least) in zip(counted, maps, strict=True):
        if not least:  # nothing is put out: the lit pixels themselves can be compared
            assert sent["lit"] == int((at_working_size(item, size) >= threshold).sum())
