"""What the insights page shows of a study: each method gives the values of some of its components."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from app.insights import plots
from app.insights.exports import coco, json_record, long_csv
from app.insights.figures import StudyFigures
from app.insights.film_plot import TRUTH, film_plot
from app.insights.opinions import Readings, condition_of
from app.insights.package import pack
from app.insights.source import Source
from app.insights.tables import Cell, Table, cells, tables
from patchclip.types import Box

CASE_HEADINGS = ("reader", "condition", "finding", "told", "confidence", "boxes", "maps", "seconds")


@dataclass(frozen=True, slots=True)
class Choice:
    """A study that may be chosen: (what is shown, its number)."""

    title: str
    study: int


@dataclass(frozen=True, slots=True)
class Shown:
    """Of a study and one of its findings: tables and plots by name, and what the page says of the study."""

    note: str
    findings: tuple[str, ...]
    finding: str
    tables: Mapping[str, Table]
    plots: Mapping[str, go.Figure]


@dataclass(frozen=True, slots=True)
class CaseShown:
    """A case: its film with all boxes of a finding, and what everybody said of it."""

    film: go.Figure
    rows: list[list[Cell]]


class InsightsDesk:
    """The server side of the insights page.

    Args:
        source: where studies come from.
        folder: a private one, in which files to be downloaded are made.
    """

    def __init__(self, source: Source, folder: Path) -> None:
        self.source = source
        self._folder = folder

    def choices(self) -> list[Choice]:
        """All studies, the newest first."""
        return [
            Choice(f"{item.name} ({counted(item.readers, 'reader')}, {counted(item.cases, 'case')})", item.id)
            for item in reversed(self.source.studies())
        ]

    def shown(self, study: int, finding: str | None, kind: str) -> Shown:
        """A study's figures.

        Args:
            study: its number.
            finding: a label; the study's first where it is none of its own.
            kind: of curves: "ROC", "AFROC" or "wAFROC".
        """
        readings = self.source.readings(study)
        figures = self.source.figures(study, readings.data)
        chosen = finding if finding in readings.findings else next(iter(readings.findings), "")
        return Shown(
            note=_note(readings),
            findings=readings.findings,
            finding=chosen,
            tables={name: table.of(chosen) for name, table in tables(figures).items()},
            plots=_plots(readings, figures, chosen, kind),
        )

    def case(self, study: int, case: int, finding: str) -> CaseShown:
        """One case as it was read."""
        readings = self.source.readings(study)
        boxes: dict[str, tuple[Box, ...]] = {}
        for condition in readings.conditions:
            opinions = readings.of(finding, condition)
            for reader in opinions.readers:
                mark = opinions.marks.get((reader, case))
                if mark is not None and mark.boxes:
                    boxes[f"{reader}, {condition}"] = mark.boxes
        truth = readings.truths.get((case, finding))
        if truth is not None and truth.boxes:
            boxes[TRUTH] = truth.boxes
        said = "not told" if truth is None else "present" if truth.present else "absent"
        film = film_plot(self.source.film(study, case), boxes, f"Case {case}: {finding} is {said} (truth)")
        rows: list[list[Cell]] = [
            [
                mark.reader,
                condition_of(mark),
                mark.finding,
                mark.presence,
                "" if mark.confidence is None else mark.confidence,
                len(mark.boxes),
                ", ".join(f"{method}: {verdict}" for method, verdict in mark.verdicts.items()),
                round(mark.seconds, 1),
            ]
            for mark in readings.data.marks
            if mark.case == case
        ]
        return CaseShown(film, rows)

    def files(self, study: int) -> dict[str, str]:
        """Exports of a study as files: "csv", "json", "coco", "package" -> path."""
        readings = self.source.readings(study)
        data, sizes = readings.data, self.source.sizes(study)
        consensus = [item.record() for item in self.source.decisions(study)]
        contents = {
            "csv": (f"study-{study}-readings.csv", long_csv(data).encode()),
            "json": (f"study-{study}.json", _json(json_record(data, consensus))),
            "coco": (f"study-{study}-boxes.coco.json", _json(coco(data, sizes.__getitem__))),
            "package": (f"study-{study}-package.zip", pack(data, consensus)),
        }
        folder = Path(tempfile.mkdtemp(prefix="exports-", dir=self._folder))
        paths = {}
        for kind, (name, content) in contents.items():
            (folder / name).write_bytes(content)
            paths[kind] = str(folder / name)
        return paths


def counted(number: int, thing: str) -> str:
    """ "1 reader", "2 readers"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def rows_of(table: Table) -> list[list[Cell]]:
    """A table's rows for a data frame of the page."""
    return cells(table.rows)


def _plots(readings: Readings, figures: StudyFigures, finding: str, kind: str) -> dict[str, go.Figure]:
    return {
        "curves": plots.curves_plot(figures, finding, kind),
        "scores": plots.scores_plot(readings, finding),
        "agreement": plots.agreement_plot(figures),
        "shift": plots.shift_plot(figures, finding),
        "calibration": plots.calibration_plot(figures, finding),
        "times": plots.times_plot(readings),
    }


def _note(readings: Readings) -> str:
    data = readings.data
    truths = len({item.case for item in data.truths})
    return (
        f"**{data.name}**: {counted(len(data.readers), 'reader')}, {counted(len(data.cases), 'case')}, "
        f"of which {truths} have a truth; {len(data.marks)} readings of findings. "
        "Intervals are 95 %, over cases like these. "
        "Research use only, not for clinical use."
    )


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
