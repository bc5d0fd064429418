"""Masks to outlines."""

from __future__ import annotations

import cv2
import numpy as np

from tests.trainer.data.miniature import extent
from trainer.batches.targets import coverage
from trainer.data.masks import shapes_from_mask


def test_each_part_becomes_one_polygon_in_fractions() -> None:
    mask = np.zeros((40, 80), np.uint8)
    mask[4:12, 8:24] = 255
    mask[20:30, 60:70] = 1
    first, second = sorted(shapes_from_mask("Mass", mask), key=lambda shape: shape.points[0])
    assert first.label == "Mass" and len(first.points) == 4
    assert extent(first) == (8.5 / 80, 4.5 / 40, 23.5 / 80, 11.5 / 40)
    assert extent(second) == (60.5 / 80, 20.5 / 40, 69.5 / 80, 29.5 / 40)


def test_a_hole_is_filled_and_an_ellipse_keeps_its_area() -> None:
    mask = np.zeros((128, 128), np.uint8)
    cv2.ellipse(mask, (64, 64), (50, 30), 20, 0, 360, 1, -1)
    area = mask.mean()
    mask[60:68, 60:68] = 0
    (shape,) = shapes_from_mask("Mass", mask)
    assert abs(coverage([np.array(shape.points) * 16], 16, 16).mean() - area) < 0.02


def test_what_is_one_pixel_wide_keeps_a_box_and_an_empty_mask_has_none() -> None:
    mask = np.zeros((10, 10), bool)
    assert shapes_from_mask("Mass", mask) == ()
    mask[3, 2:6] = True
    (shape,) = shapes_from_mask("Mass", mask)
    assert extent(shape) == (0.2, 0.3, 0.6, 0.4)
