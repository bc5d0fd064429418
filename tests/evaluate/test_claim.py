"""Regions at all thresholds, and the comparison at matched sensitivity, against pictures and plain loops."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from patchclip.evaluate.bootstrap import PatientBootstrap
from patchclip.evaluate.claim import (
    at_sensitivity,
    compare,
    correct,
    cost_figure,
    differences,
    edged_figure,
    gated,
    ratios,
)
from patchclip.evaluate.method import PATCH_MAP, Method
from patchclip.evaluate.peaks import find_peaks
from patchclip.evaluate.report import Cost
from patchclip.evaluate.sweep import sweep
from patchclip.types import Box, PatchMap

NOISY = Method("noisy", scaling="raw")
BLIND = Method("blind", scaling="raw")


def regions(cost: Cost) -> float | None:
    """False-positive regions per image."""
    return cost.fp_regions_per_image.value


def bilinear(values: np.ndarray, fine: int) -> np.ndarray:
    """The surface sampled at `fine` points between patch centres, the centres included."""
    grid = np.linspace(0, len(values) - 1, (len(values) - 1) * fine + 1)
    low = np.minimum(grid.astype(int), len(values) - 2)
    part = grid - low
    rows = values[low] * (1 - part)[:, None] + values[low + 1] * part[:, None]
    out: np.ndarray = rows[:, low] * (1 - part) + rows[:, low + 1] * part
    return out


@pytest.mark.parametrize("seed", range(12))
def test_living_peaks_are_the_connected_regions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = cv2.GaussianBlur(rng.random((10, 10)), (0, 0), rng.uniform(0.3, 1.5)).astype(np.float32)
    peaks = find_peaks(PatchMap(values, (0, 0, 10, 10)))
    surface = bilinear(values.astype(float), 64)
    for threshold in np.quantile(values, [0.3, 0.6, 0.8, 0.95]):
        count, _ = cv2.connectedComponents((surface >= threshold).astype(np.uint8), connectivity=8)
        assert ((peaks.death < threshold) & (threshold <= peaks.birth)).sum() == count - 1


def test_peaks_stand_at_patch_centres_in_image_pixels() -> None:
    values = np.zeros((4, 5), np.float32)
    values[1, 3], values[3, 0] = 0.9, 0.6
    peaks = find_peaks(PatchMap(values, (10, 20, 60, 60)))
    highest = int(peaks.birth.argmax())
    lower = 1 - highest
    assert (peaks.x[highest], peaks.y[highest]) == (45, 35)
    assert peaks.birth[highest] == pytest.approx(0.9) and peaks.death[highest] == -np.inf
    assert (peaks.x[lower], peaks.y[lower]) == (15, 55)
    assert peaks.birth[lower] == pytest.approx(0.6) and peaks.death[lower] == 0


def scene(seed: int, n: int = 30, noise: float = 0.2) -> tuple[list[PatchMap], list[list[Box]], list[bool]]:
    """Maps with a bright blob in the box of every second image, and noise."""
    rng = np.random.default_rng(seed)
    maps, boxes = [], []
    for number in range(n):
        values = rng.random((8, 8)) * noise
        truth = []
        if number % 2 == 0:
            row, col = rng.integers(0, 7, 2)
            values[row : row + 2, col : col + 2] += rng.uniform(0.2, 0.7)
            truth = [Box(float(col * 10), float(row * 10), 20.0, 20.0)]
        maps.append(PatchMap((values / max(1.0, noise + 0.7)).astype(np.float32), (0, 0, 80, 80)))
        boxes.append(truth)
    return maps, boxes, [not truth for truth in boxes]


def test_matched_sensitivity_is_a_plain_search() -> None:
    maps, boxes, normal = scene(1)
    swept = sweep(maps, boxes, normal)
    costs = at_sensitivity(swept, np.ones((1, 30)), 0.6)
    best = np.inf
    found_peaks = [find_peaks(item) for item in maps]
    for threshold in swept.thresholds:
        hits = alarms = 0
        for peaks, truth in zip(found_peaks, boxes, strict=True):
            living = (peaks.death < threshold) & (threshold <= peaks.birth)
            inside = np.zeros(len(peaks.x), bool)
            for box in truth:
                across = (box.x <= peaks.x) & (peaks.x <= box.x + box.w)
                in_box = across & (box.y <= peaks.y) & (peaks.y <= box.y + box.h)
                hits += bool((living & in_box).any())
                inside |= in_box
            alarms += int((living & ~inside).sum())
        if hits / 15 >= 0.6:
            best = min(best, alarms / 30)
    assert costs.fp_regions_per_image[0] == pytest.approx(best)


def test_patches_and_lit_normals_are_counted_at_each_threshold() -> None:
    maps, boxes, normal = scene(2)
    swept = sweep(maps, boxes, normal)
    for number in (0, 1, 2, 3):
        values, truth = maps[number].values, boxes[number]
        for row, threshold in enumerate(swept.thresholds[::17]):
            count = 0
            for r in range(8):
                for c in range(8):
                    x, y = c * 10 + 5, r * 10 + 5
                    free = not any(
                        box.x <= x <= box.x + box.w and box.y <= y <= box.y + box.h for box in truth
                    )
                    count += free and values[r, c] >= threshold
            assert swept.patches[row * 17, number] == count
            assert swept.lit[row * 17, number] == (values.max() >= threshold)


def test_a_better_map_wins_and_a_blind_one_never_arrives() -> None:
    maps, boxes, normal = scene(3, n=80, noise=0.1)
    noisy, _, _ = scene(3, n=80, noise=4.0)
    blind = [PatchMap(np.zeros((8, 8), np.float32), item.extent) for item in maps]
    weights = PatientBootstrap([str(k) for k in range(80)], 200).weights(np.arange(80))
    costs, curves = compare(
        {
            PATCH_MAP: sweep(maps, boxes, normal),
            NOISY: sweep(noisy, boxes, normal),
            BLIND: sweep(blind, boxes, normal),
        },
        weights,
    )
    corrected = correct({"Mass": costs})["Mass"]
    patch_map = regions(corrected[PATCH_MAP][0.6])
    level = corrected[NOISY][0.6]
    assert patch_map is not None and level.against is not None
    assert (regions(level) or 0) > 5 * patch_map + 0.1
    assert (level.against.difference_to_patch_map.ci[0] or 0) > 0
    assert level.against.p_holm is not None and level.against.p_holm < 0.05
    assert (level.sensitivity.value or 0) >= 0.6 and level.reached == 1

    never = corrected[BLIND][0.6]
    assert regions(never) is None and never.highest_sensitivity.value == 0 and never.reached == 0
    # A method that never arrives is beaten, and stays in the family.
    assert never.against is not None and never.against.p_holm is not None and never.against.p_holm < 0.05
    assert all(np.diff(curves[PATCH_MAP].sensitivity) >= 0)


def test_the_patch_map_against_itself_is_one() -> None:
    maps, boxes, normal = scene(4)
    swept = sweep(maps, boxes, normal)
    weights = PatientBootstrap([str(k) for k in range(30)], 100).weights(np.arange(30))
    costs, _ = compare({PATCH_MAP: swept, NOISY: swept}, weights)
    same = costs[NOISY][0.9].against
    assert same is not None and same.p == 1
    assert same.difference_to_patch_map.ci == (0, 0)
    assert same.ratio_to_patch_map.value == pytest.approx(1)
    assert costs[PATCH_MAP][0.9].against is None


def test_nothing_is_compared_with_a_patch_map_that_never_arrives() -> None:
    maps, boxes, normal = scene(3)
    blind = [PatchMap(np.zeros((8, 8), np.float32), item.extent) for item in maps]
    weights = PatientBootstrap([str(k) for k in range(30)], 50).weights(np.arange(30))
    swept = {PATCH_MAP: sweep(blind, boxes, normal), NOISY: sweep(maps, boxes, normal)}
    level = compare(swept, weights)[0][NOISY][0.6]
    assert regions(level) is not None and level.against is not None
    assert level.against.ratio_to_patch_map.value is level.against.difference_to_patch_map.value is None


def test_a_family_is_all_findings_with_boxes() -> None:
    """Holm's factor counts findings on which a method never arrives, too."""
    maps, boxes, normal = scene(3)
    blind = [PatchMap(np.zeros((8, 8), np.float32), item.extent) for item in maps]
    weights = PatientBootstrap([str(k) for k in range(30)], 50).weights(np.arange(30))
    swept = sweep(maps, boxes, normal)
    claims = {
        "Mass": compare({PATCH_MAP: swept, NOISY: sweep(blind, boxes, normal)}, weights)[0],
        "Nodule": compare({PATCH_MAP: swept, NOISY: swept}, weights)[0],
    }
    beaten, even = (costs[NOISY][0.6].against for costs in correct(claims).values())
    assert beaten is not None and even is not None
    assert beaten.p_holm == pytest.approx(min(1, 2 * beaten.p)) and even.p_holm == 1


def test_replicates_that_do_not_arrive_cost_the_most() -> None:
    # In the last one no box was drawn, so nothing can be said.
    values = np.array([0.5, 0.4, np.inf, np.inf, 0.6, np.nan])
    assert cost_figure(values, 3, np.inf).ci == (0.4, None)
    assert cost_figure(values, 3, 1.0).ci == (0.4, 1.0)
    assert cost_figure(np.array([np.inf, 0.4]), 3, np.inf).value is None
    maps, boxes, normal = scene(3)
    weights = np.stack([np.ones(30), np.array(normal, float)])
    costs = at_sensitivity(sweep(maps, boxes, normal), weights, 0.6).fp_regions_per_image
    assert np.isfinite(costs[0]) and np.isnan(costs[1])


def test_gating_dims_unlikely_images() -> None:
    item = PatchMap(np.array([[0.0, 1.0]], np.float32), (0, 0, 2, 1))
    assert gated([item, item], [0.1, 0.9])[0].values.max() == pytest.approx(0.1)


def test_a_ratio_over_nothing_has_no_value() -> None:
    rival = np.array([1.0, 0.0, np.inf, np.inf, 2.0])
    patch_map = np.array([0.0, 0.0, np.inf, 1.0, np.inf])
    assert ratios(rival, patch_map).tolist() == [np.inf, 1, 1, np.inf, 0]
    assert differences(rival, patch_map).tolist() == [1, 0, 0, np.inf, -np.inf]
    assert edged_figure(np.array([np.inf, 1.0]), 3).value is None
    assert edged_figure(np.array([2.0, 2.0, np.inf, np.inf, 2.0]), 3).ci == (2.0, None)
