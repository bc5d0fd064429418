"""Another model's maps from a file: what is taken, what is refused, and with which words."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from patchclip.errors import DataError
from patchclip.evaluate import array_file
from patchclip.evaluate.dataset import EvaluationImage
from patchclip.evaluate.map_file import MapFile

MAP = np.array([[0.1, 0.2], [0.3, 0.8]], np.float32)


@pytest.fixture
def image(tmp_path: Path) -> EvaluationImage:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.tile(np.arange(64, dtype=np.uint8) * 3, (80, 1)))
    return EvaluationImage("a.png", path, "1", frozenset(), "", False, "", "", None)


def stored(folder: Path, **arrays: object) -> MapFile:
    renamed = {name.replace("__", "/"): np.asarray(value) for name, value in arrays.items()}
    np.savez(folder / "maps.npz", **renamed)  # type: ignore[arg-type]
    return MapFile(folder / "maps.npz")


def test_everything_that_may_be_given_is_used(tmp_path: Path, image: EvaluationImage) -> None:
    given = {"a.png/Mass/map": MAP, "a.png/Mass/extent": [8, 0, 56, 80], "a.png/Mass/probability": 0.7}
    tuned = {"Mass/threshold": 0.3, "Mass/overlap_threshold": 0.2, "Mass/cutoff": 0.6}
    source = stored(tmp_path, **given, **tuned)
    prediction = source.predict(image, [])
    assert source.labels == ("Mass",) and source.uncalibrated == frozenset()
    assert prediction.size == (80, 64) and prediction.maps["Mass"].extent == (8, 0, 56, 80)
    assert prediction.probability == {"Mass": pytest.approx(0.7)}
    assert (prediction.thresholds, prediction.overlap_thresholds, prediction.cutoffs) == (
        {"Mass": 0.3},
        {"Mass": 0.2},
        {"Mass": 0.6},
    )


def test_what_is_not_given_is_not_made_up(tmp_path: Path, image: EvaluationImage) -> None:
    source = stored(tmp_path, **{"a.png/Mass/map": MAP})
    prediction = source.predict(image, [])
    assert source.uncalibrated == {"Mass"} and prediction.probability == {"Mass": pytest.approx(0.8)}
    assert prediction.maps["Mass"].extent == (0, 0, 64, 80) and prediction.thresholds == {"Mass": 0.5}
    assert prediction.overlap_thresholds == prediction.cutoffs == {}


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"a.png/Mass/map": MAP + 1}, r"values in \[0, 1\]"),
        ({"a.png/Mass/map": MAP[0]}, "rows, cols"),
        ({"a.png/Mass/map": MAP, "a.png/Mass/extent": [8, 0, 8, 80]}, "x0 < x1"),
        ({"a.png/Mass/map": MAP, "a.png/Mass/extent": [8, 0]}, "x0, y0, x1, y1"),
        ({"a.png/Mass/map": MAP, "a.png/Mass/probability": 1.5}, "one number"),
        (
            {"a.png/Mass/map": MAP, "a.png/Mass/probability": 0.5, "b.png/Mass/map": MAP},
            "for all or for none",
        ),
        ({"a.png/Mass/map": MAP, "Mass/threshold": [0.2, 0.3]}, "one number"),
        (
            {"a.png/Mass/map": MAP, "Mass/threshold": "high"},
            "Mass/threshold in the map file is no array of num",
        ),
        ({"a.png/Mass/map": MAP, "a.png/Mass/extent": ["a", "b", "c", "d"]}, "is no array of numbers"),
        ({"heat": MAP}, "no array named"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, image: EvaluationImage, arrays: dict[str, object], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        stored(tmp_path, **arrays).predict(image, [])


@pytest.mark.parametrize("content", ["nothing", "zip", "npy"])
def test_what_is_no_map_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "maps.npz"
    if content == "npy":
        np.save(tmp_path / "maps.npy", MAP)
        (tmp_path / "maps.npy").rename(path)
    else:
        path.write_bytes(b"" if content == "nothing" else b"PK\x03\x04 cut short")
    with pytest.raises(DataError, match=r"give an \.npz"):
        MapFile(path)


def packed(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """An archive of raw members, as a stranger may write it."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def header(shape: str, descr: str = "'<f4'", body: bytes = b"") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


MEMBER = "a.png/Mass/map.npy"
WHOLE = header("(2, 2)", body=b"\0" * 16)
HOSTILE = {
    "no header": {MEMBER: b""},
    "cut header": {MEMBER: header("(2, 2)")[:20]},
    "no values": {MEMBER: header("(2, 2)")},
    "too few values": {MEMBER: WHOLE[:-1]},
    "too many values": {MEMBER: WHOLE + b"\0"},
    "negative": {MEMBER: header("(-1, 2)")},
    "words as a shape": {MEMBER: header("'wide'")},
    "nested shape": {MEMBER: header("(" * 3000 + ")" * 3000)},
    "pickled": {MEMBER: header("(1,)", "'|O'", b"\x80\x04N.")},
    "text": {MEMBER: header("(1,)", "'<U4'", b"\0" * 16)},
    "complex": {MEMBER: header("(1,)", "'<c8'", b"\0" * 8)},
    "records": {MEMBER: header("(1,)", "[('a', '<f4'), ('b', '<f4')]", b"\0" * 8)},
    "unknown type": {MEMBER: header("(1,)", "'<q99'", b"\0" * 8)},
    "version 9": {MEMBER: WHOLE.replace(b"NUMPY\x01", b"NUMPY\x09")},
    "another format": {MEMBER: b"\x89PNG" + b"\0" * 64},
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_strangers_arrays_are_refused_in_words(tmp_path: Path, kind: str) -> None:
    with pytest.raises(DataError, match=r"a.png/Mass/map in the map file .*(is damaged|no array of numbers)"):
        MapFile(packed(tmp_path / "maps.npz", HOSTILE[kind]))


def test_a_bomb_is_refused_by_its_header_and_not_unpacked(tmp_path: Path) -> None:
    """256 MiB of zeros in 260 KB; and a header that promises what the file does not hold."""
    bomb = packed(tmp_path / "bomb.npz", {MEMBER: header("(8192, 8192)", body=bytes(4 * 8192 * 8192))})
    assert bomb.stat().st_size < 2**19
    promise = packed(tmp_path / "promise.npz", {MEMBER: header("(1000000, 1000000)")})
    for path, values in ((bomb, "67,108,864"), (promise, "1,000,000,000,000")):
        tracemalloc.start()
        with pytest.raises(DataError, match=f"a.png/Mass/map in the map file has {values} values"):
            MapFile(path)
        assert tracemalloc.get_traced_memory()[1] < 2**22
        tracemalloc.stop()


def test_many_maps_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_file, "LARGEST_TOTAL", 10)
    with pytest.raises(DataError, match="give smaller maps, or the images in parts"):
        stored(tmp_path, **{f"{number}.png/Mass/map": MAP for number in range(3)})


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(tmp_path: Path, method: int) -> None:
    with pytest.raises(DataError, match="is damaged; write the file again"):
        MapFile(packed(tmp_path / "maps.npz", {MEMBER: WHOLE}, method))


def test_damage_behind_a_sound_header_is_named_when_it_is_met(tmp_path: Path, image: EvaluationImage) -> None:
    path = packed(tmp_path / "maps.npz", {MEMBER: WHOLE}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.index(b"\n" + b"\0" * 16) + 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a.png/Mass/map in the map file maps.npz is damaged"):
        MapFile(path).predict(image, [])


@pytest.mark.parametrize("name", ["x" * 5000, "none.npz", "a\0b", "."])
def test_a_path_that_is_no_file_is_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"cannot be read; give an \.npz") as error:
        MapFile(tmp_path / name)
    assert len(str(error.value)) < 400
