"""Two views of one image: what lies where in both."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from patchclip.image.geometry import Letterbox
from trainer.batches.augment import warp_points
from trainer.config import AugmentConfig
from trainer.data.loaded import Loaded
from trainer.data.sample import Sample
from trainer.selfsupervised.views import PairedViews, collate_views, places_in_other

GEOMETRY = AugmentConfig(gamma=0.0, contrast=0.0, noise=0.0, blur=0.0, zoom=(0.9, 1.3), shift=0.1)


def image(dot: tuple[float, float], size: int = 200) -> Loaded:
    """Grey, with one bright dot at a place of the unit square."""
    pixels = np.full((size, size), 60, np.uint8)
    cv2.circle(pixels, (round(dot[0] * size), round(dot[1] * size)), 6, 255, -1)
    return Loaded(pixels, Letterbox(size, size, size), Sample(Path("a.png"), "1", "nih", {}))


def test_a_place_of_one_view_is_found_in_the_other() -> None:
    """The dot's patch in one view, carried over, is where the dot is in the other."""
    found = 0
    for draw in range(20):
        one, first, other, second = PairedViews([image((0.45, 0.6))], 160, GEOMETRY)[0, draw]
        views = collate_views([(one, first, other, second)])
        spots = [np.array(np.unravel_index(view[0].argmax(), view[0].shape))[::-1] for view in (one, other)]
        where, inside = places_in_other(*views.matrices, (40, 40))
        column, row = (spots[0] / 160 * 40).astype(int)
        if not inside[0, row, column]:
            continue
        found += 1
        assert np.abs(where[0, row, column].numpy() * 160 - spots[1]).max() < 14
    assert found > 10


def test_places_outside_the_image_or_the_other_view_do_not_count() -> None:
    identity = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    left_half = torch.tensor([[[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]])  # shows the first quarter, twice as large
    where, inside = places_in_other(identity, left_half, (4, 4))
    assert inside[0].int().tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0] * 4, [0] * 4]
    assert torch.allclose(where[0, 0, 0], torch.tensor([0.25, 0.25]))
    shrunk = torch.tensor([[[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]]])  # the image fills a quarter of the view
    _, inside = places_in_other(shrunk, identity, (4, 4))
    assert inside[0].int().tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0] * 4, [0] * 4]


def test_a_view_is_a_function_of_its_draw() -> None:
    views = PairedViews([image((0.3, 0.3)), image((0.7, 0.7))], 64)
    once, again, other = views[0, 5], views[0, 5], views[0, 6]
    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))
    assert not np.array_equal(once[0], other[0]) and not np.array_equal(once[0], once[2])
    assert once[0].shape == (1, 64, 64) and once[0].min() >= 0 and once[0].max() <= 1
    centre = warp_points(np.array([[0.5, 0.5]]), once[1].astype(float))
    assert (np.abs(centre - 0.5) <= 0.26).all()
