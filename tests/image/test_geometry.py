"""Letterbox geometry: exact both ways for any aspect ratio, and true to what is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchclip import Letterbox

boxes = st.builds(Letterbox, st.integers(1, 5000), st.integers(1, 5000), st.sampled_from([64, 224, 384, 448]))
fractions = st.floats(0, 1, allow_nan=False)


@given(boxes, st.lists(st.tuples(fractions, fractions), min_size=1, max_size=5))
def test_points_come_back(box: Letterbox, points: list[tuple[float, float]]) -> None:
    """To the model and back is the identity, and inside the image stays inside the square."""
    original = np.array(points) * (box.width, box.height)
    there = box.to_model(original)
    assert (there >= -1e-6).all() and (there <= box.size + 1e-6).all()
    np.testing.assert_allclose(box.to_image(there), original, atol=1e-6 * max(box.width, box.height))


@given(boxes, fractions, fractions, fractions, fractions)
def test_boxes_come_back(box: Letterbox, x: float, y: float, w: float, h: float) -> None:
    """Boxes as corner points."""
    original = np.array([[x * box.width, y * box.height, (x + w) * box.width, (y + h) * box.height]])
    np.testing.assert_allclose(
        box.boxes_to_image(box.boxes_to_model(original)), original, atol=1e-6 * max(box.width, box.height)
    )


@given(boxes, st.integers(1, 30), st.integers(1, 30))
def test_crop_keeps_the_image(box: Letterbox, rows: int, cols: int) -> None:
    """The cropped grid covers the whole image and overhangs it by less than one patch on each side."""
    cropped = box.crop_grid(np.zeros((rows, cols), np.float32))
    x0, y0, x1, y1 = cropped.extent
    slack = 1e-4 * max(box.width, box.height)
    assert x0 <= slack and y0 <= slack and x1 >= box.width - slack and y1 >= box.height - slack
    patch = box.size / box.scale / np.array([cols, rows])
    assert -x0 < patch[0] + slack and x1 - box.width < patch[0] + slack
    assert -y0 < patch[1] + slack and y1 - box.height < patch[1] + slack
    assert cropped.values.shape[0] <= rows and cropped.values.shape[1] <= cols


def test_bright_square_stays_where_it_is() -> None:
    """A square drawn in a tall image is found at the same place after apply and crop, to within one patch."""
    image = np.zeros((900, 400), np.float32)
    image[600:700, 100:200] = 1.0
    box = Letterbox(900, 400, 256)
    square = box.apply(image)
    assert square.shape == (256, 256)
    assert abs(float(square.sum()) - 100 * 100 * box.scale**2) < 0.03 * 100 * 100 * box.scale**2
    grid = square.reshape(32, 8, 32, 8).mean(axis=(1, 3))
    shown = box.crop_grid(grid.astype(np.float32)).upsample(900, 400)
    row, column = np.unravel_index(int(shown.argmax()), shown.shape)
    assert 600 <= row < 700 and 100 <= column < 200


def test_valid_patches_count_the_image_only() -> None:
    """Half of the square is padding for an image twice as tall as wide."""
    valid = Letterbox(200, 100, 64).valid_patches(8, 8)
    assert valid.sum() == 8 * 4 and valid[:, 2:6].all() and not valid[:, :2].any()


@given(boxes, st.integers(1, 30), st.integers(1, 30))
def test_edges_are_extended_into_the_padding_alone(box: Letterbox, rows: int, cols: int) -> None:
    """Valid patches keep their values; each of the others has that of the nearest valid one."""
    valid = box.valid_patches(rows, cols)
    values = np.arange(rows * cols, dtype=np.float32).reshape(rows, cols)
    if not valid.any():
        with pytest.raises(ValueError, match="centre"):
            box.extend_edges(values)
        return
    extended = box.extend_edges(values)
    assert (extended[valid] == values[valid]).all()
    places = np.argwhere(valid)
    for row, col in np.argwhere(~valid)[:20]:
        nearest = places[np.abs(places - (row, col)).sum(axis=1).argmin()]
        assert extended[row, col] == values[tuple(nearest)]
