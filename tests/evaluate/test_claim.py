"""Regions at all thresholds, and the comparison at matched sensitivity, against pictures and plain loops."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from patchclip.evaluate.bootstrap import PatientBootstrap
from patchclip.evaluate.claim import (
    against,
    at_sensitivity,
    compare,
    correct,
    cost_figure,
    edged_figure,
    gated,
    sweep,
)
from patchclip.evaluate.peaks import find_peaks
from patchclip.types import PatchMap


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
    found = {
        (float(x), float(y)): (float(b), float(d))
        for x, y, b, d in zip(peaks.x, peaks.y, peaks.birth, peaks.death, strict=True)
    }
    assert found[45.0, 35.0] == (pytest.approx(0.9), -np.inf)
    assert found[15.0, 55.0] == (pytest.approx(0.6), 0)


def scene(
    seed: int, n: int = 30, noise: float = 0.2
) -> tuple[list[PatchMap], list[list[tuple[float, float, float, float]]], list[bool]]:
    """Maps with a bright blob in the box of every second image, and noise."""
    rng = np.random.default_rng(seed)
    maps, boxes = [], []
    for number in range(n):
        values = rng.random((8, 8)) * noise
        truth = []
        if number % 2 == 0:
            row, col = rng.integers(0, 7, 2)
            values[row : row + 2, col : col + 2] += rng.uniform(0.2, 0.7)
            truth = [(float(col * 10), float(row * 10), 20.0, 20.0)]
        maps.append(PatchMap((values / max(1.0, noise + 0.7)).astype(np.float32), (0, 0, 80, 80)))
        boxes.append(truth)
    return maps, boxes, [not truth for truth in boxes]


def test_matched_sensitivity_is_a_plain_search() -> None:
    maps, boxes, normal = scene(1)
    swept = sweep(maps, boxes, normal)
    found = at_sensitivity(swept, np.ones((1, 30)), 0.6)
    best = np.inf
    found_peaks = [find_peaks(item) for item in maps]
    for threshold in swept.thresholds:
        hits = alarms = 0
        for peaks, truth in zip(found_peaks, boxes, strict=True):
            living = (peaks.death < threshold) & (threshold <= peaks.birth)
            inside = np.zeros(len(peaks.x), bool)
            for x, y, w, h in truth:
                mine = (x <= peaks.x) & (peaks.x <= x + w) & (y <= peaks.y) & (peaks.y <= y + h)
                hits += bool((living & mine).any())
                inside |= mine
            alarms += int((living & ~inside).sum())
        if hits / 15 >= 0.6:
            best = min(best, alarms / 30)
    assert found["fp_regions_per_image"][0] == pytest.approx(best)


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
                    free = not any(left <= x <= left + w and top <= y <= top + h for left, top, w, h in truth)
                    count += free and values[r, c] >= threshold
            assert swept.patches[row * 17, number] == count
            assert swept.lit[row * 17, number] == (values.max() >= threshold)


def test_a_better_map_wins_and_a_blind_one_never_arrives() -> None:
    maps, boxes, normal = scene(3, n=80, noise=0.1)
    noisy, _, _ = scene(3, n=80, noise=4.0)
    blind = [PatchMap(np.zeros((8, 8), np.float32), item.extent) for item in maps]
    weights = PatientBootstrap([str(k) for k in range(80)], 200).weights(np.arange(80))
    claim, curves = compare(
        {
            "patch_map": sweep(maps, boxes, normal),
            "noisy_raw": sweep(noisy, boxes, normal),
            "blind_raw": sweep(blind, boxes, normal),
        },
        weights,
    )
    claims = {"Mass": claim}
    correct(claims)
    level = claim["noisy_raw"]["0.6"]
    assert (
        level["fp_regions_per_image"]["value"]
        > 5 * claim["patch_map"]["0.6"]["fp_regions_per_image"]["value"] + 0.1
    )
    assert level["difference_to_patch_map"]["ci"][0] > 0
    assert level["p_holm"] < 0.05
    assert claim["blind_raw"]["0.6"]["fp_regions_per_image"]["value"] is None
    assert claim["blind_raw"]["0.6"]["highest_sensitivity"]["value"] == 0
    assert claim["blind_raw"]["0.6"]["reached"] == 0
    assert (
        claim["blind_raw"]["0.6"]["p_holm"] < 0.05
    )  # a method that never arrives is beaten, and stays in the family
    assert level["sensitivity"]["value"] >= 0.6 and level["reached"] == 1
    assert all(np.diff(curves["patch_map"]["sensitivity"]) >= 0)


def test_the_patch_map_against_itself_is_one() -> None:
    maps, boxes, normal = scene(4)
    swept = sweep(maps, boxes, normal)
    claim, _ = compare(
        {"patch_map": swept, "same_raw": swept},
        PatientBootstrap([str(k) for k in range(30)], 100).weights(np.arange(30)),
    )
    same = claim["same_raw"]["0.9"]
    assert same["difference_to_patch_map"]["ci"] == [0, 0]
    assert same["p"] == 1
    assert same["ratio_to_patch_map"]["value"] == pytest.approx(1)


def test_nothing_is_compared_with_a_patch_map_that_never_arrives() -> None:
    maps, boxes, normal = scene(3)
    blind = [PatchMap(np.zeros((8, 8), np.float32), item.extent) for item in maps]
    weights = PatientBootstrap([str(k) for k in range(30)], 50).weights(np.arange(30))
    level = compare(
        {"patch_map": sweep(blind, boxes, normal), "other_raw": sweep(maps, boxes, normal)}, weights
    )[0]["other_raw"]["0.6"]
    assert level["fp_regions_per_image"]["value"] is not None
    assert level["ratio_to_patch_map"]["value"] is level["difference_to_patch_map"]["value"] is None


def test_a_family_is_all_findings_with_boxes() -> None:
    """Holm's factor counts the findings on which a method never arrives, too; else one lucky finding would be tested alone."""
    maps, boxes, normal = scene(3)
    blind = [PatchMap(np.zeros((8, 8), np.float32), item.extent) for item in maps]
    weights = PatientBootstrap([str(k) for k in range(30)], 50).weights(np.arange(30))
    own = sweep(maps, boxes, normal)
    claims = {
        "Mass": compare({"patch_map": own, "a_raw": sweep(blind, boxes, normal)}, weights)[0],
        "Nodule": compare({"patch_map": own, "a_raw": own}, weights)[0],
    }
    correct(claims)
    beaten = claims["Mass"]["a_raw"]["0.6"]
    assert (
        beaten["p_holm"] == pytest.approx(min(1, 2 * beaten["p"]))
        and claims["Nodule"]["a_raw"]["0.6"]["p_holm"] == 1
    )


def test_replicates_that_do_not_arrive_cost_the_most() -> None:
    values = np.array(
        [0.5, 0.4, np.inf, np.inf, 0.6, np.nan]
    )  # the last: no box was drawn, so nothing can be said
    assert cost_figure(values, 3, np.inf)["ci"] == [0.4, None]
    assert cost_figure(values, 3, 1.0)["ci"] == [0.4, 1.0]
    assert cost_figure(np.array([np.inf, 0.4]), 3, np.inf)["value"] is None
    maps, boxes, normal = scene(3)
    costs = at_sensitivity(sweep(maps, boxes, normal), np.stack([np.ones(30), np.array(normal, float)]), 0.6)[
        "fp_regions_per_image"
    ]
    assert np.isfinite(costs[0]) and np.isnan(costs[1])


def test_gating_dims_unlikely_images() -> None:
    shown = PatchMap(np.array([[0.0, 1.0]], np.float32), (0, 0, 2, 1))
    assert gated([shown, shown], [0.1, 0.9])[0].values.max() == pytest.approx(0.1)


def test_a_ratio_over_nothing_has_no_value() -> None:
    ratio, difference = against(
        np.array([1.0, 0.0, np.inf, np.inf, 2.0]), np.array([0.0, 0.0, np.inf, 1.0, np.inf])
    )
    assert ratio.tolist() == [np.inf, 1, 1, np.inf, 0]
    assert difference.tolist() == [1, 0, 0, np.inf, -np.inf]
    assert edged_figure(np.array([np.inf, 1.0]), 3)["value"] is None
    assert edged_figure(np.array([2.0, 2.0, np.inf, np.inf, 2.0]), 3)["ci"] == [2.0, None]
