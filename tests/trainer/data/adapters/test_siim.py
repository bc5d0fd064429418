"""The SIIM-ACR pneumothorax challenge in miniature."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from patchclip import DataError
from tests.trainer.data.miniature import ABSENT, KNOWN, PRESENT, dicom, extent, states_of, write
from trainer.data.adapters.siim import IMAGE_SIZE, decode_rle, read_siim


def encode(mask: NDArray[np.uint8]) -> str:
    """Run lengths, written pixel after pixel: down the first column, then the second."""
    words, gap, run = [], 0, 0
    for x in range(mask.shape[1]):
        for y in range(mask.shape[0]):
            if mask[y, x]:
                run += 1
            else:
                if run:
                    words += [gap, run]
                    gap = run = 0
                gap += 1
    return " ".join(map(str, words + ([gap, run] if run else [])))


def test_decoding_is_the_inverse_of_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    for share in (0.02, 0.5, 0.98):
        mask = (rng.random((32, 32)) < share).astype(np.uint8)
        assert (decode_rle(encode(mask), 32, "t") == mask).all()


def dataset(path: Path, rows: str) -> Path:
    write(path / "train-rle.csv", "ImageId, EncodedPixels\n" + rows)
    for name in ("1.2.1", "1.2.2"):
        dicom(path / "dicom-images-train" / f"{name}.9" / f"{name}.8" / f"{name}.dcm")
    return path


def test_masks_of_all_rows_and_explicit_absence(tmp_path: Path) -> None:
    one, two = np.zeros((2, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    one[100:200, 300:500] = 1
    two[700:720, 0:64] = 1
    rows = f"1.2.1, {encode(one)}\n1.2.1,{encode(two)}\n1.2.2, -1\n1.2.3,-1\n"
    contents = read_siim(dataset(tmp_path, rows), "train", labels=KNOWN)
    assert states_of(contents) == {"1.2.1": {"Pneumothorax": PRESENT}, "1.2.2": {"Pneumothorax": ABSENT}}
    assert contents.left_out == ("1.2.3.dcm: the image file is missing",)
    expected = [(300.5, 100.5, 499.5, 199.5), (0.5, 700.5, 63.5, 719.5)]
    assert [extent(shape) for shape in contents.samples[0].shapes] == [
        tuple(round(v / IMAGE_SIZE, 5) for v in box) for box in expected
    ]
    without = read_siim(tmp_path, "train", labels=frozenset(("Mass",)))
    assert not without.samples[0].states and not without.samples[0].shapes
    assert (
        without.left_out[-1]
        == '"Pneumothorax" has no label of its own in the vocabulary; images that name it: 1'
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1.2.2,5 6 7", "row 2: EncodedPixels must be pairs"),
        ("1.2.2,five 6", "row 2: EncodedPixels must be pairs"),
        ("1.2.2,", "row 2: the mask does not fit"),
        ("1.2.2,1048570 10", "row 2: the mask does not fit an image of 1024 x 1024"),
    ],
)
def test_bad_input_is_named(tmp_path: Path, row: str, words: str) -> None:
    with pytest.raises(DataError, match=f"train-rle.csv, {words}"):
        read_siim(dataset(tmp_path, row + "\n"), "train", labels=KNOWN)


def test_the_column_may_be_written_without_a_blank_but_not_be_missing(tmp_path: Path) -> None:
    dataset(tmp_path, "")
    write(tmp_path / "train-rle.csv", "ImageId,EncodedPixels\n1.2.2,-1\n")
    assert len(read_siim(tmp_path, "train", labels=KNOWN).samples) == 1
    write(tmp_path / "train-rle.csv", "ImageId,Pixels\n1.2.2,-1\n")
    with pytest.raises(DataError, match=r"train-rle.csv has no column EncodedPixels"):
        read_siim(tmp_path, "train", labels=KNOWN)
