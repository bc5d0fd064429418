"""Whose states image probabilities are fitted to."""

from __future__ import annotations

import numpy as np

from trainer.calibrate.reference import reference_states

PRESENT, ABSENT, SILENT, UNKNOWN = 1, 0, 2, -1


def test_a_cohort_without_normal_images_gives_no_prevalence() -> None:
    here = [[ABSENT, ABSENT], [PRESENT, ABSENT], [SILENT, PRESENT]]
    abroad = [[PRESENT, PRESENT], [PRESENT, ABSENT]]
    table = reference_states(np.array(here + abroad, np.int8), ["nih"] * 3 + ["vindr"] * 2)
    assert table[:3].tolist() == here
    assert (table[3:] == UNKNOWN).all()


def test_a_finding_that_the_reference_does_not_label_is_fitted_to_the_others() -> None:
    here = [[ABSENT, UNKNOWN], [PRESENT, UNKNOWN]]
    abroad = [[PRESENT, PRESENT], [PRESENT, ABSENT]]
    table = reference_states(np.array(here + abroad, np.int8), ["nih"] * 2 + ["vindr"] * 2)
    assert table[:, 0].tolist() == [ABSENT, PRESENT, UNKNOWN, UNKNOWN]
    assert table[:, 1].tolist() == [UNKNOWN, UNKNOWN, PRESENT, ABSENT]


def test_one_cohort_keeps_all_its_states() -> None:
    table = np.array([[PRESENT, SILENT], [ABSENT, UNKNOWN]], np.int8)
    assert (reference_states(table, ["nih", "nih"]) == table).all()


def test_of_cohorts_with_as_many_normal_images_the_first_by_name_is_the_reference() -> None:
    table = np.array([[PRESENT], [ABSENT], [PRESENT], [ABSENT]], np.int8)
    kept = reference_states(table, ["b", "b", "a", "a"])
    assert kept[:, 0].tolist() == [UNKNOWN, UNKNOWN, PRESENT, ABSENT]
