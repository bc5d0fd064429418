"""The canvas alone, against the library: what is painted is what is counted as a region."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from playwright.sync_api import Page

from patchclip.localize import find_regions
from patchclip.types import PatchMap

VIEWER = Path(__file__).resolve().parents[2] / "app" / "page" / "viewer.js"
SIDE = 480
SHOW = """(given) => {
  document.body.innerHTML = `<canvas style="width: ${given.side + 16}px; height: ${given.side + 16}px"></canvas>`;
  const canvas = document.querySelector("canvas"), viewer = makeViewer(canvas, () => {}), black = document.createElement("canvas");
  black.width = black.height = given.side;
  black.getContext("2d").fillRect(0, 0, given.side, given.side);
  Object.assign(viewer.view, { picture: black, size: [given.side, given.side], opacity: 1, outlines: given.outlines, minPatches: given.least,
    table: Array.from({ length: 256 }, () => [255, 0, 0]), map: { values: given.values, extent: [0, 0, given.side, given.side] } });
  viewer.draw();
  const data = canvas.getContext("2d").getImageData(8, 8, given.side, given.side).data, red = [];
  for (let k = 0; k < data.length; k += 4) red.push(data[k] > 40 ? 1 : 0);
  return { red, regions: viewer.regions().map };
}"""


def test_a_fragment_smaller_than_a_region_is_neither_painted_nor_outlined(page: Page) -> None:
    values = np.zeros((8, 8), np.float32)
    values[2:4, 2:4] = 0.9
    values[6, 6] = 0.6  # above .5 only in the middle of its patch
    shown = PatchMap(values, (0.0, 0.0, float(SIDE), float(SIDE)))
    regions = {least: find_regions(shown, 0.5, (SIDE, SIDE), least) for least in (0.0, 0.5)}
    assert [len(found) for found in regions.values()] == [2, 1]
    page.goto("about:blank")
    page.add_script_tag(content=VIEWER.read_text(encoding="utf-8"))
    for least, found in regions.items():
        for outlines in (True, False):
            given = {"side": SIDE, "values": values.tolist(), "least": least, "outlines": outlines}
            seen = page.evaluate(SHOW, given)
            assert seen["regions"] == len(found)
            painted = np.array(seen["red"]).reshape(SIDE, SIDE) == 1
            expected = shown.upsample(SIDE, SIDE) >= 0.5
            if least:
                expected[SIDE // 2 :] = False
            assert (painted != expected).sum() < 20
