"""Readings of reader studies as training data: opinions, verdicts on maps, decisions, files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from patchclip import DataError
from tests.trainer.data.miniature import ABSENT, KNOWN, PRESENT, extent, picture, states_of
from tests.trainer.reading_room import ReadingRoom, Said
from trainer.batches.dataset import PatchDataset
from trainer.config import AugmentConfig, DataConfig
from trainer.data.adapters.feedback import read_feedback
from trainer.data.loaded import load_samples


@pytest.fixture
def room(tmp_path: Path) -> ReadingRoom:
    """Films a, b and c, 20 pixels wide and 10 high, as cases 1, 2 and 3."""
    return ReadingRoom(
        tmp_path, [picture(tmp_path / "films" / f"{name}.png", seed=ord(name)) for name in "abc"]
    )


def test_the_last_opinion_counts_and_a_decision_outweighs_all_readers(room: ReadingRoom) -> None:
    room.read(1, "R1", {"Effusion": Said("present", [[2, 1, 10, 4]]), "Nodule": Said("absent")})
    room.read(1, "R1", {"Effusion": Said("absent"), "Nodule": Said("unsure")}, opinion="second")
    first = room.read(2, "R1", {"Effusion": Said("absent"), "Mass": Said("present", [[0, 0, 5, 5]])})
    room.read(2, "R1", {"Effusion": Said("present"), "Mass": Said("present")}, supersedes=first)
    room.read(2, "R2", {"Effusion": Said("absent"), "Mass": Said("absent")})
    room.read(3, "R1", {"Effusion": Said("present")}, unreadable=True)
    room.decide(2, "Mass", "absent")
    room.decide(2, "Mass", "present", [[10, 0, 10, 10]])  # thought again
    contents = read_feedback(room.database, None, "train", labels=KNOWN)
    assert states_of(contents) == {"a": {"Effusion": ABSENT}, "b": {"Mass": PRESENT}}
    assert [extent(shape) for shape in contents.samples[1].shapes] == [(0.5, 0.0, 1.0, 1.0)]
    assert contents.left_out == ("b.png: readers disagree on Effusion, which is taken as unknown",)


@pytest.mark.parametrize(
    ("said", "shapes", "denied"),
    [
        (Said("present", verdict="correct"), [(0.5, 0.0, 1.0, 1.0)], []),
        (Said("present", verdict="wrong"), [], [(0.5, 0.0, 1.0, 1.0)]),
        (Said("present", verdict="partly"), [], []),
        (Said("present", [[0, 0, 10, 10]], "wrong"), [(0.0, 0.0, 0.5, 1.0)], []),
        (Said("absent", verdict="wrong"), [], []),
        (Said("present"), [], []),
    ],
)
def test_a_verdict_on_the_map_tells_where_the_finding_is_and_where_it_is_not(
    room: ReadingRoom, said: Said, shapes: list[object], denied: list[object]
) -> None:
    room.lit(1, "Nodule", [[10, 0, 10, 10]])
    room.read(1, "R1", {"Nodule": said})
    (sample,) = read_feedback(room.database, None, "train", labels=KNOWN).samples
    assert sample.states == {"Nodule": PRESENT if said.presence == "present" else ABSENT}
    assert [extent(shape) for shape in sample.shapes] == shapes
    assert [extent(shape) for shape in sample.denied] == denied
    assert sample.without(["Nodule"]).denied == ()


def test_of_a_denied_region_alone_the_patches_are_taught_as_free(room: ReadingRoom) -> None:
    room.lit(1, "Nodule", [[10, 0, 10, 10]])
    room.read(1, "R1", {"Nodule": Said("present", verdict="wrong")})
    items, _ = load_samples(read_feedback(room.database, None, "train", labels=KNOWN).samples, 64)
    dataset = PatchDataset(items, ["Nodule"], 4, 64, DataConfig(), AugmentConfig())
    targets = dataset.truth(0).patch_targets.reshape(4, 4)
    assert np.array_equal(targets[1:3], [[-1, -1, 0, 0]] * 2)  # the film fills the middle rows of the square
    assert (targets[[0, 3]] == -1).all() and dataset.truth(0).image_targets.tolist() == [1]


def test_one_study_alone_can_be_read_and_another_is_a_sentence(room: ReadingRoom) -> None:
    room.read(1, "R1", {"Effusion": Said("absent")})
    assert len(read_feedback(room.database, None, "train", labels=KNOWN, study="small").samples) == 1
    for name in ("large", "free reading"):
        with pytest.raises(DataError, match=f'has no study "{name}" with cases'):
            read_feedback(room.database, None, "train", labels=KNOWN, study=name)


def test_a_film_that_changed_is_left_out(room: ReadingRoom) -> None:
    room.read(1, "R1", {"Effusion": Said("absent")})
    room.read(2, "R1", {"Effusion": Said("absent")})
    picture(room.films[0], seed=9)
    contents = read_feedback(room.database, None, "train", labels=KNOWN)
    assert states_of(contents) == {"b": {"Effusion": ABSENT}}
    assert contents.left_out[0].endswith("the studies' folders have no file with these pixels")
