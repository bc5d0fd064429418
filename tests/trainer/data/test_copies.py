"""One image in several folders: the larger picture, everything that is known, one patient."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.tiny import VOCABULARY
from tests.trainer.data.miniature import ABSENT, NOT_MENTIONED, PRESENT
from trainer.__main__ import main
from trainer.data.copies import merged_copies, shared_patients, with_cohorts
from trainer.data.sample import Sample, Shape, State
from trainer.data.sources import read_source
from trainer.data.split import hold_out

COHORTS = {"large": "small", "boxes": "small"}
MASS = Shape.box("Mass", 0.1, 0.1, 0.2, 0.2, "NIH")
NODULE = Shape.box("Nodule", 0.5, 0.5, 0.1, 0.1, "physician")


def picture(path: Path, size: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((size, size), np.uint8))
    return path


def sample(tmp_path: Path, source: str, size: int, states: dict[str, State], **more: object) -> Sample:
    path = picture(tmp_path / source / "a.png", size)
    return Sample(path, "7", source, states, **more)  # type: ignore[arg-type]


def test_the_larger_picture_is_taken_with_what_each_folder_knows(tmp_path: Path) -> None:
    small = sample(tmp_path, "small", 16, {"Mass": PRESENT, "Nodule": NOT_MENTIONED}, shapes=(MASS,))
    large = sample(tmp_path, "large", 32, {"Mass": PRESENT, "Edema": ABSENT}, shapes=(MASS,))
    boxes = sample(tmp_path, "boxes", 24, {"Nodule": PRESENT}, shapes=(NODULE,))
    for order in ([small, large, boxes], [large, boxes, small]):
        merged, notes = merged_copies(with_cohorts(order, COHORTS))
        assert [item.path.parent.name for item in merged] == ["large"]
        assert merged[0].states == {"Mass": PRESENT, "Nodule": PRESENT, "Edema": ABSENT}
        assert merged[0].shapes == (MASS, NODULE) and merged[0].source == "small"
        assert notes == [
            "1 images of boxes are also in small; the larger picture of each is taken",
            "1 images of large are also in small; the larger picture of each is taken",
        ]


def test_what_anybody_looked_for_is_not_known_from_the_report_alone(tmp_path: Path) -> None:
    said = frozenset({"Mass", "Nodule", "Edema"})
    states = {"Mass": PRESENT, "Nodule": NOT_MENTIONED, "Edema": NOT_MENTIONED}
    small = sample(tmp_path, "small", 16, states, mined=said, checked={"Mass": (True, False)})
    boxes = sample(
        tmp_path, "boxes", 24, {"Nodule": PRESENT}, shapes=(NODULE,), checked={"Nodule": (False, True)}
    )
    (merged,), _ = merged_copies(with_cohorts([small, boxes], COHORTS))
    assert merged.mined == {"Mass", "Edema"}
    assert merged.checked == {"Mass": (True, False), "Nodule": (False, True)}


def test_what_readers_disputed_is_not_brought_back_by_a_copy(tmp_path: Path) -> None:
    small = sample(tmp_path, "small", 16, {"Edema": ABSENT}, disputed=frozenset({"Mass"}))
    large = sample(tmp_path, "large", 32, {"Mass": PRESENT, "Edema": PRESENT}, shapes=(MASS,))
    (merged,), _ = merged_copies(with_cohorts([large, small], COHORTS))
    assert merged.states == {"Edema": ABSENT} and merged.shapes == ()


def test_images_of_other_cohorts_or_unknown_patients_stay_apart(tmp_path: Path) -> None:
    here = sample(tmp_path, "here", 16, {"Mass": PRESENT})
    there = sample(tmp_path, "there", 32, {"Mass": ABSENT})
    samples, notes = merged_copies(with_cohorts([here, there], COHORTS))
    assert len(samples) == 2 and notes == []
    assert "here and there have 1 patient numbers in common" in shared_patients(samples)[0]
    nobody = [Sample(here.path, None, "small", {}), Sample(there.path, None, "small", {})]
    assert len(merged_copies(with_cohorts(nobody, COHORTS))[0]) == 2


def test_a_patient_of_two_folders_of_a_cohort_is_on_one_side_wherever_that_is() -> None:
    samples = [
        Sample(Path(f"{source}{n}.png"), str(n), source, {})
        for n in range(60)
        for source in ("small", "large")
    ]
    train, held = hold_out(with_cohorts(samples, COHORTS), 0.3, seed=0)
    assert not {item.patient for item in train} & {item.patient for item in held} and len(held) > 20
    alone = hold_out(with_cohorts([item for item in samples if item.source == "large"], COHORTS), 0.3, seed=0)
    assert {item.patient for item in alone[1]} == {item.patient for item in held}


def test_check_data_takes_all_folders_at_once(data_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [data_folder / name for name in ("nih_hires", "nih_nodules")]
    if not all(folder.is_dir() for folder in folders):
        pytest.skip("the second part of the real radiographs is not here")
    labels = frozenset(VOCABULARY.labels)
    names = ("nih", "nih_hires", "nih_nodules", "vindr")
    samples = [item for name in names for item in read_source(data_folder / name, "train", labels).samples]
    cohorts = {"nih_hires": "nih", "nih_nodules": "nih"}
    merged, notes = merged_copies(with_cohorts(samples, cohorts))
    assert len(samples) == 2478 + 1025 + 44 + 663 and len(merged) == 2478 + 43 + 663
    assert notes[0].startswith("1025 images of nih_hires are also in nih;") and len(notes) == 2
    assert shared_patients(merged) == []
    assert sum(item.path.parent.parent.name == "nih_hires" for item in merged) >= 1024
    assert main(["check-data", "--data", str(data_folder / "nih_nodules")]) == 0
    assert "44 images of 37 patients; 0 left out" in capsys.readouterr().out
