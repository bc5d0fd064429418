"""Plots and tables of a study: what they show, and which cases their points lead to."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from app.insights.figures import StudyFigures, figures
from app.insights.film_plot import film_plot
from app.insights.opinions import Readings
from app.insights.plots import curves_plot, scores_plot, shift_plot, times_plot
from app.insights.tables import TABLE_HEADINGS, tables, told
from app.study.data import StudyData
from patchclip import Radiograph
from patchclip.evaluate.bootstrap import Figure
from patchclip.types import Box
from tests.app.insights.studies import READERS, drawn_study


@pytest.fixture(scope="module")
def data() -> StudyData:
    return drawn_study(cases=12)


@pytest.fixture(scope="module")
def result(data: StudyData) -> StudyFigures:
    return figures(data)


def test_a_curve_leads_to_the_cases_that_are_rated_so(data: StudyData, result: StudyFigures) -> None:
    plot = curves_plot(result, "Effusion", "ROC")
    assert [trace.name.split(":")[0] for trace in plot.data] == [
        f"{reader}, {condition}" for condition in ("first", "second") for reader in READERS
    ]
    trace = plot.data[0]
    ada = {m.case for m in data.marks if (m.reader, m.finding, m.opinion) == ("Ada", "Effusion", "first")}
    assert {case for cases in trace.customdata for case in cases} == ada
    assert (trace.x[0], trace.y[0], trace.x[-1], trace.y[-1]) == (0, 0, 1, 1)


def test_ratings_are_drawn_with_the_finding_first(data: StudyData) -> None:
    plot = scores_plot(Readings(data), "Effusion")
    order = list(plot.layout.xaxis.categoryarray)
    present = {str(item.case) for item in data.truths if item.finding == "Effusion" and item.present}
    assert set(order[: len(present)]) == present and len(order) == 12
    trace = plot.data[0]
    rating = {
        m.case: m.score
        for m in data.marks
        if (m.reader, m.finding, m.opinion) == ("Ada", "Effusion", "first")
    }
    assert {int(case): y for case, y in zip(trace.x, trace.y, strict=True)} == rating
    assert [list(cases) for cases in trace.customdata] == [[int(case)] for case in trace.x]


def test_the_arrow_of_a_reader_goes_from_first_to_second_opinion(result: StudyFigures) -> None:
    plot = shift_plot(result, "Nodule")
    assert [trace.name for trace in plot.data] == [
        f"{name}, first to second" for name in ("all readers", *READERS)
    ]
    ada = {item.measure: item for item in result.shifts if (item.finding, item.reader) == ("Nodule", "Ada")}
    assert list(plot.data[1].y) == [
        ada["sensitivity"].value_before.value,
        ada["sensitivity"].value_after.value,
    ]
    assert plot.data[1].x[1] == pytest.approx(1 - (ada["specificity"].value_after.value or 0))


def test_a_reading_has_one_time_whatever_its_findings(data: StudyData) -> None:
    plot = times_plot(Readings(data))
    assert [len(trace.y) for trace in plot.data] == [36, 36]


def test_tables_have_a_row_for_each_figure(result: StudyFigures) -> None:
    every = tables(result)
    assert {name: table.headings for name, table in every.items()} == TABLE_HEADINGS
    assert all(len(row) == len(table.headings) for table in every.values() for row in table.rows)
    assert every["progress"].rows == tuple((reader, "sequential", 12, 12, 0, 0) for reader in READERS)
    agreement = every["agreement"].of("Nodule")
    assert [row[:2] for row in agreement.rows] == [("Nodule", "first"), ("Nodule", "second")]
    assert agreement.rows[0][3] == told(result.agreements[0].fleiss)
    assert [row[2] for row in every["arms"].of("Effusion").rows] == [
        "random readers, random cases",
        "fixed readers, random cases",
        "random readers, fixed cases",
    ]
    together = [row for row in every["shift"].rows if row[2] == "all readers"]
    assert together and all(row[7] is None for row in together)


def test_a_figure_in_words() -> None:
    assert told(Figure(0.5, (0.25, 0.75), 9, np.empty(0))) == "0.500 (0.250 to 0.750)"
    assert told(Figure(-0.1, (-0.2, 0.1), 9, np.empty(0)), 2, "+") == "-0.10 (-0.20 to +0.10)"
    assert told(Figure.undefined(0)) == "undefined"


def test_the_film_lies_under_its_boxes() -> None:
    pixels = np.tile(np.linspace(0, 1, 320, dtype=np.float32), (400, 1))
    radiograph = Radiograph.from_array(pixels)
    plot = film_plot(
        radiograph, {"Ada, first": (Box(10, 20, 30, 40),), "truth": (Box(1, 2, 3, 4),)}, "Case 3"
    )
    (image,) = plot.layout.images
    assert (image.sizex, image.sizey) == (320, 400)
    encoded = np.frombuffer(base64.b64decode(image.source.split(",")[1]), np.uint8)
    decoded = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
    assert decoded is not None and decoded.shape == (400, 320)
    assert np.abs(decoded.astype(int) - np.round(radiograph.pixels * 255)).max() <= 1
    assert [trace.name for trace in plot.data] == ["Ada, first", "truth"]
    assert list(plot.data[0].x) == [10, 40, 40, 10, 10] and list(plot.data[0].y) == [20, 20, 60, 60, 20]
    assert list(plot.layout.yaxis.range) == [400, 0]
