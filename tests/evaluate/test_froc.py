"""FROC against MONAI and plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from monai.metrics.froc import compute_froc_curve_data, compute_froc_score

from patchclip.evaluate.froc import RATES, curve, match, sensitivity_at
from patchclip.types import Box, Region


def dot(x: float, y: float, score: float) -> Region:
    return Region(x - 1, y - 1, 2, 2, score, (x, y))


def scene(seed: int) -> tuple[list[list[Region]], list[list[Box]]]:
    """Twelve images, some without a box, with candidates of random place and score."""
    rng = np.random.default_rng(seed)
    regions = [
        [dot(rng.uniform(0, 100), rng.uniform(0, 100), rng.random()) for _ in range(rng.integers(0, 6))]
        for _ in range(12)
    ]
    boxes = [
        [Box(float(x), float(y), 30.0, 30.0) for x, y in rng.uniform(0, 70, (int(rng.integers(0, 3)), 2))]
        for _ in range(12)
    ]
    return regions, boxes


@pytest.mark.parametrize("seed", range(5))
def test_curve_is_monais(seed: int) -> None:
    """MONAI takes false positives and, for each lesion found, the score of its best candidate."""
    regions, boxes = scene(seed)
    false, true = [], []
    for candidates, truth in zip(regions, boxes, strict=True):
        best: dict[int, float] = {}
        for item in candidates:
            touched = [
                k
                for k, box in enumerate(truth)
                if box.x <= item.peak[0] <= box.x + box.w and box.y <= item.peak[1] <= box.y + box.h
            ]
            for k in touched:
                best[k] = max(best.get(k, 0), item.score)
            if not touched:
                false.append(item.score)
        true += [best.get(k, 0.0) for k in range(len(truth))]
    fps, sensitivity = compute_froc_curve_data(np.array(false), np.array(true), len(true), 12)
    matched = match(regions, boxes)
    for rate in (0.25, 0.5, 1, 2):
        reached = sensitivity[fps <= rate + 1e-9]
        expected = reached.max() if len(reached) else 0.0
        assert sensitivity_at(matched, np.ones((1, 12)), [rate])[0, 0] == pytest.approx(expected)
    interpolated = compute_froc_score(fps, sensitivity, tuple(RATES))
    assert sensitivity_at(matched, np.ones((1, 12)))[0].mean() == pytest.approx(
        interpolated, abs=0.1
    )  # MONAI interpolates


def test_each_box_counts_once_and_normals_count() -> None:
    boxes = [[Box(0, 0, 10, 10)], []]
    candidates = match([[dot(5, 5, 0.9), dot(6, 6, 0.8), dot(50, 50, 0.7)], [dot(3, 3, 0.95)]], boxes)
    assert candidates.hit.sum() == 1
    assert candidates.alarm.sum() == 2
    rates, sensitivity = curve(candidates, np.ones((1, 2)))
    assert rates[0].tolist() == [0.5, 0.5, 0.5, 1.0]
    assert sensitivity[0].tolist() == [0, 1, 1, 1]


def test_a_candidate_in_two_boxes_finds_both() -> None:
    candidates = match([[dot(5, 5, 0.9)]], [[Box(0, 0, 10, 10), Box(4, 4, 10, 10)]])
    assert curve(candidates, np.ones((1, 1)))[1].max() == 1


def test_iou_criterion_needs_overlap_not_a_peak() -> None:
    wide = Region(0, 0, 10, 10, 0.9, (9.5, 9.5))
    assert match([[wide]], [[Box(0, 0, 8, 8)]]).hit.sum() == 0
    assert match([[wide]], [[Box(0, 0, 8, 8)]], 0.25).hit.sum() == 1


def test_no_candidate_finds_nothing() -> None:
    assert sensitivity_at(match([[]], [[Box(0, 0, 1, 1)]]), np.ones((1, 1))).tolist() == [[0.0] * len(RATES)]
