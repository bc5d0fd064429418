"""Figures over folds against plain loops; the command on a miniature."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from patchclip import DataError
from patchclip.data.findings import NIH_BOXED
from tests.tiny import RECIPE, tiny_dataset
from trainer.__main__ import main
from trainer.folds.figures import MEAN, NIH_EIGHT, differences, fold_figures
from trainer.folds.held_out import HeldOut, Localisation
from trainer.folds.table import table

LABELS = (*NIH_BOXED, "Edema")


def fold(seed: int, count: int = 80, shift: float = 0.0) -> HeldOut:
    """Images of two hospitals whose scores know the findings a little, on a scale of the fold's own."""
    rng = np.random.default_rng(seed)
    states = rng.choice(np.array([0, 1, 2, -1], np.int8), size=(count, len(LABELS)), p=[0.4, 0.3, 0.2, 0.1])
    scores = (states == 1) + rng.normal(0, 1, states.shape) + shift
    cohorts = tuple("nih" if number % 3 else "vindr" for number in range(count))
    views = tuple("" if cohort == "vindr" else ("AP", "PA")[k % 2] for k, cohort in enumerate(cohorts))
    places = tuple(
        Localisation(
            int(number), LABELS[k], "NIH_BBox_List_2017", bool(rng.random() < 0.6), float(rng.random())
        )
        for number, k in zip(*np.nonzero(states == 1), strict=True)
        if cohorts[number] == "nih"
    )
    patients = tuple(number // 2 for number in range(count))
    return HeldOut(LABELS, patients, cohorts, views, states, scores.astype(np.float32), places, {"seed": 0})


def wins(folds: list[HeldOut], cohort: str, k: int, negatives: tuple[int, ...] = (0, 2)) -> float:
    """P(a positive outranks a negative of its own fold), pair by pair."""
    pairs: list[float] = []
    for item in folds:
        known = (1, *negatives)
        chosen = [n for n, name in enumerate(item.cohorts) if name == cohort and item.states[n, k] in known]
        for a in chosen:
            for b in chosen:
                if item.states[a, k] == 1 and item.states[b, k] != 1:
                    pairs.append(float(item.scores[a, k] > item.scores[b, k]))
    return float(np.mean(pairs))


def test_auroc_compares_images_of_one_fold_alone() -> None:
    folds = [fold(0), fold(1, shift=50.0), fold(2, shift=-50.0)]
    figures = fold_figures(folds, replicates=20)
    assert (figures.folds, figures.images, figures.patients) == (3, 240, 120)
    for cohort in ("nih", "vindr"):
        for k in (0, 8):
            assert figures.auroc[cohort][LABELS[k]].value == pytest.approx(wins(folds, cohort, k))
    eight = [figures.auroc["nih"][label].value for label in NIH_BOXED]
    assert figures.auroc["nih"][NIH_EIGHT].value == pytest.approx(np.mean(np.array(eight, float)))
    low, high = figures.auroc["nih"][MEAN].ci
    assert low is not None and high is not None and 0.5 < low < high < 1


def test_read_images_alone_are_those_outlined_and_those_known_to_be_free() -> None:
    folds = [fold(0), fold(1, shift=50.0)]
    figures = fold_figures(folds, replicates=5)
    assert set(figures.auroc_read) == {"nih"}  # of the other hospital nothing is outlined
    mass = figures.auroc_read["nih"]["Mass"]
    assert mass.value == pytest.approx(wins(folds, "nih", LABELS.index("Mass"), negatives=(0,)))
    # An outline less, and one image less is known to have it; its mined label says nothing here.
    first = next(place for place in folds[0].localisations if place.label == "Mass")
    fewer = tuple(place for place in folds[0].localisations if place is not first)
    other = fold_figures([replace(folds[0], localisations=fewer), folds[1]], replicates=5)
    assert other.auroc_read["nih"]["Mass"].n == mass.n - 1
    assert other.auroc["nih"]["Mass"].n == figures.auroc["nih"]["Mass"].n


def test_localisation_is_by_the_source_of_the_boxes() -> None:
    folds = [fold(0), fold(1)]
    figures = fold_figures(folds, replicates=20)
    places = [place for item in folds for place in item.localisations if place.label == "Mass"]
    pointing = figures.pointing["NIH_BBox_List_2017"]["Mass"]
    assert pointing.value == pytest.approx(np.mean([place.hit for place in places])) and pointing.n == len(
        places
    )
    area = figures.patch_auroc["NIH_BBox_List_2017"]["Mass"].value
    assert area == pytest.approx(
        np.mean([place.patch_auroc for place in places if place.patch_auroc is not None])
    )


def test_a_score_that_knows_the_hospital_is_found_out() -> None:
    """Only among images free of the finding: there it can know nothing else."""
    knowing = fold(0, count=200)
    cue = np.array([name == "vindr" for name in knowing.cohorts])[:, None]
    scores = knowing.scores + np.where(cue & (np.arange(len(LABELS)) == 2), 3, 0)
    figures = fold_figures([replace(knowing, scores=scores.astype(np.float32))], replicates=20)
    hospital = figures.shortcuts["is of vindr"]
    known = hospital[LABELS[2]].value
    assert known is not None and known > 0.95
    assert hospital[LABELS[0]].value == pytest.approx(0.5, abs=0.15)
    free = int(np.isin(knowing.states[:, 2], (0, 2)).sum())
    assert hospital[LABELS[2]].n == free
    assert figures.shortcuts["view AP rather than PA, nih"][LABELS[0]].value == pytest.approx(0.5, abs=0.2)


def test_folds_of_different_recipes_are_not_mixed() -> None:
    with pytest.raises(DataError, match="of different recipes"):
        fold_figures([fold(0), replace(fold(1), recipe={"seed": 1})], replicates=2)
    with pytest.raises(DataError, match="No fold has been predicted"):
        fold_figures([])


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    before = fold(0)
    before.save(tmp_path)
    after = HeldOut.load(tmp_path)
    assert np.array_equal(before.states, after.states) and np.allclose(before.scores, after.scores)
    assert (before.localisations, before.cohorts, before.recipe) == (
        after.localisations,
        after.cohorts,
        after.recipe,
    )
    (tmp_path / "held_out.json").write_text('{"labels": []}')
    with pytest.raises(DataError, match="is damaged; remove it"):
        HeldOut.load(tmp_path)


def test_every_patient_is_held_out_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tiny_dataset(tmp_path / "data", each=10, splits=("train",))
    recipe = {
        **RECIPE,
        "data": {**RECIPE["data"], "samples_per_epoch": 8},
        "optim": {**RECIPE["optim"], "epochs": [1], "sizes": [64]},
    }
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    out = tmp_path / "folds"
    command = ["folds", "--data", str(data), "--recipe", str(tmp_path / "recipe.json"), "--out", str(out)]
    command += ["--folds", "2"]
    assert main([*command, "--report"]) == 1 and "No fold has been predicted" in capsys.readouterr().err
    assert main([*command, "--only", "2"]) == 1 and "the folds are 0 to 1" in capsys.readouterr().err
    assert main([*command, "--only", "1"]) == 0
    assert not (out / "fold0").exists()
    state = (out / "fold1" / "state.pt").stat().st_mtime_ns
    assert main(command) == 0
    assert (out / "fold1" / "state.pt").stat().st_mtime_ns == state  # what is done is not done again
    parts = [HeldOut.load(out / f"fold{k}") for k in range(2)]
    assert sum(len(part.patients) for part in parts) == 40 and min(len(part.patients) for part in parts) > 5
    record = json.loads((out / "folds.json").read_text())
    assert record["images"] == 40 and record["patients"] == 20
    assert record["pointing"]["RSNA_2018"]["Lung Opacity"]["n"] == 10
    text = capsys.readouterr().out
    assert main([*command, "--report", "--against", str(out)]) == 0
    same = capsys.readouterr().out
    assert "folds less folds, on the same images" in same and "0.000 (0.000 to 0.000)" in same
    assert "2 folds, 40 images of 20 patients" in text and "pointing, boxes of RSNA_2018" in text
    assert "ptrain" not in (out / "fold0" / "held_out.json").read_text()  # the patients' own numbers


def test_differences_are_drawn_together() -> None:
    """A score that is hardly better shows it against the other on the same images, which intervals of each
    alone hide."""
    plain = fold(0, count=300)
    better = replace(plain, scores=(plain.scores + 0.15 * (plain.states == 1)).astype(np.float32))
    one, other = (fold_figures([item], 200).auroc["nih"]["Mass"] for item in (better, plain))
    both = differences([better], [plain], 200).auroc["nih"]["Mass"]
    assert one.value is not None and other.value is not None and both.value is not None
    assert both.value == pytest.approx(one.value - other.value) and both.n == one.n
    assert one.ci[0] is not None and other.ci[1] is not None and one.ci[0] < other.ci[1]
    assert both.ci[0] is not None and 0 < both.ci[0] < both.value
    same = differences([plain], [plain], 20)
    assert {figure.ci for table in same.pointing.values() for figure in table.values()} == {(0.0, 0.0)}


def test_of_other_images_there_is_no_difference() -> None:
    for others in ([fold(1)], [fold(0), fold(1)], []):
        with pytest.raises(DataError, match="judged on other images"):
            differences([fold(0)], others)


def test_the_table_has_every_figure_with_its_interval() -> None:
    figures = fold_figures([fold(0)], replicates=5)
    mass = figures.auroc["nih"]["Mass"]
    assert mass.ci[0] is not None and mass.ci[1] is not None
    assert f"| Mass | {mass.value:.3f} ({mass.ci[0]:.3f} to {mass.ci[1]:.3f}) | {mass.n} |" in table(figures)
