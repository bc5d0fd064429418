"""The film's pixels on the screen, without a server: means, turns and flips as NumPy has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.browser.scripts import empty_page

OUTSIDE = 65535
DRAW = """async ({ codes, rows, columns, outside, canvases }) => {
  const { drawFilm } = await import("/film/paint.js");
  const film = { rows, columns, outside, levels: [{ rows, columns, codes: Uint16Array.from(codes) }] };
  const table = Uint32Array.from({ length: 65536 }, (_, code) => 0xff000000 + (code & 255) * 0x10101);
  table[65535] = 0xff0000ff;
  return canvases.map(({ matrix, width, height }) => {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    drawFilm(canvas, matrix, film, table);
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    return Array.from({ length: width * height }, (_, k) => [data[4 * k], data[4 * k + 1]]);
  });
}"""


def drawn(
    page: Page, codes: np.ndarray, *canvases: tuple[list[float], int, int], outside: bool = False
) -> list[np.ndarray]:
    """[height, width, 2]: red and green of each canvas; the film is grey, and red where it shows nothing."""
    rows, columns = codes.shape
    given: dict[str, Any] = {
        "codes": codes.ravel().tolist(),
        "rows": rows,
        "columns": columns,
        "outside": outside,
        "canvases": [
            {"matrix": matrix, "width": width, "height": height} for matrix, width, height in canvases
        ],
    }
    seen = empty_page(page).evaluate(DRAW, given)
    return [
        np.array(pixels).reshape(height, width, 2)
        for pixels, (_, width, height) in zip(seen, canvases, strict=True)
    ]


@pytest.fixture
def codes() -> np.ndarray:
    """uint16 [40, 60] below 256, so that a code is the grey that it is shown in."""
    return np.random.default_rng(3).integers(0, 256, (40, 60)).astype(np.uint16)


def test_one_to_one_is_every_pixel_as_it_is(page: Page, codes: np.ndarray) -> None:
    straight, shifted = drawn(page, codes, ([1, 0, 0, 1, 5, 3], 70, 50), ([1, 0, 0, 1, 5.3, 2.8], 70, 50))
    assert (straight[3:43, 5:65, 1] == codes).all()
    assert straight[:3].max() == straight[43:].max() == straight[:, :5].max() == straight[:, 65:].max() == 0
    assert (shifted == straight).all()


def test_a_film_is_turned_and_flipped_by_its_matrix(page: Page, codes: np.ndarray) -> None:
    turned, both, mirrored = drawn(
        page,
        codes,
        ([0, 1, -1, 0, 40, 0], 40, 60),
        ([-1, 0, 0, -1, 60, 40], 60, 40),
        ([0, 1, 1, 0, 0, 0], 40, 60),
    )
    assert (turned[..., 1] == np.rot90(codes, -1)).all()
    assert (both[..., 1] == codes[::-1, ::-1]).all()
    assert (mirrored[..., 1] == codes.T).all()


def test_a_reduced_film_is_the_mean_of_what_a_pixel_covers(page: Page, codes: np.ndarray) -> None:
    half, quarter, less = drawn(
        page,
        codes,
        ([0.5, 0, 0, 0.5, 0, 0], 30, 20),
        ([0.25, 0, 0, 0.25, 0, 0], 15, 10),
        ([0.8, 0, 0, 0.8, 0, 0], 48, 32),
    )
    blocks = codes.astype(float).reshape(20, 2, 30, 2).mean(axis=(1, 3))
    assert np.abs(half[..., 1] - blocks).max() <= 1
    coarse = codes.astype(float).reshape(10, 4, 15, 4).mean(axis=(1, 3))
    assert np.abs(quarter[..., 1] - coarse).max() <= 1.5
    # 5 x 5 pixels become 4 x 4: each is the mean of an area of 1.25 x 1.25.
    fine = np.kron(codes.astype(float), np.ones((4, 4)))
    area = fine.reshape(32, 5, 48, 5).mean(axis=(1, 3))
    assert np.abs(less[..., 1] - area).max() <= 1.5


def test_an_enlarged_film_is_interpolated(page: Page, codes: np.ndarray) -> None:
    (seen,) = drawn(page, codes, ([3, 0, 0, 3, -30, -30], 90, 60))
    x, y = (np.arange(90) + 0.5 + 30) / 3 - 0.5, (np.arange(60) + 0.5 + 30) / 3 - 0.5
    across = np.stack([np.interp(x, np.arange(60), row) for row in codes.astype(float)])
    expected = np.stack([np.interp(y, np.arange(40), column) for column in across.T], axis=1)
    assert np.abs(seen[..., 1] - expected).max() <= 1.5


def test_what_shows_nothing_has_no_grey_and_lends_none(page: Page, codes: np.ndarray) -> None:
    codes = np.clip(codes, 100, 200)
    codes[10:20, 20:40] = OUTSIDE
    large, small = drawn(
        page, codes, ([3, 0, 0, 3, 0, 0], 180, 120), ([0.8, 0, 0, 0.8, 0, 0], 48, 32), outside=True
    )
    hidden = np.kron(codes == OUTSIDE, np.ones((3, 3))) == 1
    assert (large[hidden] == [255, 0]).all()
    for seen in (large[~hidden], small[(small != [255, 0]).any(axis=2)]):
        assert seen.min() >= 100
        assert seen.max() <= 200
    assert (small == [255, 0]).all(axis=2).sum() == pytest.approx(200 * 0.64, abs=20)
