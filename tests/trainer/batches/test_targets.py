"""Outlines to patch targets: coverage, centres, the ignore mask, and augmentation of image and outlines
together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.batches.augment import draw_matrix, vary_grey, warp_image, warp_points
from trainer.batches.targets import IGNORED, NEGATIVE, POSITIVE, coverage, patch_targets
from trainer.config import AugmentConfig


def box(x: float, y: float, w: float, h: float) -> np.ndarray:
    return np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]])


def shared(start: float, length: float, cells: int) -> np.ndarray:
    """Length that an interval shares with each of the unit cells."""
    cell = np.arange(cells)
    return np.asarray(np.clip(np.minimum(start + length, cell + 1) - np.maximum(start, cell), 0, None))


@given(
    st.floats(-1, 7), st.floats(-1, 7), st.floats(0.3, 6), st.floats(0.3, 6)
)  # a box anywhere on an 8 x 8 grid, partly outside too
@settings(max_examples=100, deadline=None)
def test_coverage_is_the_area_shared_with_each_patch(x: float, y: float, w: float, h: float) -> None:
    wide, high = shared(x, w, 8), shared(y, h, 8)
    # Every edge that a patch holds is off by 1/32 at most, and counts as long as the box is across it.
    error = (np.outer(high, (wide > 0) & (wide < 1)) + np.outer((high > 0) & (high < 1), wide) + 1 / 16) / 16
    assert (np.abs(coverage([box(x, y, w, h)], 8, 8) - np.outer(high, wide)) <= error).all()


@given(*[st.integers(-8, 100)] * 2, *[st.integers(1, 100)] * 2)
@settings(max_examples=100, deadline=None)
def test_coverage_of_boxes_on_the_subpixel_grid_is_exact(x: int, y: int, w: int, h: int) -> None:
    """In sixteenths of a patch: no box spills beyond its own edges."""
    found = coverage([box(x / 16, y / 16, w / 16, h / 16)], 8, 8)
    assert np.allclose(found, np.outer(shared(y / 16, h / 16, 8), shared(x / 16, w / 16, 8)), atol=1e-6)


def test_a_box_on_the_patch_grid_touches_no_other_patch() -> None:
    found = patch_targets([box(1, 2, 2, 1)], 5, 5)
    assert (found == POSITIVE).sum() == 2 and (found[2, 1:3] == POSITIVE).all()
    assert (found == IGNORED).sum() == 0


def test_coverage_of_a_triangle_is_its_area() -> None:
    found = coverage([np.array([[1.0, 1.0], [7.0, 1.0], [1.0, 7.0]])], 8, 8)
    assert found.sum() == pytest.approx(18, rel=0.02) and found[1, 1] == 1 and found[6, 6] == 0
    assert found[3, 4] == pytest.approx(0.5, abs=0.05)  # cut by the long side


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


def crescent(radius: float, width: float) -> np.ndarray:
    """A rim of air round the apex of a lung: the upper half of a ring about (8, 8)."""
    angles = np.linspace(np.pi, 2 * np.pi, 40)
    ring = np.column_stack([np.cos(angles), np.sin(angles)])
    return 8 + np.concatenate([ring * radius, ring[::-1] * (radius - width)])


def test_a_crescent_is_not_positive_at_the_middle_of_its_bounding_box() -> None:
    rim = crescent(6, 1.5)
    covered, found = coverage([rim], 16, 16), patch_targets([rim], 16, 16)
    assert covered[5, 8] == 0 and found[5, 8] == NEGATIVE
    assert (covered[found == POSITIVE] >= 0.5).all() and (found == POSITIVE).sum() >= 8


def test_an_outline_too_thin_for_tau_keeps_its_most_covered_patch_alone() -> None:
    rim = crescent(6, 0.2)
    covered, found = coverage([rim], 16, 16), patch_targets([rim], 16, 16)
    assert 0 < covered.max() < 0.5 and np.argwhere(found == POSITIVE).tolist() == [
        list(np.unravel_index(covered.argmax(), (16, 16)))
    ]


def test_an_outline_finer_than_the_subpixels_is_positive_where_it_lies() -> None:
    line = crescent(6, 1e-9)
    found = patch_targets([line], 16, 16)
    row, col = np.argwhere(found == POSITIVE)[0]
    assert (found == POSITIVE).sum() == 1 and abs(np.hypot(col + 0.5 - 8, row + 0.5 - 8) - 6) < 1


def test_each_small_lesion_keeps_a_patch_beside_a_large_one() -> None:
    found = patch_targets([box(0, 0, 3, 3), box(6.2, 6.3, 0.3, 0.3), box(2.8, 2.8, 0.3, 0.3)], 8, 8)
    assert found[6, 6] == POSITIVE
    assert (found == POSITIVE).sum() == 10  # the third touches a positive patch already


def test_a_lesion_that_augmentation_moved_out_of_the_picture_makes_nothing_positive() -> None:
    assert not (patch_targets([box(3.9, 1, 2, 0.5)], 4, 4) == POSITIVE).any()


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
