"""Drawn lesions: they lie under their outline, follow the image through augmentation, and only touch what is
known free of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from patchclip import DataError
from tests.tiny import VOCABULARY, tiny_dataset
from trainer.batches.dataset import PatchDataset
from trainer.batches.synthetic_lesions import MASS, NODULE, Implanter
from trainer.config import AugmentConfig, DataConfig
from trainer.data.folder import read_folder
from trainer.data.loaded import Loaded, load_samples
from trainer.data.sample import Sample, Shape, State

LABELS = list(VOCABULARY.labels)
STILL = AugmentConfig(gamma=0, contrast=0, noise=0, blur=0, mirror=0.5)
SITE = Shape.box(MASS, 0.2, 0.3, 0.2, 0.2)
GRID = 24


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[Loaded]:
    """Synthetic chests, the first with an outlined mass: it says where one may lie."""
    folder = tiny_dataset(tmp_path_factory.mktemp("implants") / "d", each=4, splits=("train",))
    loaded, _ = load_samples(read_folder(folder, "train", labels=frozenset(LABELS)).samples, 256)
    first = replace(
        loaded[0].sample, shapes=(SITE,), states=dict(loaded[0].sample.states) | {MASS: State.PRESENT}
    )
    return [Loaded(loaded[0].image, loaded[0].box, first), *loaded[1:]]


def with_sample(item: Loaded, sample: Sample) -> Loaded:
    return Loaded(item.image, item.box, sample)


def test_what_is_added_lies_under_the_outline(items: list[Loaded]) -> None:
    implanter = Implanter(items, LABELS)
    grey = np.full((400, 400), 90, np.uint8)  # 400 px stand for 40 cm: a pixel is a millimetre
    spans: dict[str, list[float]] = {NODULE: [], MASS: []}
    for seed in range(60):
        drawn = implanter.draw(grey, np.random.default_rng(seed))
        added = drawn.image.astype(int) - grey
        mask = np.zeros((400, 400), np.uint8)
        cv2.fillPoly(mask, [np.round(drawn.outline * 400 - 0.5).astype(np.int32)], 1)
        assert added.min() >= 0
        assert added[mask == 1].sum() > 0.8 * added.sum()
        assert added[mask == 1].mean() > 5
        spans[drawn.label].append(2 * np.sqrt(mask.sum() / np.pi))
        x, y = drawn.outline.mean(axis=0)
        assert (
            0.25 < y < 0.55 and min(abs(x - 0.3), abs(x - 0.7)) < 0.15
        )  # where the real one lay, on either side
    assert len(spans[NODULE]) > 15 and len(spans[MASS]) > 15
    assert (
        max(spans[NODULE]) < 33 and min(spans[MASS]) > 27
    )  # millimetres: at most 3 cm, and above it, but for their lobes


def test_image_and_targets_tell_the_same_place(items: list[Loaded]) -> None:
    plain = PatchDataset(items, LABELS, GRID, 192, DataConfig(), STILL)
    drawn = PatchDataset(items, LABELS, GRID, 192, DataConfig(implants=1.0), STILL)
    free = [n for n, item in enumerate(items) if item.sample.states.get(NODULE) is State.ABSENT]
    assert len(free) >= 3
    seen = set()
    for number in (n for n in free if n):
        for draw in range(8):
            before, after = plain[number, draw], drawn[number, draw]
            label = next(name for name in (NODULE, MASS) if after[2][LABELS.index(name)] == 1)
            seen.add(label)
            positive = (after[4][:, LABELS.index(label)] == 1).reshape(GRID, GRID)
            change = np.abs(after[0][0] - before[0][0])
            patches = change.reshape(GRID, 8, GRID, 8).sum(axis=(1, 3))
            near = cv2.dilate(positive.astype(np.uint8), np.ones((3, 3), np.uint8)) == 1
            assert patches[near].sum() > 0.95 * patches.sum() > 0
            other = MASS if label == NODULE else NODULE
            assert after[2][LABELS.index(other)] == 0 and not (after[4][:, LABELS.index(other)] == 1).any()
            assert after[2][LABELS.index("Lung Opacity")] == -1
            assert after[2][LABELS.index("Effusion")] == before[2][LABELS.index("Effusion")] == 0
    assert seen == {NODULE, MASS}


def test_only_images_known_free_of_both_are_drawn_on(items: list[Loaded]) -> None:
    labels = next(item for item in items[1:] if item.sample.states.get(NODULE) is State.ABSENT)
    reported = with_sample(labels, replace(labels.sample, report="No nodule."))
    silent = with_sample(
        labels, replace(labels.sample, states=dict(labels.sample.states) | {MASS: State.NOT_MENTIONED})
    )
    unread = with_sample(labels, replace(labels.sample, states={"Effusion": State.ABSENT}))
    mixed = [items[0], labels, reported, silent, unread]
    assert Implanter(mixed, LABELS).free.tolist() == [False, True, False, False, False]
    plain = PatchDataset(mixed, LABELS, GRID, 192, DataConfig(), STILL)
    drawn = PatchDataset(mixed, LABELS, GRID, 192, DataConfig(implants=1.0), STILL)
    changed = [bool((plain[n, 5][0] != drawn[n, 5][0]).any()) for n in range(5)]
    assert changed == [False, True, False, False, False]
    assert (plain[1, None][0] == drawn[1, None][0]).all()  # nothing is drawn where nothing is augmented


def test_what_cannot_be_drawn_is_named(items: list[Loaded]) -> None:
    with pytest.raises(DataError, match="No training image has an outlined nodule or mass"):
        Implanter(items[1:], LABELS)
    with pytest.raises(DataError, match="has no finding Mass"):
        Implanter(items, [label for label in LABELS if label != MASS])
    with pytest.raises(DataError, match=r"data.implants is 1.5"):
        DataConfig(implants=1.5)


def test_the_same_draw_gives_the_same_picture(items: list[Loaded], tmp_path: Path) -> None:
    dataset = PatchDataset(items, LABELS, GRID, 192, DataConfig(implants=0.5), AugmentConfig())
    assert all((dataset[2, draw][0] == dataset[2, draw][0]).all() for draw in range(6))
