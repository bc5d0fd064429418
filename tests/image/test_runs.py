"""Parts that are found from runs are those that OpenCV finds from pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from patchclip.image.burnt_in import _depths
from patchclip.image.runs import parts_of, runs_above


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (37, 1), (64, 55), (90, 63), (90, 64)])
def test_parts_are_those_of_opencv(size: tuple[int, int], share: float) -> None:
    values = np.random.default_rng(size[1]).integers(0, 256, size, np.uint8)
    threshold = 255 - 255 * share

    runs = runs_above(values, threshold, most=10_000)
    assert runs is not None
    parts = parts_of(runs)

    mask = (values > threshold).astype(np.uint8)
    count, labels, table, _ = cv2.connectedComponentsWithStats(mask, None, None, None, 8)
    ours = {(*box, area) for box, area in zip(parts.boxes.tolist(), parts.area.tolist(), strict=True)}
    assert len(parts.area) == count - 1 and ours == {tuple(row) for row in table[1:].tolist()}
    chosen = np.arange(count - 1) % 2 == 0
    row, col, part = parts.pixels(chosen)
    assert len(set(zip(row.tolist(), col.tolist(), strict=True))) == len(row) == parts.area[chosen].sum()
    for number in np.flatnonzero(chosen):
        theirs = np.unique(labels[row[part == number], col[part == number]])
        assert len(theirs) == 1 and theirs[0] > 0
        assert table[theirs[0], cv2.CC_STAT_AREA] == np.count_nonzero(part == number)


def test_a_ring_and_what_lies_in_it_are_two_parts() -> None:
    picture = np.zeros((12, 12), np.uint8)
    cv2.rectangle(picture, (1, 1), (10, 10), 200, 1)
    picture[5, 5] = picture[6, 6] = 200  # touch at a corner

    runs = runs_above(picture, 100, most=100)

    assert runs is not None
    parts = parts_of(runs)
    assert parts.boxes.tolist() == [[1, 1, 10, 10], [5, 5, 2, 2]] and parts.area.tolist() == [36, 2]


def test_more_runs_than_are_wanted_are_not_given() -> None:
    stripes = np.zeros((10, 40), np.uint8)
    stripes[:, ::2] = 9  # 20 in each row

    assert runs_above(stripes, 5, most=199) is None
    runs = runs_above(stripes, 5, most=200)
    assert runs is not None and len(runs) == 200


def test_depths_of_shapes_are_those_of_the_whole_mask() -> None:
    """At the picture's edge, too, beyond which is no ground."""
    noise = np.asarray(cv2.GaussianBlur(np.random.default_rng(4).random((240, 180)), (0, 0), 2), np.float64)
    values = (255 * noise).astype(np.uint8)
    threshold = float(np.percentile(values, 80))
    runs = runs_above(values, threshold, most=10_000)
    assert runs is not None
    parts = parts_of(runs)
    chosen = np.arange(len(parts.area)) % 3 != 1
    row, col, part = parts.pixels(chosen)

    boxes = parts.boxes[chosen]
    depths = _depths(row, col, np.searchsorted(np.flatnonzero(chosen), part), boxes, values.shape)

    x, y, width, height = boxes.T
    for at_edge in (x == 0, y == 0, x + width == 180, y + height == 240):
        assert at_edge.any()
    whole = cv2.distanceTransform((values > threshold).astype(np.uint8), cv2.DIST_L2, 3)
    np.testing.assert_allclose(depths, whole[row, col], rtol=0, atol=1e-5)
