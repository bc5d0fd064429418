"""Another model's maps from a file: what is taken, what is refused, and with which words."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from patchclip.errors import DataError
from patchclip.evaluate.dataset import EvaluationImage
from patchclip.evaluate.map_file import MapFile

MAP = np.array([[0.1, 0.2], [0.3, 0.8]], np.float32)


@pytest.fixture
def image(tmp_path: Path) -> EvaluationImage:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.tile(np.arange(64, dtype=np.uint8) * 3, (80, 1)))
    return EvaluationImage("a.png", path, "1", frozenset(), "", False, "", "", None)


def stored(folder: Path, **arrays: object) -> MapFile:
    np.savez(
        folder / "maps.npz", **{name.replace("__", "/"): np.asarray(value) for name, value in arrays.items()}
    )
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
