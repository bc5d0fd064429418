"""Folds corrected for the source of an image by what other folds say; the command on saved folds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from patchclip import DataError
from patchclip.evaluate.bootstrap import Figure
from trainer.__main__ import main
from trainer.folds.balanced import balanced
from trainer.folds.figures import fold_figures
from trainer.folds.held_out import HeldOut, Localisation

LABELS = ("Effusion", "Fibrosis", "Mass", "Pneumothorax")


def fold(seed: int, count: int = 300) -> HeldOut:
    """Images of two hospitals: findings add 2 to their scores, the second hospital 2 to fibrosis, 6 to
    pneumothorax."""
    rng = np.random.default_rng(seed)
    states = rng.choice(np.array([0, 1, 2, -1], np.int8), size=(count, 4), p=[0.4, 0.3, 0.2, 0.1])
    second = np.arange(count) % 3 == 0
    scores = 2.0 * (states == 1) + rng.normal(0, 1, states.shape)
    scores[:, 1] += 2.0 * second
    scores[:, 3] += 6.0 * second
    cohorts = tuple("vindr" if there else "nih" for there in second)
    places = (Localisation(0, "Mass", "VinDr", True, 0.75),) * 6
    patients = tuple(range(count))
    return HeldOut(LABELS, patients, cohorts, ("",) * count, states, scores.astype(np.float32), places, {})


def value(figure: Figure) -> float:
    assert figure.value is not None
    return figure.value


def test_scores_no_longer_tell_the_source_on_the_fold_that_had_no_part_in_it() -> None:
    folds = {number: fold(number) for number in (0, 2, 3)}
    before = fold_figures(list(folds.values()), replicates=20)
    corrected = balanced(folds)
    after = fold_figures(list(corrected.values()), replicates=20)
    cue = "is of vindr"
    assert value(before.shortcuts[cue]["Fibrosis"]) > 0.85 < value(before.shortcuts[cue]["Pneumothorax"])
    for label in LABELS:
        assert value(after.shortcuts[cue][label]) == pytest.approx(0.5, abs=0.08)
    assert value(after.pointing["VinDr"]["Mass"]) == value(before.pointing["VinDr"]["Mass"]) == 1.0
    for cohort in ("nih", "vindr"):
        assert value(after.auroc[cohort]["Fibrosis"]) > value(before.auroc[cohort]["Fibrosis"]) - 0.02
    others = balanced({**folds, 3: replace(folds[3], states=folds[3].states[::-1].copy())})
    assert np.array_equal(others[3].scores, corrected[3].scores)  # its own labels have no say in it


def test_folds_without_a_second_source_cannot_be_balanced() -> None:
    alone = fold(1)
    one = replace(alone, cohorts=("nih",) * len(alone.cohorts))
    for folds in ({0: alone}, {0: alone, 1: one}):
        with pytest.raises(DataError, match="Sources cannot be balanced in fold 0; predict other folds"):
            balanced(folds)


def test_the_report_is_of_corrected_scores_and_may_be_compared_with_plain_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(2):
        (tmp_path / f"fold{number}").mkdir()
        fold(number).save(tmp_path / f"fold{number}")
    command = ["folds", "--report", "--data", f"folder:{tmp_path}", "--out", str(tmp_path), "--folds", "2"]
    assert main([*command]) == 0
    assert main([*command, "--balance-sources"]) == 0
    plain, told = (
        json.loads((tmp_path / f"{name}.json").read_text()) for name in ("folds", "folds_balanced")
    )
    assert plain["shortcuts"]["is of vindr"]["Fibrosis"]["value"] > 0.85
    assert told["shortcuts"]["is of vindr"]["Fibrosis"]["value"] == pytest.approx(0.5, abs=0.1)
    capsys.readouterr()
    assert main([*command, "--balance-sources", "--against", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "on the same images" in said
    differences = [line.split("|")[2] for line in said.splitlines() if line.startswith("| Fibrosis")]
    assert min(float(cell.split()[0]) for cell in differences) < -0.3  # of the shortcut, and of that alone
    assert sum(float(cell.split()[0]) < -0.05 for cell in differences) == 1
