"""Agreement: against statsmodels, and against examples that Gwet and Krippendorff published."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa, fleiss_kappa

from app.insights.agreement import agreement, coefficients
from app.insights.opinions import InsightsError, Readings
from app.insights.overlap import area_of_all, box_overlaps, iou_of_all
from patchclip.types import Box
from tests.app.insights.studies import drawn_study, mark, study, told

NUMBERS = {"absent": 0, "present": 1, "unsure": 2}


@pytest.mark.parametrize("finding", ["Effusion", "Nodule"])
@pytest.mark.parametrize("condition", ["first", "second"])
def test_kappas_are_those_of_statsmodels(finding: str, condition: str) -> None:
    opinions = Readings(drawn_study()).of(finding, condition)
    result = agreement(opinions)
    table = np.array(
        [
            [NUMBERS[opinions.marks[reader, case].presence] for reader in opinions.readers]
            for case in opinions.cases
        ]
    )
    assert result.fleiss.value == pytest.approx(fleiss_kappa(aggregate_raters(table)[0], method="fleiss"))
    assert [pair.readers for pair in result.pairs] == [("Ada", "Ben"), ("Ada", "Cleo"), ("Ben", "Cleo")]
    for pair in result.pairs:
        columns = [opinions.readers.index(name) for name in pair.readers]
        joint = np.zeros((3, 3))
        np.add.at(joint, (table[:, columns[0]], table[:, columns[1]]), 1)
        assert pair.kappa.value == pytest.approx(cohens_kappa(joint, return_results=False))
        assert pair.kappa.n == len(opinions.cases)


def test_ac1_and_kappa_of_gwets_example_of_high_agreement() -> None:
    """125 patients, of whom 118 are positive to both raters: kappa -0.023, AC1 0.941 (Gwet 2002, 2008)."""
    one = "p" * 118 + "p" * 5 + "a" * 2
    other = "p" * 118 + "a" * 5 + "p" * 2
    result = agreement(
        Readings(study(told("Effusion", {"Ada": one, "Ben": other}))).of("Effusion", "unaided")
    )
    assert result.observed.value == pytest.approx(118 / 125)
    assert result.pairs[0].kappa.value == pytest.approx(-0.0234, abs=5e-5)
    assert result.ac1.value == pytest.approx(0.9408, abs=5e-5)
    assert result.ac1.n == 125


def test_four_raters_with_missing_ratings_give_the_published_coefficients() -> None:
    """Krippendorff's example C (2011) in Gwet's Handbook (2014), as irrCAC prints it."""
    ratings = np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
            [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
        ]
    )
    counts = np.stack([(ratings == category).sum(axis=0) for category in range(1, 6)], axis=1)
    observed, fleiss, ac1 = coefficients(counts.astype(float), np.ones((1, 12)))
    assert observed[0] == pytest.approx(0.8181818, abs=5e-8)
    assert fleiss[0] == pytest.approx(0.76117, abs=5e-6)
    assert ac1[0] == pytest.approx(0.77544, abs=5e-6)


def test_the_interval_is_that_of_cases_drawn_one_by_one() -> None:
    opinions = Readings(drawn_study(cases=40)).of("Effusion", "first")
    table = np.array(
        [
            [NUMBERS[opinions.marks[reader, case].presence] for reader in opinions.readers]
            for case in opinions.cases
        ]
    )
    rng = np.random.default_rng(11)
    drawn = [
        fleiss_kappa(aggregate_raters(table[rng.integers(0, 40, 40)], n_cat=3)[0], method="fleiss")
        for _ in range(600)
    ]
    result = agreement(opinions)
    assert result.fleiss.ci == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=0.05)


def test_where_all_say_the_same_kappa_is_undefined_and_ac1_is_one() -> None:
    result = agreement(
        Readings(study(told("Effusion", {"Ada": "aaaa", "Ben": "aaaa"}))).of("Effusion", "unaided")
    )
    assert result.fleiss.value is None and result.pairs[0].kappa.value is None
    assert result.ac1.value == 1.0 and result.observed.value == 1.0


def test_cases_of_one_reader_alone_give_no_agreement() -> None:
    result = agreement(
        Readings(study(told("Effusion", {"Ada": "pa..", "Ben": "..pa"}))).of("Effusion", "unaided")
    )
    assert (result.observed.value, result.observed.n) == (None, 0)
    assert (result.pairs[0].kappa.value, result.pairs[0].kappa.n) == (None, 0)


def test_two_current_readings_of_one_case_are_refused() -> None:
    with pytest.raises(InsightsError, match=r"Ada has two current readings of Effusion in case 4"):
        Readings(study([mark("Ada", 4, "absent"), mark("Ada", 4, "present")]))


def test_the_area_of_boxes_is_that_of_their_pixels() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        boxes = [Box(*map(float, rng.integers(1, 40, 4))) for _ in range(6)]
        pixels = [np.zeros((90, 90), bool), np.zeros((90, 90), bool)]
        for number, box in enumerate(boxes):
            x, y, w, h = (int(value) for value in (box.x, box.y, box.w, box.h))
            pixels[number % 2][y : y + h, x : x + w] = True
        assert area_of_all(boxes) == (pixels[0] | pixels[1]).sum()
        assert iou_of_all(boxes[::2], boxes[1::2]) == pytest.approx(
            (pixels[0] & pixels[1]).sum() / (pixels[0] | pixels[1]).sum()
        )
    assert area_of_all(()) == 0.0


def test_box_overlap_counts_the_cases_that_one_reader_alone_drew_on() -> None:
    box, half = Box(0, 0, 10, 10), Box(0, 0, 10, 5)
    marks = [
        mark("Ada", 1, "present", boxes=(box,)),
        mark("Ben", 1, "present", boxes=(half,)),
        mark("Ada", 2, "present", boxes=(box,)),
        mark("Ben", 2, "present", boxes=(box,)),
        mark("Ada", 3, "present", boxes=(box,)),
        mark("Ben", 3, "absent"),
        mark("Ada", 4, "absent"),
        mark("Ben", 4, "absent"),
    ]
    (overlap,) = box_overlaps(Readings(study(marks)).of("Effusion", "unaided"))
    assert overlap.iou.value == pytest.approx(0.75)
    assert (overlap.both, overlap.one, overlap.readers) == (2, 1, ("Ada", "Ben"))
