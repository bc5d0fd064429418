"""Targets and weights on the patch grid: readers' agreement, outlines of what may be another finding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from patchclip.image.geometry import Letterbox
from trainer.batches.synthetic_lesions import Implant
from trainer.batches.truth import Truth, truth_of
from trainer.config import DataConfig
from trainer.data.loaded import Loaded
from trainer.data.sample import Sample, Shape, State
from trainer.data.states import state_table

LABELS = ["Effusion", "Mass", "Nodule"]
GRID = 8


def truth(sample: Sample, weights: tuple[float, ...] = (1.0, 1.0, 1.0), power: float = 1.0) -> Truth:
    item = Loaded(np.zeros((64, 64), np.uint8), Letterbox(64, 64, 64), sample)
    return truth_of(
        item,
        LABELS,
        state_table([item], LABELS)[0],
        np.array(weights),
        lambda points: points * GRID,
        GRID,
        replace(DataConfig(), reader_power=power),
    )


def box(label: str, x: int, y: int, w: int, h: int, agreement: float = 1.0) -> Shape:
    """In patches."""
    return Shape.box(label, x / GRID, y / GRID, w / GRID, h / GRID, "VinDr", agreement)


def sample(shapes: tuple[Shape, ...], doubtful: tuple[Shape, ...] = (), **states: object) -> Sample:
    return Sample(Path("a.png"), "1", "vindr", states, shapes, doubtful=doubtful)  # type: ignore[arg-type]


def test_patches_weigh_by_the_readers_that_saw_their_outline() -> None:
    shapes = (box("Effusion", 0, 0, 2, 2, 1 / 3), box("Effusion", 4, 4, 2, 2, 2 / 3))
    found = truth(sample(shapes, Effusion=State.PRESENT, Mass=State.ABSENT))
    weights = found.positive_weights.reshape(GRID, GRID, 3)[..., 0]
    positive = found.patch_targets.reshape(GRID, GRID, 3)[..., 0] == 1
    assert positive.sum() == 8
    assert np.allclose(weights[:2, :2], 1 / 3) and np.allclose(weights[4:6, 4:6], 2 / 3)
    assert found.image_weights.tolist() == pytest.approx([2 / 3, 1, 1])  # as the best seen of its outlines
    squared = truth(sample(shapes, Effusion=State.PRESENT), power=2)
    assert squared.positive_weights.reshape(GRID, GRID, 3)[0, 0, 0] == pytest.approx(1 / 9)
    alike = truth(sample(shapes, Effusion=State.PRESENT), power=0)
    assert (alike.positive_weights == 1).all() and (alike.image_weights == 1).all()


def test_where_outlines_overlap_the_most_agreed_on_counts() -> None:
    shapes = (box("Mass", 0, 0, 4, 4, 1 / 3), box("Mass", 2, 2, 4, 4, 1.0))
    weights = truth(sample(shapes, Mass=State.PRESENT)).positive_weights.reshape(GRID, GRID, 3)[..., 1]
    assert weights[0, 0] == pytest.approx(1 / 3) and weights[3, 3] == weights[5, 5] == 1


def test_an_unknown_finding_is_absent_outside_of_what_may_be_it() -> None:
    mass = box("Mass", 2, 2, 3, 3)
    found = truth(sample((mass,), (replace(mass, label="Nodule"),), Mass=State.PRESENT))
    nodule = found.patch_targets.reshape(GRID, GRID, 3)[..., 2]
    assert (nodule[2:5, 2:5] == -1).all() and (nodule == 0).sum() == GRID * GRID - 9
    assert found.image_targets.tolist() == [-1, 1, -1]
    assert (found.patch_targets.reshape(GRID, GRID, 3)[..., 0] == -1).all()  # of effusion nothing is known


def test_a_nodule_stays_one_where_a_mass_is_boxed_too() -> None:
    mass, nodule = box("Mass", 0, 0, 4, 4), box("Nodule", 3, 3, 2, 2)
    doubtful = (replace(mass, label="Nodule"), replace(nodule, label="Mass"))
    found = truth(sample((mass, nodule), doubtful, Mass=State.PRESENT, Nodule=State.PRESENT))
    grid = found.patch_targets.reshape(GRID, GRID, 3)
    assert (grid[3:5, 3:5, 2] == 1).all() and (grid[:3, :3, 2] == -1).all() and grid[7, 7, 2] == 0
    assert (grid[:4, :4, 1] == 1).all() and grid[4, 4, 1] == -1


def test_an_images_weight_goes_into_all_of_its_weights() -> None:
    found = truth(sample((box("Mass", 0, 0, 2, 2, 0.5),), Mass=State.PRESENT), (1.0, 3.0, 0.0))
    assert found.image_weights.tolist() == [1, 1.5, 0] and found.negative_weights.tolist() == [1, 3, 0]
    assert found.positive_weights.reshape(GRID, GRID, 3)[0, 0].tolist() == [1, 1.5, 0]


def test_what_is_known_from_a_report_alone_is_marked() -> None:
    known = sample((), Effusion=State.NOT_MENTIONED, Mass=State.PRESENT, Nodule=State.ABSENT)
    mined = replace(known, mined=frozenset({"Effusion", "Mass"}))
    assert truth(mined).mined.tolist() == [True, True, False]
    assert truth(known).mined.tolist() == [False] * 3
    item = Loaded(np.zeros((64, 64), np.uint8), Letterbox(64, 64, 64), mined)
    drawn = Implant(np.zeros((64, 64), np.uint8), "Mass", np.array([[0.1, 0.1], [0.3, 0.1], [0.3, 0.3]]))
    states = state_table([item], LABELS)[0]
    implanted = truth_of(
        item, LABELS, states, np.ones(3), lambda points: points * GRID, GRID, DataConfig(), drawn
    )
    assert implanted.mined.tolist() == [True, False, False]  # a lesion that was drawn is there
