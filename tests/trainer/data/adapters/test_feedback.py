"""Judgements that the app itself saved, read back as training data."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, update

from app.store import FeedbackRepository, NewFeedback, Outline
from app.store.models import Base
from patchclip import DataError, load_radiograph
from patchclip.text.place import Place, PlacePart, Region
from patchclip.types import Answer, Box, Laterality, PatchMap
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
        self,
        image: str,
        finding: str,
        reader: str,
        presence: str,
        side: Laterality | None = None,
        boxes: Boxes = (),
        region: Region | None = None,
    ) -> None:
        shown = PatchMap(np.zeros((1, 1), np.float32), (0, 0, 20, 10))
        answer = Answer(finding, finding, None, False, side, True, 0.5, shown, (), 0.5)
        if region:
            answer = replace(answer, place=Place((PlacePart(None, region),)))
        sha256 = self.hashes.get(image, "f" * 64)
        self.repository.add(
            NewFeedback(
                sha256,
                (10, 20),
                "model",
                "0" * 64,
                answer,
                reader,
                presence,
                boxes=[Box(*box) for box in boxes],
            )
        )


def test_judgements_become_states_and_boxes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.judge("a", "pleural effusion", "R1", "present", boxes=((2, 1, 10, 4),))
    store.judge("a", "pleural effusion", "R2", "present", side="left", boxes=((4, 1, 10, 4),))
    store.judge("a", "lung nodule", "R1", "present", boxes=((0, 0, 2, 2),))
    store.judge("a", "lung nodule", "R1", "absent")  # the reader thought again
    store.judge("a", "pneumothorax", "R1", "absent", side="left")  # says nothing of the right
    store.judge("a", "pulmonary edema", "R1", "absent", region="apex")  # nor this of the bases
    store.judge("b", "cardiomegaly", "R1", "unsure")
    store.judge("b", "pulmonary edema", "R1", "absent")
    store.judge("b", "lung mass", "R1", "present", boxes=((0, 0, 2, 2),))
    store.judge("b", "lung mass", "R2", "absent")
    store.judge("b", "what Mr X has", "R2", "present")
    store.judge("z", "lung mass", "R2", "absent")
    contents = read_feedback(store.database, store.images, "train", labels=KNOWN)
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


def judged_again(store: Store, presence: str, outlines: tuple[Outline, ...] = ()) -> None:
    """A revision of the row stored first."""
    shown = PatchMap(np.zeros((1, 1), np.float32), (0, 0, 20, 10))
    answer = Answer("lung mass", "lung mass", None, False, None, True, 0.5, shown, (), 0.5)
    store.repository.add(
        NewFeedback(
            store.hashes["a"],
            (10, 20),
            "model",
            "0" * 64,
            answer,
            "R1",
            presence,
            outlines=outlines,
            supersedes=1,
        )
    )


def test_of_a_revised_judgement_the_last_revision_counts(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.judge("a", "lung mass", "R1", "present", boxes=((5, 1, 10, 4),))
    store.judge("b", "lung mass", "R1", "absent")
    judged_again(store, "unsure")
    contents = read_feedback(store.database, store.images, "train", labels=KNOWN)
    assert states_of(contents) == {"a": {}, "b": {"Mass": ABSENT}}


@pytest.mark.parametrize(("with_point", "count"), [(False, 1), (True, 0)])
def test_polygons_are_outlines_unless_a_point_says_that_there_is_more(
    tmp_path: Path, with_point: bool, count: int
) -> None:
    store = Store(tmp_path)
    store.judge("a", "lung mass", "R1", "absent")
    point = (Outline("point", ((15.0, 5.0),)),) if with_point else ()
    judged_again(store, "present", (Outline("polygon", ((0, 0), (10, 0), (10, 5))), *point))
    contents = read_feedback(store.database, store.images, "train", labels=KNOWN)
    (sample,) = contents.samples
    assert states_of(contents) == {"a": {"Mass": PRESENT}}
    assert [(shape.label, shape.points) for shape in sample.shapes] == [
        ("Mass", ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5)))
    ][:count]


@pytest.mark.parametrize("points", ["[[1, 2]]", "[1, 2, 3]", "x", '[[0, 0], [1, 1], [1, "a"]]', "[" * 10**5])
def test_a_polygon_that_is_none_is_a_sentence(tmp_path: Path, points: str) -> None:
    store = Store(tmp_path)
    store.judge("a", "lung mass", "R1", "absent")
    judged_again(store, "present", (Outline("polygon", ((0, 0), (10, 0), (10, 5))),))
    with closing(sqlite3.connect(store.database)) as connection, connection:
        connection.execute("UPDATE outline SET points = ?", (points,))
    with pytest.raises(DataError, match="feedback 2: a polygon"):
        read_feedback(store.database, store.images, "train", labels=KNOWN)


def test_bad_input_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(DataError, match=r"feedback.sqlite3 has no reading that decides anything"):
        read_feedback(store.database, store.images, "train", labels=KNOWN)
    store.judge("a", "lung mass", "R1", "present", boxes=((5, 1, 10, 4),))
    with create_engine(f"sqlite:///{store.database}").begin() as connection:
        connection.execute(update(Base.metadata.tables["box"]).values(x=15))
    with pytest.raises(DataError, match=r"feedback.sqlite3, feedback 1: the box lies outside its image"):
        read_feedback(store.database, store.images, "train", labels=KNOWN)
    with pytest.raises(DataError, match='no split "val"; its splits are train'):
        read_feedback(store.database, store.images, "val", labels=KNOWN)
    with pytest.raises(DataError, match="is not a feedback database of the app"):
        read_feedback(write(tmp_path / "other.db", "no database"), store.images, "train", labels=KNOWN)
    with pytest.raises(DataError, match="There is no feedback database"):
        read_feedback(tmp_path / "none.db", store.images, "train", labels=KNOWN)
    assert not (tmp_path / "none.db").exists()


SANE = {
    "prediction": (1, "f" * 64, 10, 20, "lung mass", None, '{"place": null}'),
    "feedback": (1, 1, "2026-01-01", "R1", "present"),
    "box": (1, 1, 2.0, 1.0, 5.0, 4.0),
}
COLUMNS = {
    "prediction": ("id", "image_sha256", "image_height", "image_width", "finding", "side", "parameters"),
    "feedback": ("id", "prediction_id", "created_at", "reader", "presence"),
    "box": ("id", "feedback_id", "x", "y", "w", "h"),
}
CELLS: dict[str, tuple[str, str, object, str]] = {
    "width 0": ("prediction", "image_width", 0, "feedback 1: image_width is no whole number above 0"),
    "width as text": ("prediction", "image_width", "wide", "image_width is no whole number above 0"),
    "height missing": ("prediction", "image_height", None, "image_height is no whole number above 0"),
    "height as a fraction": ("prediction", "image_height", 1.5, "image_height is no whole number above 0"),
    "finding as a blob": ("prediction", "finding", b"\0\xff", "feedback 1: finding is no text"),
    "finding missing": ("prediction", "finding", None, "feedback 1: finding is no text"),
    "hash of something": ("prediction", "image_sha256", "../../etc/passwd", "image_sha256 is no SHA-256"),
    "hash as a number": ("prediction", "image_sha256", 7, "image_sha256 is no text"),
    "a third side": ("prediction", "side", "middle", "side is neither left nor right"),
    "side as a blob": ("prediction", "side", b"left", "side is neither left nor right"),
    "parameters as a list": ("prediction", "parameters", "[1]", "feedback 1: parameters are no JSON object"),
    "parameters of brackets": ("prediction", "parameters", "[" * 10**5, "parameters are no JSON object"),
    "parameters as a blob": ("prediction", "parameters", b"{}", "parameters are no JSON object"),
    "reader as a number": ("feedback", "reader", 5, "reader is no text"),
    "presence unknown": ("feedback", "presence", "perhaps" * 100, 'presence is "perhaps'),
    "presence missing": ("feedback", "presence", None, "presence is no text"),
    "box without x": ("box", "x", None, "feedback 1: a box must be four numbers"),
    "box of text": ("box", "w", "wide", "feedback 1: a box must be four numbers"),
    "box of blobs": ("box", "h", b"4", "feedback 1: a box must be four numbers"),
    "endless box": ("box", "w", float("inf"), "feedback 1: the box lies outside its image"),
    "empty box": ("box", "h", 0, "feedback 1: the box lies outside its image, or is empty"),
    "box far out": ("box", "y", -1e300, "feedback 1: the box lies outside its image"),
    "a very long name": ("prediction", "finding", "x" * 2**21, "is not a feedback database of the app"),
}


def foreign(path: Path, table: str = "", column: str = "", value: object = None) -> Path:
    """A database with the app's columns, of any type, and a judgement with a cell that it never writes."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for name, columns in COLUMNS.items():
            row = dict(zip(columns, SANE[name], strict=True)) | ({column: value} if name == table else {})
            connection.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
            connection.execute(
                f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns))})", tuple(row.values())
            )
    return path


@pytest.mark.parametrize("kind", CELLS)
def test_a_cell_that_the_app_never_writes_is_a_sentence(tmp_path: Path, kind: str) -> None:
    table, column, value, words = CELLS[kind]
    database = foreign(tmp_path / "foreign.db", table, column, value)
    with pytest.raises(DataError, match=words) as error:
        read_feedback(database, tmp_path, "train", labels=KNOWN)
    assert "\n" not in str(error.value) and len(str(error.value)) < 500


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE box",
        "DROP TABLE feedback",
        "ALTER TABLE prediction RENAME COLUMN image_sha256 TO picture",
        "ALTER TABLE feedback DROP COLUMN created_at",
        "DROP TABLE box; CREATE VIEW box AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        "SELECT i AS id, 1 AS feedback_id, i AS x, i AS y, i AS w, i AS h FROM n",
        "DROP TABLE box; CREATE VIRTUAL TABLE box USING fts5(id, feedback_id, x, y, w, h)",
    ],
)
def test_a_foreign_database_is_refused(tmp_path: Path, statement: str) -> None:
    database = foreign(tmp_path / "foreign.db")
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executescript(statement)
    with pytest.raises(
        DataError, match=r"foreign.db is not a feedback database of the app \(.*\); check the path"
    ):
        read_feedback(database, tmp_path, "train", labels=KNOWN)


@pytest.mark.parametrize("kind", ["cut", "noise", "text"])
def test_a_damaged_database_is_refused(tmp_path: Path, kind: str) -> None:
    database = foreign(tmp_path / "foreign.db")
    content = bytearray(database.read_bytes())
    if kind == "cut":
        content = content[: len(content) // 2]
    elif kind == "noise":
        content[100:] = np.random.default_rng(0).bytes(len(content) - 100)
    else:  # a cell that says it is text and is not UTF-8
        place = content.index(b"lung mass")
        content[place : place + 4] = b"\xff\xfe\xfd\xfc"
    database.write_bytes(content)
    with pytest.raises(DataError, match="is not a feedback database of the app"):
        read_feedback(database, tmp_path, "train", labels=KNOWN)


def test_the_database_that_the_others_depart_from_is_read(tmp_path: Path) -> None:
    contents = read_feedback(foreign(tmp_path / "foreign.db"), tmp_path, "train", labels=KNOWN)
    assert contents.left_out == (f"image ffffffffffff: {tmp_path.name} has no file with these pixels",)


def test_a_path_that_is_no_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no feedback database") as error:
        read_feedback(tmp_path / ("x" * 5000), tmp_path, "train", labels=KNOWN)
    assert len(str(error.value)) < 400
