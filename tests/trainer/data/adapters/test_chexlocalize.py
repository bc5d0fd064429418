"""CheXlocalize in miniature."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from patchclip import DataError
from tests.trainer.data.miniature import ABSENT, KNOWN, PRESENT, extent, picture, write
from trainer.data.adapters.chexlocalize import _decode, read_chexlocalize

IMAGE = "patient90001_study1_view1_frontal"


def encode(mask: NDArray[np.uint8]) -> dict[str, Any]:
    """COCO's compressed run lengths, written out: runs down the columns; from the third on as differences;
    five bits a character."""
    runs, value = [0], 0
    for pixel in mask.T.ravel():
        if pixel != value:
            runs.append(0)
            value = int(pixel)
        runs[-1] += 1
    text = ""
    for place, run in enumerate(runs):
        rest, more = int(run - (runs[place - 2] if place > 2 else 0)), True
        while more:
            bits, rest = rest & 31, rest >> 5
            more = not ((rest == 0 and not bits & 16) or (rest == -1 and bits & 16))
            text += chr((bits | 32 if more else bits) + 48)
    return {"size": list(mask.shape), "counts": text}


def rectangle(x0: int, y0: int, x1: int, y1: int) -> dict[str, Any]:
    mask = np.zeros((40, 80), np.uint8)
    mask[y0:y1, x0:x1] = 1
    return encode(mask)


def dataset(path: Path, masks: dict[str, Any], labels: str | None = None) -> Path:
    write(path / "CheXlocalize" / "gt_segmentations_val.json", json.dumps(masks))
    if labels:
        write(
            path / "CheXpert" / "val_labels.csv",
            "Path,No Finding,Cardiomegaly,Lung Opacity,Edema,Pleural Effusion\n" + labels,
        )
    for patient in (1, 2):
        picture(path / "CheXpert" / "val" / f"patient9000{patient}" / "study1" / "view1_frontal.jpg", 80, 40)
    return path


def test_decoding_agrees_with_an_encoder_written_out() -> None:
    rng = np.random.default_rng(0)
    for share in (0, 0.03, 0.5, 1):
        mask = (rng.random((57, 91)) < share).astype(np.uint8)
        assert (_decode(encode(mask), "t") == mask).all()


def test_labels_say_what_is_absent_and_masks_where_it_is(tmp_path: Path) -> None:
    labels = (
        "CheXpert-v1.0/valid/patient90001/study1/view1_frontal.jpg,0.0,0.0,1.0,0.0,1.0\n"
        "CheXpert-v1.0/valid/patient90002/study1/view1_frontal.jpg,1.0,0.0,0.0,0.0,0.0\n"
        "CheXpert-v1.0/valid/patient90002/study1/view2_lateral.jpg,1.0,0.0,0.0,0.0,0.0\n"
        "CheXpert-v1.0/valid/patient90003/study1/view1_frontal.jpg,1.0,0.0,0.0,0.0,0.0\n"
    )
    masks = {
        IMAGE: {
            "Airspace Opacity": rectangle(8, 4, 24, 12),
            "Edema": rectangle(0, 0, 0, 0),
            "Support Devices": rectangle(1, 1, 9, 9),
        }
    }
    contents = read_chexlocalize(dataset(tmp_path, masks, labels), "val", labels=KNOWN)
    first, second = contents.samples
    assert first.states == {
        "Cardiomegaly": ABSENT,
        "Lung Opacity": PRESENT,
        "Edema": ABSENT,
        "Effusion": PRESENT,
    }
    assert [(shape.label, extent(shape)) for shape in first.shapes] == [
        ("Lung Opacity", (8.5 / 80, 4.5 / 40, 23.5 / 80, 11.5 / 40))
    ]
    assert set(second.states.values()) == {ABSENT} and not second.shapes
    assert contents.left_out == (
        f"{tmp_path / 'CheXpert' / 'val_labels.csv'}, row 5: the image file view1_frontal.jpg is missing",
        "lateral images: 1",
    )


def test_without_labels_a_finding_without_a_mask_is_unknown(tmp_path: Path) -> None:
    masks = {
        IMAGE: {
            "Pleural Effusion": rectangle(8, 4, 24, 12),
            "Edema": rectangle(0, 0, 0, 0),
            "Support Devices": rectangle(1, 1, 9, 9),
        }
    }
    contents = read_chexlocalize(dataset(tmp_path, masks), "validation", labels=KNOWN)
    (sample,) = contents.samples
    assert sample.states == {"Effusion": PRESENT} and sample.patient == "patient90001"
    assert contents.left_out == (
        '"Support Devices" has no label of its own in the vocabulary; images that name it: 1',
    )


def test_bad_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"gt_segmentations_val.json, entry 1, Edema: the mask must have a size"
    ):
        read_chexlocalize(dataset(tmp_path, {IMAGE: {"Edema": {"counts": "05"}}}), "val", labels=KNOWN)
    with pytest.raises(DataError, match='no split "train"; its splits are val'):
        read_chexlocalize(tmp_path, "train", labels=KNOWN)
    write(tmp_path / "CheXlocalize" / "gt_segmentations_test.json", json.dumps({IMAGE: {}}))
    with pytest.raises(DataError, match=r"gt_segmentations_val.json, row 1: a patient is in two splits"):
        read_chexlocalize(tmp_path, "val", labels=KNOWN)
    write(tmp_path / "CheXlocalize" / "gt_segmentations_val.json", "{")
    with pytest.raises(DataError, match=r"gt_segmentations_val.json cannot be read as JSON"):
        read_chexlocalize(tmp_path, "val", labels=KNOWN)
