"""Chests as another hospital takes them: what is changed, and what stays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from patchclip.image.synthetic import synthetic_radiograph
from patchclip.types import FloatArray
from trainer.gate import variation
from trainer.gate.variation import varied

CHEST = synthetic_radiograph(size=96, seed=4).pixels


def test_a_seed_gives_the_same_chest_in_range() -> None:
    first, again = (varied(CHEST, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    for seed in range(40):
        picture = varied(CHEST, np.random.default_rng(seed))
        assert picture.dtype == np.float32
        assert 0 <= picture.min() < picture.max() <= 1
        assert min(picture.shape) >= 0.6 * 96


def test_a_collimator_leaves_the_middle_and_flattens_the_rim() -> None:
    picture = variation._collimated(CHEST, np.random.default_rng(1))
    np.testing.assert_array_equal(picture[30:66, 30:66], CHEST[30:66, 30:66])
    outside = picture != CHEST
    assert 0.02 < outside.mean() < 0.5
    assert picture[outside].std() < 0.5 * CHEST.std()


def test_a_cassette_laid_crosswise_cuts_rows_alone() -> None:
    for seed in range(10):
        picture = variation._lower_frame(CHEST, np.random.default_rng(seed))
        height, width = picture.shape
        assert width == 96
        assert 1.0 <= width / height <= 1.26
        assert any(np.array_equal(picture, CHEST[top : top + height]) for top in range(97 - height))


@pytest.mark.parametrize("change", [variation._lines, variation._dense], ids=["lines", "dense lung"])
def test_what_lies_over_a_chest_is_bright_and_local(
    change: Callable[[FloatArray, np.random.Generator], FloatArray],
) -> None:
    lungs = np.full((96, 96), 0.2, np.float32)
    gain = change(lungs, np.random.default_rng(3)) - lungs
    assert gain.max() > 0.1
    assert (np.abs(gain) < 0.02).mean() > 0.4


def test_processing_changes_contrast_not_layout() -> None:
    for seed in range(6):
        picture = variation._processed(CHEST, np.random.default_rng(seed))
        assert np.corrcoef(picture.ravel(), CHEST.ravel())[0, 1] > 0.7
