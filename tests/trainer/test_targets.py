"""Outlines to patch targets: coverage, centres, the ignore mask, and augmentation of image and outlines together."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.augment import draw_matrix, vary_grey, warp_image, warp_points
from trainer.config import AugmentConfig
from trainer.targets import IGNORED, NEGATIVE, POSITIVE, coverage, patch_targets


def box(x: float, y: float, w: float, h: float) -> np.ndarray:
    return np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]])


@given(st.floats(0, 6), st.floats(0, 6), st.floats(0.3, 6), st.floats(0.3, 6))  # a box anywhere on an 8 x 8 grid, partly outside too
@settings(max_examples=60, deadline=None)
def test_coverage_is_the_area_shared_with_each_patch(x: float, y: float, w: float, h: float) -> None:
    found = coverage([box(x, y, w, h)], 8, 8)
    for row in range(8):
        for col in range(8):
            wide = max(0.0, min(x + w, col + 1) - max(x, col))
            high = max(0.0, min(y + h, row + 1) - max(y, row))
            assert abs(found[row, col] - wide * high) < 0.27  # an eighth of a patch on each edge


def test_overlapping_boxes_count_once() -> None:
    once = coverage([box(1, 1, 3, 3)], 6, 6)
    assert np.array_equal(coverage([box(1, 1, 3, 3), box(1, 1, 3, 3)], 6, 6), once)
    assert once[2, 2] == 1 and once[5, 5] == 0


def test_positive_ignored_and_negative() -> None:
    found = patch_targets([box(0.05, 0.05, 2.15, 0.8)], 4, 4)
    assert found[0].tolist() == [POSITIVE, POSITIVE, IGNORED, NEGATIVE]
    assert (found[1:] == NEGATIVE).all()


def test_a_nodule_smaller_than_a_patch_keeps_one_positive() -> None:
    found = patch_targets([box(2.4, 1.3, 0.3, 0.3)], 4, 4)
    assert found[1, 2] == POSITIVE
    assert (found == POSITIVE).sum() == 1


def test_image_and_outline_move_together() -> None:
    """A bright square, warped, lies where its warped corners say."""
    config = AugmentConfig(mirror=0.5)
    image = np.zeros((128, 128), np.uint8)
    image[40:60, 70:100] = 255
    corners = np.array([[70, 40], [100, 40], [100, 60], [70, 60]]) / 128
    for seed in range(12):
        matrix = draw_matrix(config, np.random.default_rng(seed))
        warped = warp_image(image, matrix, 96)
        moved = warp_points(corners, matrix) * 96
        rows, cols = np.nonzero(warped > 0.5)
        assert abs(cols.mean() + 0.5 - moved[:, 0].mean()) < 0.7
        assert abs(rows.mean() + 0.5 - moved[:, 1].mean()) < 0.7


def test_padding_stays_black_under_grey_augmentation() -> None:
    image = np.full((32, 32), 0.5, np.float32)
    image[:, :8] = 0
    varied = vary_grey(image, AugmentConfig(), np.random.default_rng(0))
    assert (varied[:, :8] == 0).all()
    assert varied.min() >= 0 and varied.max() <= 1 and varied[:, 8:].std() > 0
