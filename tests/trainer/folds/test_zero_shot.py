"""Findings that a model is not taught: what it gets to see, what it is asked, and the figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from patchclip import DataError
from patchclip.model.checkpoint import load_checkpoint
from patchclip.resources import VOCABULARY
from patchclip.text.vocabulary import Vocabulary
from tests.tiny import RECIPE, tiny_dataset
from trainer.__main__ import main
from trainer.data.sample import Sample, Shape, State
from trainer.folds.held_out import HeldOut
from trainer.folds.zero_shot import read_groups


def test_a_sample_without_a_finding_says_nothing_of_it() -> None:
    sample = Sample(
        path=Path("a.png"),
        patient="1",
        source="nih",
        states={"Mass": State.PRESENT, "Edema": State.ABSENT},
        shapes=(Shape.box("Mass", 0, 0, 0.5, 0.5), Shape.box("Edema", 0, 0, 1, 1)),
        doubtful=(Shape.box("Mass", 0.5, 0.5, 0.1, 0.1),),
        disputed=frozenset({"Mass", "Nodule"}),
    )
    less = sample.without(("Mass",))
    assert less.states == {"Edema": State.ABSENT}
    assert [shape.label for shape in less.shapes] == ["Edema"]
    assert less.doubtful == () and less.disputed == {"Nodule"}
    assert (less.path, less.patient, less.patients) == (sample.path, "1", "nih")


def test_groups_are_two_lists_of_different_findings() -> None:
    labels = ("Mass", "Edema", "Nodule")
    assert read_groups(["Mass, Edema", "Nodule"], labels) == [("Mass", "Edema"), ("Nodule",)]
    for texts, words in (
        (["Mass"], "Give --without twice"),
        (["Mass", "Lump"], '"Lump" is no finding'),
        (["Mass", "Edema,Mass"], "Mass is taken out twice"),
    ):
        with pytest.raises(DataError, match=words):
            read_groups(texts, labels)


def test_an_untaught_finding_is_asked_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tiny_dataset(tmp_path / "data", each=10, splits=("train",))
    recipe = {
        **RECIPE,
        "data": {**RECIPE["data"], "samples_per_epoch": 8, "dev_fraction": 0.5},
        "optim": {**RECIPE["optim"], "epochs": [1], "sizes": [64]},
    }
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    out = tmp_path / "zero-shot"
    command = ["zero-shot", "--data", str(data), "--recipe", str(tmp_path / "recipe.json"), "--out", str(out)]
    groups = ["--without", "Lung Opacity", "--without", "Cardiomegaly"]
    assert main([*command, *groups]) == 0
    labels = Vocabulary.from_json(VOCABULARY).labels
    for number, label in enumerate(("Lung Opacity", "Cardiomegaly")):
        taught = load_checkpoint(out / f"without{number}" / "last").vocabulary.labels
        assert set(labels) - set(taught) == {label}
        assert HeldOut.load(out / f"without{number}").labels == labels
    rows = json.loads((out / "zero_shot.json").read_text())
    opacity = [row for row in rows if row["label"] == "Lung Opacity"]
    assert {row["measure"] for row in opacity} == {"AUROC", "pointing"}
    for row in opacity:
        assert row["untaught"]["n"] == row["taught"]["n"] > 0
        assert 0 <= row["untaught"]["value"] <= 1
    text = capsys.readouterr().out
    assert "without Lung Opacity" in text and "| lung opacity | pointing | RSNA_2018 |" in text

    assert main([*command, "--without", "Mass", "--without", "Cardiomegaly"]) == 1
    assert "was taught other findings" in capsys.readouterr().err
