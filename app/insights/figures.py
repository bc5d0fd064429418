"""All figures of a study at once, from its records alone: the same records give the same figures."""

from __future__ import annotations

from dataclasses import dataclass

from app.insights.agreement import Agreement, agreement
from app.insights.calibration import Calibration, calibration
from app.insights.comparison import ArmComparison, comparison
from app.insights.curves import Curve, afroc, roc
from app.insights.opinions import Readings
from app.insights.overlap import BoxOverlap, box_overlaps
from app.insights.pace import Progress, ReadingTime, progress, reading_times
from app.insights.reliance import Reliance, WrongMaps, reliance, wrong_maps
from app.insights.shift import Shift, shifts
from app.insights.verdicts import MapComparison, map_comparisons
from app.study.data import StudyData


@dataclass(frozen=True, slots=True)
class StudyFigures:
    """What a study shows; see the module of each part."""

    progress: tuple[Progress, ...]
    reading_times: tuple[ReadingTime, ...]
    agreements: tuple[Agreement, ...]
    overlaps: tuple[BoxOverlap, ...]
    curves: tuple[Curve, ...]
    comparisons: tuple[ArmComparison, ...]
    shifts: tuple[Shift, ...]
    reliances: tuple[Reliance, ...]
    wrong_maps: tuple[WrongMaps, ...]
    calibrations: tuple[Calibration, ...]
    map_comparisons: tuple[MapComparison, ...]


def figures(data: StudyData) -> StudyFigures:
    """Every figure of a study, on as many readings as there are so far.

    Raises:
        InsightsError: the records contradict themselves.
    """
    readings = Readings(data)
    every = [readings.of(label, name) for label in readings.findings for name in readings.conditions]
    every = [opinions for opinions in every if opinions.marks]
    paired = [(label, *pair) for label in readings.findings for pair in readings.pairs()]
    curves = [
        curve
        for opinions in every
        for reader in opinions.readers
        for curve in (
            roc(readings, opinions, reader),
            afroc(readings, opinions, reader, weighted=False),
            afroc(readings, opinions, reader, weighted=True),
        )
        if curve is not None
    ]
    return StudyFigures(
        progress(data),
        reading_times(data),
        tuple(agreement(opinions) for opinions in every),
        tuple(item for opinions in every for item in box_overlaps(opinions)),
        tuple(curves),
        tuple(comparison(readings, label, (before, after)) for label, before, after in paired),
        tuple(item for place in paired for item in shifts(readings, *place)),
        tuple(item for place in paired for item in reliance(readings, *place)),
        tuple(item for label in readings.findings for item in wrong_maps(readings, label)),
        tuple(
            item
            for opinions in every
            for reader in opinions.readers
            if (item := calibration(readings, opinions, reader)) is not None
        ),
        map_comparisons(readings),
    )
