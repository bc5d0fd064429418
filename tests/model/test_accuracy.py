"""Sensitivity and specificity of an operating point: intervals, file, and how an answer has them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scipy.stats import binomtest

from patchclip import Engine, Radiograph
from patchclip.accuracy import (
    ACCURACY,
    DiagnosticAccuracy,
    OperatingPoint,
    Proportion,
    accuracy_records,
    load_accuracy,
)
from patchclip.errors import CheckpointError
from patchclip.image.synthetic import synthetic_radiograph
from patchclip.model.checkpoint import load_checkpoint
from tests.tiny import tiny_checkpoint

EFFUSION = DiagnosticAccuracy(true_positives=36, present=45, true_negatives=220, absent=275)


@pytest.mark.parametrize(("count", "total"), [(0, 7), (7, 7), (36, 45), (1, 1000), (220, 275)])
def test_the_interval_is_that_of_clopper_and_pearson(count: int, total: int) -> None:
    """Against scipy's own."""
    exact = binomtest(count, total).proportion_ci(0.95, "exact")
    assert Proportion(count, total).interval == pytest.approx((exact.low, exact.high), abs=1e-9)
    assert Proportion(count, total).value == count / total


def test_what_is_written_is_read_and_people_can_read_it_too(tmp_path: Path) -> None:
    records = accuracy_records({"Effusion": EFFUSION})
    (tmp_path / ACCURACY).write_text(json.dumps(records))
    assert load_accuracy(tmp_path) == {"Effusion": EFFUSION}
    assert (
        records["Effusion"]["sensitivity"]["value"] == 0.8 and records["Effusion"]["sensitivity"]["n"] == 45
    )
    low, high = records["Effusion"]["specificity"]["ci"]
    assert low < 0.8 < high and records["Effusion"]["specificity"]["n"] == 275


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"Effusion": 0.8}',
        '{"Effusion": {"true_positives": 5, "present": 6}}',
        '{"Effusion": {"true_positives": 7, "present": 6, "true_negatives": 1, "absent": 2}}',
        '{"Effusion": {"true_positives": 0, "present": 0, "true_negatives": 1, "absent": 2}}',
    ],
)
def test_a_damaged_file_is_refused_with_the_checkpoint(tmp_path: Path, text: str) -> None:
    folder = tiny_checkpoint(tmp_path / "tiny")
    (folder / ACCURACY).write_text(text)
    with pytest.raises(CheckpointError, match=r"fetch the checkpoint again|calibrate the checkpoint again"):
        load_checkpoint(folder)


def test_an_answer_has_its_operating_point_and_an_older_checkpoint_only_the_threshold(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "tiny")
    film = Radiograph.from_array(synthetic_radiograph("effusion", size=96).pixels)
    texts = ["no effusion", "left effusion", "fractured femur"]

    old = Engine.from_pretrained(folder)
    assert [item.operating_point for item in old.query(old.encode(film), texts)] == [
        OperatingPoint(0.5),
        OperatingPoint(0.5),
        None,
    ]
    (folder / ACCURACY).write_text(json.dumps(accuracy_records({"Effusion": EFFUSION})))
    new = Engine.from_pretrained(folder)
    assert new.sha256 == old.sha256
    points = [item.operating_point for item in new.query(new.encode(film), texts)]
    assert points[:2] == [OperatingPoint(0.5, EFFUSION)] * 2 and points[2] is None
