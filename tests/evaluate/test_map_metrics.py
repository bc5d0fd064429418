"""Localisation metrics against plain loops, and their properties."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from patchclip.evaluate import map_metrics as maps
from patchclip.types import Box, Region

RNG = np.random.default_rng(3)
VALUES = RNG.random((30, 40)).astype(np.float32)
BOXES = [Box(4.0, 6.0, 10.0, 8.0), Box(30.0, 20.0, 12.0, 15.0)]
MASK = maps.box_mask(BOXES, (30, 40))


def region(x: float, y: float, w: float, h: float, score: float = 0.9) -> Region:
    return Region(x, y, w, h, score, (x + w / 2, y + h / 2))


def test_a_pixel_belongs_to_a_box_if_its_centre_does() -> None:
    for row in range(30):
        for col in range(40):
            x, y = col + 0.5, row + 0.5
            inside = any(box.x <= x < box.x + box.w and box.y <= y < box.y + box.h for box in BOXES)
            assert MASK[row, col] == inside


def test_pointing_is_the_brightest_pixel() -> None:
    lit = np.zeros((30, 40), np.float32)
    lit[8, 5] = 1
    assert maps.pointing(lit, MASK) == 1
    lit[0, 0] = 2
    assert maps.pointing(lit, MASK) == 0
    assert maps.pointing(np.full((30, 40), 0.7, np.float32), np.ones((30, 40), bool)) == 0  # points nowhere


def test_cnr_keeps_its_sign() -> None:
    inside, outside = VALUES[MASK].astype(float), VALUES[~MASK].astype(float)
    expected = (inside.mean() - outside.mean()) / np.sqrt(inside.var() + outside.var())
    assert maps.cnr(VALUES, MASK) == pytest.approx(expected)
    assert maps.cnr(VALUES, ~MASK) == pytest.approx(-expected)
    assert maps.cnr(np.ones_like(VALUES), MASK) == 0


def test_auroc_within_is_scikit_learns() -> None:
    assert maps.auroc_within(VALUES, MASK) == pytest.approx(roc_auc_score(MASK.ravel(), VALUES.ravel()))
    assert np.isnan(maps.auroc_within(VALUES, np.ones_like(MASK)))


def test_perfect_and_empty_maps() -> None:
    perfect = MASK.astype(np.float32)
    assert maps.auroc_within(perfect, MASK) == 1
    assert maps.iou(MASK, MASK) == maps.dice(MASK, MASK) == 1
    best = maps.OracleOverlap(1, 1)
    assert maps.oracle_overlap(perfect, MASK) == maps.oracle_overlap(perfect * 0.008, MASK) == best
    assert maps.threshold_overlap(perfect, MASK) == maps.ThresholdOverlap(1, 1, 1, 1)
    empty = np.zeros_like(perfect)
    assert maps.iou(empty > 0, MASK) == maps.dice(empty > 0, MASK) == 0
    assert maps.oracle_overlap(empty, MASK) == maps.OracleOverlap(0, 0)
    overlap = maps.threshold_overlap(empty, MASK)
    assert (overlap.iou, overlap.dice) == (0, 0)
    assert np.isnan(overlap.iou_skipping_empty) and np.isnan(overlap.dice_skipping_empty)


def test_thresholds_are_on_the_rescaled_map() -> None:
    scaled = (VALUES - VALUES.min()) / (VALUES.max() - VALUES.min()) * 2 - 1
    overlaps = []
    for threshold in (0.1, 0.2, 0.3, 0.4, 0.5):
        lit = scaled > threshold
        overlaps.append((lit & MASK).sum() / (lit | MASK).sum())
    assert maps.threshold_overlap(VALUES, MASK).iou == pytest.approx(np.mean(overlaps))


def test_dice_follows_from_iou() -> None:
    lit = VALUES > 0.6
    overlap = maps.iou(lit, MASK)
    assert maps.dice(lit, MASK) == pytest.approx(2 * overlap / (1 + overlap))


def test_iobb_divides_by_the_detection() -> None:
    small = region(5, 7, 4, 4)  # wholly inside the first box
    half = region(2, 6, 4, 8)  # half of it inside
    away = region(20, 0, 5, 5)
    assert maps.iobb([small, away], BOXES, 0.5) == maps.DetectionAtIobb(0.5, 1)
    assert maps.iobb([half], BOXES, 0.25) == maps.DetectionAtIobb(0.5, 0)
    assert maps.iobb([half], BOXES, 0.5) == maps.DetectionAtIobb(0, 1)  # "more than", not "at least"
    assert maps.iobb([], BOXES, 0.1) == maps.DetectionAtIobb(0, 0)
    without_boxes = maps.iobb([away], [], 0.1)
    assert np.isnan(without_boxes.accuracy)
    assert without_boxes.alarms == 1


def test_otsu_parts_two_levels_with_least_variance() -> None:
    values = np.where(RNG.random((40, 40)) < 0.3, 0.8, 0.2) + RNG.normal(0, 0.03, (40, 40))
    levels = np.round(np.clip(values, 0, 1) * 255)
    within = [
        (levels <= cut).mean() * levels[levels <= cut].var()
        + (levels > cut).mean() * levels[levels > cut].var()
        for cut in range(int(levels.min()), int(levels.max()))
    ]
    best = int(levels.min()) + int(np.argmin(within))
    threshold = maps.otsu(values.astype(np.float32))
    assert ((levels > threshold * 255) == (levels > best)).all()


def test_chexlocalize_zeroes_what_is_not_called() -> None:
    values = np.where(MASK, 0.9, 0.1).astype(np.float32)
    nothing = np.zeros_like(MASK)
    assert maps.chexlocalize_iou(values, MASK, called=True) == 1
    assert maps.chexlocalize_iou(values, MASK, called=False) == 0
    assert maps.chexlocalize_iou(values, nothing, called=True) == 0
    assert np.isnan(maps.chexlocalize_iou(values, nothing, called=False))
