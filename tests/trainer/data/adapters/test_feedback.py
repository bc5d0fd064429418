"""Judgements that the app itself saved, read back as training data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, update

from app.store.models import Base
from app.store.repository import FeedbackRepository, NewFeedback
from patchclip import DataError, load_radiograph
from patchclip.types import Answer, PatchMap
from tests.trainer.data.miniature import ABSENT, KNOWN, PRESENT, extent, picture, states_of, write
from trainer.data.adapters.feedback import read_feedback

Boxes = tuple[tuple[float, float, float, float], ...]


class Store:
    """A feedback database and a folder with the images a, b and c, 20 pixels wide and 10 high."""

    def __init__(self, path: Path) -> None:
        self.database, self.images = path / "feedback.sqlite3", path / "images"
        engine = create_engine(f"sqlite:///{self.database}")
        Base.metadata.create_all(engine)
        self.repository = FeedbackRepository(engine)
        self.hashes = {
            name: load_radiograph(picture(self.images / f"{name}.png", seed=ord(name))).sha256
            for name in "abc"
        }
        write(self.images / "notes.txt", "no radiograph")

    def judge(
        self, image: str, finding: str, reader: str, presence: str, side: str | None = None, boxes: Boxes = ()
    ) -> None:
        shown = PatchMap(np.zeros((1, 1), np.float32), (0, 0, 20, 10))
        answer = Answer(finding, finding, None, False, side, True, 0.5, shown, (), 0.5)  # type: ignore[arg-type]
        sha256 = self.hashes.get(image, "f" * 64)
        self.repository.add(
            NewFeedback(sha256, (10, 20), "model", "0" * 64, answer, reader, presence, boxes=boxes)
        )


def test_judgements_become_states_and_boxes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.judge("a", "pleural effusion", "R1", "present", boxes=((2, 1, 10, 4),))
    store.judge("a", "pleural effusion", "R2", "present", side="left", boxes=((4, 1, 10, 4),))
    store.judge("a", "lung nodule", "R1", "present", boxes=((0, 0, 2, 2),))
    store.judge("a", "lung nodule", "R1", "absent")  # the reader thought again
    store.judge("a", "pneumothorax", "R1", "absent", side="left")  # says nothing of the right
    store.judge("b", "cardiomegaly", "R1", "unsure")
    store.judge("b", "pulmonary edema", "R1", "absent")
    store.judge("b", "lung mass", "R1", "present", boxes=((0, 0, 2, 2),))
    store.judge("b", "lung mass", "R2", "absent")
    store.judge("b", "what Mr X has", "R2", "present")
    store.judge("z", "lung mass", "R2", "absent")
    contents = read_feedback(store.database, store.images, "train", known=KNOWN)
    assert states_of(contents) == {"a": {"Effusion": PRESENT, "Nodule": ABSENT}, "b": {"Edema": ABSENT}}
    first, second = contents.samples
    assert [(shape.label, extent(shape)) for shape in first.shapes] == [
        ("Effusion", (0.1, 0.1, 0.6, 0.5)),
        ("Effusion", (0.2, 0.1, 0.7, 0.5)),
    ]
    assert second.shapes == () and first.patient is None
    assert contents.left_out == (
        "b.png: readers disagree on Mass, which is taken as unknown",
        "image ffffffffffff: images has no file with these pixels",
        "judgements of findings that the vocabulary does not have: 1",
    )


def test_bad_input_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(DataError, match=r'feedback.sqlite3 has no image of split "train"'):
        read_feedback(store.database, store.images, "train", known=KNOWN)
    store.judge("a", "lung mass", "R1", "present", boxes=((5, 1, 10, 4),))
    with create_engine(f"sqlite:///{store.database}").begin() as connection:
        connection.execute(update(Base.metadata.tables["box"]).values(x=15))
    with pytest.raises(DataError, match=r"feedback.sqlite3, feedback 1: the box lies outside its image"):
        read_feedback(store.database, store.images, "train", known=KNOWN)
    with pytest.raises(DataError, match='no split "val"; its splits are train'):
        read_feedback(store.database, store.images, "val", known=KNOWN)
    with pytest.raises(DataError, match="is not a feedback database of the app"):
        read_feedback(write(tmp_path / "other.db", "no database"), store.images, "train", known=KNOWN)
    with pytest.raises(DataError, match="There is no feedback database"):
        read_feedback(tmp_path / "none.db", store.images, "train", known=KNOWN)
    assert not (tmp_path / "none.db").exists()
