"""Figures of a study as tables: a heading for each column, a row for each figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.insights.figures import StudyFigures
from app.insights.shift import ALL
from patchclip.accuracy import Proportion
from patchclip.evaluate.bootstrap import Figure
from patchclip.evaluate.mrmc import Interval

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """Headings, and rows of as many cells."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def of(self, finding: str) -> Table:
        """The rows of one finding alone, where there is a column of findings."""
        if "finding" not in self.headings:
            return self
        place = self.headings.index("finding")
        return Table(self.headings, tuple(row for row in self.rows if row[place] == finding))


def tables(figures: StudyFigures) -> dict[str, Table]:
    """Every table by its name."""
    return {
        "progress": progress_table(figures),
        "times": times_table(figures),
        "agreement": agreement_table(figures),
        "pairs": pairs_table(figures),
        "boxes": boxes_table(figures),
        "areas": areas_table(figures),
        "arms": arms_table(figures),
        "shift": shift_table(figures),
        "reliance": reliance_table(figures),
        "maps": maps_table(figures),
        "wrong maps": wrong_maps_table(figures),
        "calibration": calibration_table(figures),
    }


def progress_table(figures: StudyFigures) -> Table:
    """Readers by arms."""
    return Table(
        ("reader", "arm", "done", "assigned", "first opinion alone", "unreadable"),
        tuple(
            (item.reader, item.arm, item.done, item.assigned, item.begun, item.unreadable)
            for item in figures.progress
        ),
    )


def times_table(figures: StudyFigures) -> Table:
    """Seconds by reader and condition."""
    return Table(
        ("reader", "condition", "median, s (95 % CI)", "quartiles, s", "readings"),
        tuple(
            (
                item.reader,
                item.condition,
                told(item.median, 1),
                f"{item.low:.1f} to {item.high:.1f}",
                item.median.n,
            )
            for item in figures.reading_times
        ),
    )


def agreement_table(figures: StudyFigures) -> Table:
    """Of all readers, by finding and condition."""
    return Table(
        ("finding", "condition", "agree", "Fleiss' kappa (95 % CI)", "Gwet's AC1 (95 % CI)", "cases"),
        tuple(
            (
                item.finding,
                item.condition,
                told(item.observed),
                told(item.fleiss),
                told(item.ac1),
                item.observed.n,
            )
            for item in figures.agreements
        ),
    )


def pairs_table(figures: StudyFigures) -> Table:
    """Cohen's kappa of each two readers."""
    return Table(
        ("finding", "condition", "readers", "Cohen's kappa (95 % CI)", "cases"),
        tuple(
            (item.finding, item.condition, " and ".join(pair.readers), told(pair.kappa), pair.kappa.n)
            for item in figures.agreements
            for pair in item.pairs
        ),
    )


def boxes_table(figures: StudyFigures) -> Table:
    """How far boxes of each two readers lie on one another."""
    return Table(
        ("finding", "condition", "readers", "IoU (95 % CI)", "both drew", "one drew"),
        tuple(
            (item.finding, item.condition, " and ".join(item.readers), told(item.iou), item.both, item.one)
            for item in figures.overlaps
        ),
    )


def areas_table(figures: StudyFigures) -> Table:
    """Areas under all curves."""
    return Table(
        ("finding", "curve", "condition", "reader", "area (95 % CI)", "with finding", "without"),
        tuple(
            (
                item.finding,
                item.kind,
                item.condition,
                item.reader,
                told(item.area),
                item.present,
                item.absent,
            )
            for item in figures.curves
        ),
    )


def arms_table(figures: StudyFigures) -> Table:
    """Areas without the model less those with it, by the multi-reader multi-case analysis."""
    rows: list[tuple[Cell, ...]] = []
    for item in figures.comparisons:
        names = " less ".join(item.conditions)
        if item.result is None:
            rows.append((item.finding, names, "", item.reason, None, len(item.cases), item.left_out))
            continue
        for analysis in item.result.analyses:
            (difference,) = analysis.differences
            of = f"{analysis.readers} readers, {analysis.cases} cases"
            rows.append(
                (
                    item.finding,
                    names,
                    of,
                    _interval(difference.area),
                    round(difference.p, 4),
                    len(item.cases),
                    item.left_out,
                )
            )
    return Table(
        ("finding", "conditions", "analysis", "difference of AUC (95 % CI)", "P", "cases", "left out"),
        tuple(rows),
    )


def shift_table(figures: StudyFigures) -> Table:
    """Sensitivity and specificity without the model and with it; P of McNemar's test of single readers."""
    return Table(
        ("finding", "measure", "reader", "conditions", "before", "after", "difference (95 % CI)", "P", "n"),
        tuple(
            (
                item.finding,
                item.measure,
                item.reader,
                f"{item.before} to {item.after}",
                told(item.value_before),
                told(item.value_after),
                told(item.difference, sign="+"),
                # Of all readers together several readings are of one case, which the test does not know.
                None if item.reader == ALL else round(item.discordance.p, 4),
                item.difference.n,
            )
            for item in figures.shifts
        ),
    )


def reliance_table(figures: StudyFigures) -> Table:
    """Shares of readings, with how many they are of."""
    return Table(
        (
            "finding",
            "reader",
            "with a wrong model, before",
            "with a wrong model, after",
            "misled",
            "helped",
            "model ignored",
        ),
        tuple(
            (
                item.finding,
                item.reader,
                _of(item.with_wrong_before),
                _of(item.with_wrong_after),
                _of(item.misled),
                _of(item.helped),
                _of(item.ignored),
            )
            for item in figures.reliances
        ),
    )


def maps_table(figures: StudyFigures) -> Table:
    """Which method's maps were called correct, on the same readings."""
    return Table(
        (
            "findings",
            "reader",
            "methods",
            "first correct",
            "second correct",
            "difference (95 % CI)",
            "P",
            "n",
        ),
        tuple(
            (
                item.finding,
                item.reader,
                " and ".join(item.methods),
                told(item.correct[0]),
                told(item.correct[1]),
                told(item.difference, sign="+"),
                None if item.reader == ALL else round(item.discordance.p, 4),
                item.discordance.n,
            )
            for item in figures.map_comparisons
        ),
    )


def wrong_maps_table(figures: StudyFigures) -> Table:
    """What readers said of maps that the truth tells right or wrong."""
    return Table(
        ("finding", "method", "reader", "wrong maps called correct", "right maps called wrong"),
        tuple(
            (item.finding, item.method, item.reader, _of(item.called_correct), _of(item.called_wrong))
            for item in figures.wrong_maps
        ),
    )


def calibration_table(figures: StudyFigures) -> Table:
    """Of ratings taken as probabilities."""
    return Table(
        ("finding", "condition", "reader", "Brier score (95 % CI)", "calibration error (95 % CI)", "cases"),
        tuple(
            (item.finding, item.condition, item.reader, told(item.brier), told(item.error), item.brier.n)
            for item in figures.calibrations
        ),
    )


def told(figure: Figure, digits: int = 3, sign: str = "") -> str:
    """A figure in words: value and interval, or that there is none."""
    if figure.value is None:
        return "undefined"
    low, high = figure.ci
    value = f"{figure.value:{sign}.{digits}f}"
    if low is None or high is None:
        return value
    return f"{value} ({low:{sign}.{digits}f} to {high:{sign}.{digits}f})"


def share_told(share: Proportion) -> str:
    """A share in words."""
    low, high = share.interval
    return f"{share.value:.2f} ({low:.2f} to {high:.2f}), {share.count} of {share.total}"


def _of(figure: Figure) -> str:
    return f"{told(figure, 2)}, n = {figure.n}" if figure.n else "no such reading"


def _interval(interval: Interval) -> str:
    return f"{interval.value:+.4f} ({interval.low:+.4f} to {interval.high:+.4f})"


def cells(rows: Sequence[Sequence[Cell]]) -> list[list[Cell]]:
    """Rows as a data frame of the page takes them: "" for what is not there."""
    return [["" if cell is None else cell for cell in row] for row in rows]


TABLE_HEADINGS = {
    name: table.headings
    for name, table in tables(StudyFigures((), (), (), (), (), (), (), (), (), (), ())).items()
}
"""Of every table by its name, whatever its rows."""
