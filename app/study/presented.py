"""Maps as readers of a study see them: where there are several, no number tells which method made which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from app.answer_replies import RegionReply
from app.drawing import map_reply
from app.study.packs import PackedMap
from patchclip import PatchMap, Region
from patchclip.localize import find_regions

COMMON_CUT = 0.5
"""From which every map is lit where a reader compares several."""


@dataclass(frozen=True, slots=True)
class Lit:
    """A map, the value from which it is lit, and its lit regions."""

    map: PatchMap
    cut: float
    regions: tuple[Region, ...]


def presented(
    methods: Sequence[str],
    lit: Mapping[str, Mapping[str, Lit]],
    size: tuple[int, int],
    min_patches: float,
) -> dict[str, dict[str, PackedMap]]:
    """The maps of a case, ready to be sent.

    A single one is sent as it is. Several get the finest one's grid, one cut and one highest value: saliency
    is relative to its own maximum and a patch map is not, which its highest value would tell, and regions
    follow the grid that they were found on. So all numbers, of regions too, are those of the map as it is
    sent; what the model lit is stored elsewhere, untouched.

    Args:
        methods: of the protocol.
        lit: label -> method -> map as it was computed.
        size: (H, W) of the original image.
        min_patches: regions smaller than so many patches are none.

    Returns:
        label -> method -> map.
    """
    packed: dict[str, dict[str, PackedMap]] = {}
    for label, each in lit.items():
        shown = {method: each[method] for method in methods}
        if len(shown) > 1:
            finest = max((item.map for item in shown.values()), key=lambda item: item.values.size)
            shown = {method: _blinded(item, finest, size, min_patches) for method, item in shown.items()}
        packed[label] = {
            method: PackedMap(map=map_reply(item.map), cut=item.cut, regions=_regions(item))
            for method, item in shown.items()
        }
    return packed


def _blinded(item: Lit, grid: PatchMap, size: tuple[int, int], min_patches: float) -> Lit:
    drawn = _rescaled(_on_grid(item.map, grid), item.cut)
    return Lit(drawn, COMMON_CUT, tuple(find_regions(drawn, COMMON_CUT, size, min_patches)))


def _regions(item: Lit) -> list[RegionReply]:
    return [
        RegionReply(x=region.x, y=region.y, w=region.w, h=region.h, score=region.score, peak=region.peak)
        for region in item.regions
    ]


def _rescaled(item: PatchMap, cut: float) -> PatchMap:
    """Straight lines from 0 to the cut, which becomes `COMMON_CUT`, and on to the highest value, then 1.

    A map that is nowhere lit stays below `COMMON_CUT`.
    """
    cut = min(max(cut, 1e-6), 1 - 1e-6)
    highest = max(float(item.values.max()), cut + 1e-6)
    top = 1.0 if item.values.max() >= cut else COMMON_CUT
    values = np.interp(item.values, [0, cut, highest], [0, COMMON_CUT, top]).astype(np.float32)
    return PatchMap(values, item.extent)


def _on_grid(item: PatchMap, grid: PatchMap) -> PatchMap:
    """Bilinear resampling onto the patches of another map; where they are the same, no value changes."""
    if item.values.shape == grid.values.shape and np.allclose(item.extent, grid.extent):
        return item
    rows, cols = grid.values.shape
    x0, y0, x1, y1 = grid.extent
    left, top, right, bottom = item.extent
    lines, columns = item.values.shape
    x = (x0 + (np.arange(cols) + 0.5) * (x1 - x0) / cols - left) / (right - left) * columns - 0.5
    y = (y0 + (np.arange(rows) + 0.5) * (y1 - y0) / rows - top) / (bottom - top) * lines - 0.5
    grid_x, grid_y = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    values = cv2.remap(item.values, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return PatchMap(np.asarray(values, np.float32), grid.extent)
