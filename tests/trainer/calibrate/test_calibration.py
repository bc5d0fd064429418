"""Which branches answer and how maps are smoothed is decided on held-out images."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from patchclip import DataError
from patchclip.data.normal import free_of_all
from patchclip.image.geometry import Letterbox
from patchclip.localize import smooth
from patchclip.model.branches import Branch
from trainer.calibrate.calibration import best_branches
from trainer.calibrate.regions import choose, outline_widths
from trainer.data.checks import check_held_out
from trainer.data.loaded import Loaded
from trainer.data.sample import Sample, Shape
from trainer.fit.validation import mean_auroc


def table() -> np.ndarray:
    states = np.tile(np.array([1, 0, 2, 0], np.int8), 10)[:, None]
    return np.concatenate(
        [states, np.full_like(states, -1)], axis=1
    )  # nothing is known of the second finding


def test_a_branch_that_only_adds_noise_does_not_answer() -> None:
    rng = np.random.default_rng(0)
    truth = (table() == 1).astype(np.float32)
    image = {
        Branch.GLOBAL: rng.normal(0, 5, (40, 2)).astype(np.float32),
        Branch.POOLED: rng.normal(0, 5, (40, 2)).astype(np.float32),
        Branch.MIL: truth,
    }
    assert best_branches(image, table(), (Branch.GLOBAL, Branch.POOLED, Branch.MIL)) == ("mil",)
    assert best_branches(image, table(), (Branch.GLOBAL,)) == ("global",)


def test_of_equals_the_most_branches_answer() -> None:
    truth = (table() == 1).astype(np.float32)
    image = {Branch.GLOBAL: truth, Branch.MIL: 3 * truth}
    assert best_branches(image, table(), (Branch.GLOBAL, Branch.MIL)) == ("global", "mil")


def test_mean_auroc_counts_not_mentioned_as_absent_and_leaves_out_the_unknown() -> None:
    scores = np.zeros((40, 2), np.float32)
    scores[table()[:, 0] == 1, 0] = 1
    scores[table()[:, 0] == 2, 0] = 2  # "not mentioned" above every positive: a third of the 30 negatives
    assert mean_auroc(scores, table()) == pytest.approx(20 / 30)


def states(*rows: dict[int, int]) -> np.ndarray:
    """[N, 18] of unknown, but for the given findings."""
    made = np.full((len(rows), 18), -1, np.int8)
    for row, said in zip(made, rows, strict=True):
        for finding, state in said.items():
            row[finding] = state
    return made


def test_an_image_is_normal_only_if_half_of_the_vocabulary_is_explicitly_absent() -> None:
    nih = dict.fromkeys(range(14), 0)  # "No Finding" of the fourteen
    one = {3: 0}  # read for one finding alone, as in SIIM or in RSNA's "not normal"
    silent = {**dict.fromkeys(range(18), 2), 3: 0}  # a report that does not mention the others
    mixed = {**dict.fromkeys(range(9), 0), **dict.fromkeys(range(9, 18), 2)}
    found = {**nih, 5: 1}
    table = states(*[nih] * 10, one, silent, mixed, found, {**nih, 15: 2})
    assert free_of_all(table).tolist() == [True] * 10 + [False, False, True, False, True]
    with pytest.raises(DataError, match=r"Only 9 held-out images are free of every finding .* need 10"):
        check_held_out(states(*[nih] * 9, *[one] * 20, found))


def test_held_out_images_without_a_positive_cannot_be_calibrated_on() -> None:
    nih = dict.fromkeys(range(14), 0)
    with pytest.raises(DataError, match="No finding is present on any held-out image"):
        check_held_out(states(*[nih] * 12))
    check_held_out(states(*[nih] * 12, {0: 1}))


def item(*shapes: Shape) -> Loaded:
    """A blank image twice as high as wide, in a square of 48 pixels."""
    box = Letterbox(96, 48, 48)
    return Loaded(np.zeros((48, 48), np.uint8), box, Sample(Path("x"), "x", "drawn", {}, shapes))


def test_a_findings_width_is_that_of_its_usual_outline() -> None:
    """In patches of the letterboxed square: here half an image's width is a quarter of the grid's."""
    large = [item(Shape.box("Mass", 0.1, 0.1, 0.5, width)) for width in (0.25, 0.25, 0.5)]
    small = [item(Shape.box("Nodule", 0.1, 0.1, 0.1, 0.05))] * 3
    widths = outline_widths(
        [*large, *small, item(Shape.box("Edema", 0, 0, 1, 1))], ["Mass", "Nodule", "Edema", "Hernia"], 24
    )
    assert widths == pytest.approx([6, 1.2, 3.6, 3.6])  # too few outlines, or none: the median of the others
    assert outline_widths([item()], ["Mass"], 24) == pytest.approx([0])


def test_smoothing_follows_the_width_and_leaves_padding_out() -> None:
    rng = np.random.default_rng(0)
    patches = rng.normal(size=(14, 2, 12, 12)).astype(np.float32)
    patches[:, :, :, :3] = -np.inf
    items = [item(Shape.box("Mass", 0.2, 0.2, 0.5, 0.25))] * 3 + [item()] * 11
    normal = np.array([False] * 3 + [True] * 11)
    sigmas, _, smoothed = choose(
        patches, np.zeros((14, 2), np.float32), items, ["Mass", "Nodule"], normal, np.array([6.0, 1.0]), 0.1
    )
    assert sigmas == pytest.approx([0.6, 0.1])
    assert np.isneginf(smoothed[:, :, :, :3]).all() and np.isfinite(smoothed[:, :, :, 3:]).all()
    changed = [np.abs(smoothed[:, k, :, 3:] - patches[:, k, :, 3:]).mean() for k in range(2)]
    assert changed[0] > 20 * changed[1]


def test_smoothing_is_the_weighted_mean_of_the_patches_that_count() -> None:
    """Against a plain loop, away from the border, which is mirrored."""
    rng = np.random.default_rng(1)
    grid, inside = rng.normal(size=(15, 15)).astype(np.float32), rng.random((15, 15)) < 0.7
    kernel = cv2.getGaussianKernel(7, 0.8)[:, 0]
    got = smooth(grid, 0.8, inside)
    for row, col in [(7, 7), (6, 9), (9, 6)]:
        total = weight = 0.0
        for i in range(-3, 4):
            for j in range(-3, 4):
                share = kernel[i + 3] * kernel[j + 3] * inside[row + i, col + j]
                total, weight = total + share * grid[row + i, col + j], weight + share
        expected = total / weight if inside[row, col] else grid[row, col]
        assert got[row, col] == pytest.approx(expected, abs=1e-4)
    np.testing.assert_array_equal(smooth(grid, 0.0, inside), grid)
    np.testing.assert_allclose(
        smooth(np.where(inside, 2, 9).astype(np.float32), 1.3, inside)[inside], 2, rtol=1e-5
    )
