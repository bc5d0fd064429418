"""Tables that people sent: evaluation and training read the same of them, and say what they read
otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchclip.evaluate.dataset import EvaluationData, read_dataset
from tests.tiny import VOCABULARY
from trainer.data.contents import Contents
from trainer.data.folder import read_folder
from trainer.data.sample import State

KNOWN = frozenset(VOCABULARY.labels)


def read(data_folder: Path, place: Path, case: str) -> tuple[EvaluationData, Contents]:
    """The case's table beside the images that it names."""
    table = data_folder.parent / "cases" / "tables" / f"{case}.csv"
    if not table.is_file():
        pytest.skip("the cases are not here; they stand beside the real radiographs")
    (place / "images.csv").write_bytes(table.read_bytes())
    (place / "images").symlink_to(data_folder / "nih" / "images")
    evaluation = read_dataset(place, "train", KNOWN, vocabulary=VOCABULARY)
    training = read_folder(place, "train", labels=KNOWN, vocabulary=VOCABULARY)
    assert len(evaluation.images) == len(training.samples) == len(table.read_text().splitlines()) - 1
    assert [image.path for image in evaluation.images] == [sample.path for sample in training.samples]
    assert set(training.notes) <= set(evaluation.notes)
    return evaluation, training


def test_patients_named_nan_are_patients_apart(data_folder: Path, tmp_path: Path) -> None:
    evaluation, training = read(data_folder, tmp_path, "csv_nan")
    assert len({image.patient for image in evaluation.images}) == len(evaluation.images) == 9
    assert {sample.patient for sample in training.samples} == {None}
    assert [bool(image.labels) for image in evaluation.images] == [False] * 4 + [True] * 5
    assert evaluation.notes == (
        'images.csv: "nan" in labels is taken for an empty cell, 4 rows',
        'images.csv: "nan" in patient_id is taken for an empty cell, 9 rows',
        "images.csv: the patient of 9 of 9 images is not known; each counts as a patient of its own",
    )


def test_paths_below_the_folder_are_found(data_folder: Path, tmp_path: Path) -> None:
    evaluation, _ = read(data_folder, tmp_path, "csv_relpath")
    assert evaluation.images[0].name == "00001437_012.jpg" and evaluation.left_out[1:] == ()
    assert evaluation.notes == (
        "images.csv: image names another path than that of the file, which was found, 9 rows",
    )


@pytest.mark.parametrize("case", ["csv_spacehead", "csv_synonym"])
def test_labels_are_read_whatever_stands_around_them(data_folder: Path, tmp_path: Path, case: str) -> None:
    evaluation, training = read(data_folder, tmp_path, case)
    positive = ["Effusion" in image.labels for image in evaluation.images]
    assert 0 < sum(positive) < len(positive)
    assert [sample.states["Effusion"] is State.PRESENT for sample in training.samples] == positive
    said = f'images.csv: "Pleural Effusion" is taken for Effusion, {sum(positive)} rows'
    assert evaluation.notes == training.notes == ((said,) if case == "csv_synonym" else ())
