"""Maps of several methods beside each other: what is sent of them tells no method."""

from __future__ import annotations

import numpy as np
import pytest

from app.study.presented import COMMON_CUT, Lit, presented
from patchclip import PatchMap
from patchclip.localize import find_regions

SIZE = (320, 320)
EXTENT = (0.0, 0.0, 320.0, 320.0)


def lit(values: np.ndarray, cut: float) -> Lit:
    """A map that covers the whole image."""
    drawn = PatchMap(values.astype(np.float32), EXTENT)
    return Lit(drawn, cut, tuple(find_regions(drawn, cut, SIZE)))


def hill(patches: int, highest: float, width: float) -> np.ndarray:
    """[patches, patches], a hill in the upper left quarter."""
    place = (np.arange(patches) + 0.5) / patches
    distance = np.hypot(place[:, None] - 0.3, place[None] - 0.3)
    return np.asarray(highest * np.exp(-((distance / width) ** 2)))


def test_a_single_map_is_sent_as_it_is() -> None:
    own = lit(hill(16, 0.8, 0.2), 0.4)
    (sent,) = presented(["patch"], {"Effusion": {"patch": own, "grad_cam": own}}, SIZE, 0)[
        "Effusion"
    ].values()
    np.testing.assert_array_equal(np.array(sent.map.values, np.float32), own.map.values)
    assert sent.cut == 0.4 and sent.regions[0].score == pytest.approx(own.regions[0].score)


def test_of_several_grid_cut_highest_value_and_regions_are_alike() -> None:
    patch, saliency = lit(hill(20, 0.42, 0.2), 0.21), lit(hill(10, 1.0, 0.2), 0.5)
    sent = presented(["patch", "grad_cam"], {"Effusion": {"patch": patch, "grad_cam": saliency}}, SIZE, 0)
    one, other = sent["Effusion"]["patch"], sent["Effusion"]["grad_cam"]
    for item in (one, other):
        assert item.cut == COMMON_CUT and item.map.max == 1.0 and item.map.extent == EXTENT
        assert np.shape(item.map.values) == (20, 20)
        (region,) = item.regions
        again = find_regions(PatchMap(np.array(item.map.values, np.float32), EXTENT), COMMON_CUT, SIZE)
        assert (region.x, region.y, region.w, region.h) == (again[0].x, again[0].y, again[0].w, again[0].h)
        assert region.score == again[0].score <= 1.0
    # Two hills of one shape, on their own scales, are the same picture but for the coarser one's sampling.
    difference = np.abs(np.subtract(one.map.values, other.map.values))
    assert difference.max() < 0.2 and difference.mean() < 0.02
    # What is lit is what was: the cut of each stays its own.
    np.testing.assert_array_equal(np.array(one.map.values) >= COMMON_CUT, patch.map.values >= 0.21)


def test_a_map_that_is_nowhere_lit_stays_dark() -> None:
    dark, bright = lit(hill(10, 0.2, 0.2), 0.4), lit(hill(10, 1.0, 0.2), 0.5)
    sent = presented(["patch", "grad_cam"], {"Effusion": {"patch": dark, "grad_cam": bright}}, SIZE, 0)
    told = sent["Effusion"]["patch"]
    assert told.map.max == pytest.approx(dark.map.values.max() / 0.4 * COMMON_CUT) and not told.regions
