"""Dataset folders, map files and feedback databases with random damage: read, or refused in one sentence."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patchclip.errors import DataError
from patchclip.evaluate.array_file import ArrayFile
from patchclip.evaluate.dataset import read_dataset
from tests.tiny import VOCABULARY
from tests.trainer.data.adapters.test_feedback import foreign
from trainer.data.adapters.feedback import read_feedback
from trainer.data.folder import read_folder

LABELS = frozenset(VOCABULARY.labels)
SEEDS = range(60)  # for each kind of file
TABLES = {
    "images.csv": b"image,patient_id,split,view,sex,age,labels,rsna_class,chestx_det\n"
    b"a.png,1,train,PA,F,40,Effusion|Mass,,read\nb.png,2,train,AP,M,50,No Finding,Normal,\n"
    b'"c.png",3,train,,,,Pleural Effusion,,\n',
    "boxes.csv": b"image,source,finding,x,y,w,h\na.png,NIH_BBox_List_2017,Mass,.1,.2,.3,.4\n",
    "polygons.json": b'{"a.png": [{"finding": "Mass", "points": [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]}]}',
}
PIECES = (
    b'"', b",", b";", b"\t", b"\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b"../", b"/", b"\\", b"nan",
    b"1e999", b"-1", b"|", b"[", b"{", b"}", b"]", b"null", b"\xed\xa0\x80", b"\\ud800", b" " * 50,
    b"x" * 5000, "٣²".encode(),
)  # fmt: skip


def damaged(content: bytes, seed: int) -> bytes:
    """One to eight bytes or pieces changed, put in, taken out, or copied elsewhere."""
    rng = random.Random(seed)
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        place, other = (rng.randrange(len(changed) + 1) for _ in range(2))
        match rng.randrange(4):
            case 0:
                changed[place : place + 1] = bytes([rng.randrange(256)])
            case 1:
                changed[place:place] = rng.choice(PIECES)
            case 2:
                del changed[place : place + rng.choice((1, 3, 20))]
            case _:
                changed[place:place] = changed[other : other + rng.randrange(40)]
    return bytes(changed)


def refused(error: DataError) -> bool:
    """Whether an error is one sentence of a length that can be read."""
    assert "\n" not in str(error) and len(str(error)) < 900
    return True


@pytest.mark.parametrize("name", TABLES)
def test_a_damaged_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "images").mkdir()
    for image in "abc":
        (tmp_path / "images" / f"{image}.png").touch()
    count = 0
    for seed in SEEDS:
        for table, content in TABLES.items():
            (tmp_path / table).write_bytes(damaged(content, seed) if table == name else content)
        allow = seed % 2 == 0
        try:
            read_dataset(tmp_path, "train", LABELS, vocabulary=VOCABULARY, allow_missing=allow)
            read_folder(tmp_path, "train", labels=LABELS, vocabulary=VOCABULARY, allow_missing=allow)
        except DataError as error:
            count += refused(error)
    assert count > len(SEEDS) / 2


def test_a_damaged_map_file(tmp_path: Path) -> None:
    path = tmp_path / "maps.npz"
    maps: dict[str, Any] = {"a.png/Mass/map": np.zeros((2, 2), np.float32), "Mass/threshold": np.array(0.3)}
    np.savez(path, **maps)
    content = path.read_bytes()
    count = 0
    for seed in SEEDS:
        path.write_bytes(damaged(content, seed))
        try:
            arrays = ArrayFile(path)
            for name in arrays:
                assert np.isfinite(arrays.read(name)).all()
        except DataError as error:
            count += refused(error)
    assert count > len(SEEDS) / 2


def test_a_damaged_feedback_database(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    path = foreign(tmp_path / "feedback.db")
    content = path.read_bytes()
    count = 0
    for seed in SEEDS:
        path.write_bytes(damaged(content, seed))
        try:
            read_feedback(path, tmp_path / "images", "train", labels=LABELS)
        except DataError as error:
            count += refused(error)
    assert count > len(SEEDS) / 2
